// Verifies certificates with Go's crypto/x509, for test/interop/chains.test.ts.
//
// Each line of standard input names a root, a file with the certificate and its intermediates, and either a host name
// "-" for a client, or "@" for a signer. Each line of standard output is "ok", or "refused: " and the reason.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

func certificates(path string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
	if len(found) == 0 {
		return nil, errors.New("no certificate in " + path)
	}
	return found, nil
}

func verify(rootFile, chainFile, host string) error {
	roots, err := certificates(rootFile)
	if err != nil {
		return err
	}
	chain, err := certificates(chainFile)
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	for _, root := range roots {
		options.Roots.AddCert(root)
	}
	for _, intermediate := range chain[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	switch host {
	case "-":
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case "@":
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	default:
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		options.DNSName = host
	}
	paths, err := chain[0].Verify(options)
	if err == nil && len(paths[0]) != 3 {
		return fmt.Errorf("a path of %d certificates", len(paths[0]))
	}
	return err
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 3 {
			fmt.Println("refused: expected three words")
		} else if err := verify(words[0], words[1], words[2]); err != nil {
			fmt.Println("refused: " + strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok")
		}
	}
}
