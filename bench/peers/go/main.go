// Go as a peer: github.com/smallstep/pkcs7 over the files of a folder, as often as standard input asks.
//
//	peer TASK FOLDER, TASK one of verify, verify-chain, sign
//
// Says "ready", or "cannot: " and why. Then each line of input is a number of operations, answered by their nanoseconds,
// after half as many that are not measured.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/smallstep/pkcs7"
)

func main() {
	task, folder := os.Args[1], os.Args[2]
	one, err := prepare(task, folder)
	if err == nil {
		err = one(0)
	}
	if err != nil {
		fmt.Println("cannot:", err)
		return
	}
	fmt.Println("ready", version(), runtime.Version())
	lines := bufio.NewScanner(os.Stdin)
	next := 0
	for lines.Scan() {
		count, err := strconv.Atoi(lines.Text())
		must(err)
		for ready := (count + 1) / 2; ready > 0; ready-- {
			must(one(next))
			next++
		}
		start := time.Now()
		for ; count > 0; count-- {
			must(one(next))
			next++
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}

// Of the module that is measured.
func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/smallstep/pkcs7" {
			return "smallstep/pkcs7 " + module.Version + ","
		}
	}
	return ""
}

func prepare(task, folder string) (func(int) error, error) {
	content := read(folder, "content.bin")
	signer, err := x509.ParseCertificate(read(folder, "signer.der"))
	if err != nil {
		return nil, err
	}
	if task == "sign" {
		key, err := x509.ParsePKCS8PrivateKey(read(folder, "signer-key.der"))
		if err != nil {
			return nil, err
		}
		return func(int) error {
			data, err := pkcs7.NewSignedData(content)
			if err != nil {
				return err
			}
			data.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
			if err := data.AddSigner(signer, key, pkcs7.SignerInfoConfig{}); err != nil {
				return err
			}
			data.Detach()
			_, err = data.Finish()
			return err
		}, nil
	}
	issuing, err := x509.ParseCertificate(read(folder, "issuing.der"))
	if err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(read(folder, "root.der"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	certificates := []*x509.Certificate{signer, issuing}
	// It knows signers by issuer and serial number only.
	messages := pieces(read(folder, "serial-messages.bin"))
	return func(index int) error {
		message, err := pkcs7.Parse(messages[index%len(messages)])
		if err != nil {
			return err
		}
		message.Content = content
		message.Certificates = certificates
		if task == "verify" {
			return message.Verify()
		}
		return message.VerifyWithChain(roots)
	}, nil
}

// Each with its length before it, in four octets.
func pieces(all []byte) (found [][]byte) {
	for len(all) > 4 {
		end := 4 + binary.BigEndian.Uint32(all)
		found = append(found, all[4:end])
		all = all[end:]
	}
	return found
}

func read(folder, name string) []byte {
	octets, err := os.ReadFile(filepath.Join(folder, name))
	must(err)
	return octets
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
