// Go's certificate authorities as peers: cfssl's signer and step-ca's authority, each called in this process, without HTTP.
//
//	issuers TASK FOLDER, TASK one of cfssl, step-ca, step-ca-database
//
// One operation: a new P-256 key, a request signed with it, a certificate for that. Nothing is written, but by the database of
// the last. Speaks as ../README.md says.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/cloudflare/cfssl/config"
	"github.com/cloudflare/cfssl/csr"
	"github.com/cloudflare/cfssl/log"
	"github.com/cloudflare/cfssl/signer"
	"github.com/cloudflare/cfssl/signer/local"
	"github.com/smallstep/certificates/authority"
	stepconfig "github.com/smallstep/certificates/authority/config"
	"github.com/smallstep/certificates/authority/provisioner"
	"github.com/smallstep/certificates/db"
)

const lifetime = 30 * 24 * time.Hour

func main() {
	task, folder := os.Args[1], os.Args[2]
	one, module, err := prepare(task, folder)
	if err == nil {
		err = one()
	}
	if err != nil {
		fmt.Println("cannot:", err)
		return
	}
	fmt.Println("ready", version(module), runtime.Version())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		count, err := strconv.Atoi(lines.Text())
		must(err)
		for ready := (count + 1) / 2; ready > 0; ready-- {
			must(one())
		}
		start := time.Now()
		for ; count > 0; count-- {
			must(one())
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}

// What does one operation, and the module that is measured.
func prepare(task, folder string) (func() error, string, error) {
	switch task {
	case "cfssl":
		one, err := cfssl()
		return one, "github.com/cloudflare/cfssl", err
	case "step-ca":
		one, err := step(nil)
		return one, "github.com/smallstep/certificates", err
	case "step-ca-database":
		one, err := step(&db.Config{Type: "badgerv2", DataSource: folder})
		return one, "github.com/smallstep/certificates", err
	}
	return nil, "", fmt.Errorf("no such task: %s", task)
}

func cfssl() (func() error, error) {
	log.Level = log.LevelError
	certificate, key, err := newCA()
	if err != nil {
		return nil, err
	}
	profile := &config.SigningProfile{
		Usage:        []string{"digital signature", "server auth", "client auth"},
		Expiry:       lifetime,
		ExpiryString: "720h",
	}
	ca, err := local.NewSigner(key, certificate, x509.ECDSAWithSHA256, &config.Signing{Default: profile})
	if err != nil {
		return nil, err
	}
	hosts := []string{"bulk-0.cloud.example", "spiffe://cloud.example/compute/bulk-0"}
	return func() error {
		request := &csr.CertificateRequest{CN: "bulk-0", Hosts: hosts}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		text, err := csr.Generate(key, request)
		if err != nil {
			return err
		}
		_, err = ca.Sign(signer.SignRequest{Request: string(text)})
		return err
	}, nil
}

func step(database *db.Config) (func() error, error) {
	certificate, key, err := newCA()
	if err != nil {
		return nil, err
	}
	options := []authority.Option{
		authority.WithConfig(&stepconfig.Config{DB: database, AuthorityConfig: &stepconfig.AuthConfig{}}),
		authority.WithX509RootCerts(certificate),
		authority.WithX509Signer(certificate, key),
		authority.WithQuietInit(),
	}
	ca, err := authority.NewEmbedded(options...)
	if err != nil {
		return nil, err
	}
	template := &x509.CertificateRequest{
		Subject:  pkix.Name{Organization: []string{"cloud.example"}, CommonName: "bulk-0"},
		DNSNames: []string{"bulk-0.cloud.example"},
	}
	return func() error {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
		if err != nil {
			return err
		}
		request, err := x509.ParseCertificateRequest(der)
		if err != nil {
			return err
		}
		now := time.Now()
		from, to := provisioner.NewTimeDuration(now), provisioner.NewTimeDuration(now.Add(lifetime))
		_, err = ca.Sign(request, provisioner.SignOptions{NotBefore: from, NotAfter: to}, modifier{from.Time(), to.Time()})
		return err
	}, nil
}

// The dates, as a provisioner would set them.
type modifier struct{ from, to time.Time }

func (m modifier) Modify(certificate *x509.Certificate, _ provisioner.SignOptions) error {
	certificate.NotBefore, certificate.NotAfter = m.from, m.to
	return nil
}

func newCA() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Bench CA"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(365 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return certificate, key, err
}

func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return dependency.Path + " " + dependency.Version + ","
		}
	}
	return ""
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
