// Verifies certification paths with Go's crypto/x509, for test/interop/paths.test.ts.
//
// Standard input is a JSON list of questions; see test/interop/paths/go.ts. Each line of standard output answers one:
// "ok", "refused: " and the reason, or "cannot: " and what this Go does not have.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"
	"unsafe"
)

type question struct {
	Target                []byte
	Anchors               [][]byte
	Intermediates         [][]byte
	At                    time.Time
	Purpose               string
	Host                  string
	Policies              []string
	RequireExplicitPolicy bool
	InhibitPolicyMapping  bool
	InhibitAnyPolicy      bool
}

var purposes = map[string]x509.ExtKeyUsage{
	"allow-any":    x509.ExtKeyUsageAny,
	"server":       x509.ExtKeyUsageServerAuth,
	"client":       x509.ExtKeyUsageClientAuth,
	"email":        x509.ExtKeyUsageEmailProtection,
	"ocsp-signing": x509.ExtKeyUsageOCSPSigning,
}

// errCannot marks what this Go does not have.
var errCannot = errors.New("cannot")

func verify(asked question) error {
	target, err := x509.ParseCertificate(asked.Target)
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{CurrentTime: asked.At, DNSName: asked.Host}
	if options.Roots, err = pool(asked.Anchors); err != nil {
		return err
	}
	if options.Intermediates, err = pool(asked.Intermediates); err != nil {
		return err
	}
	usage, known := purposes[asked.Purpose]
	if !known {
		return fmt.Errorf("%w: no purpose %s", errCannot, asked.Purpose)
	}
	options.KeyUsages = []x509.ExtKeyUsage{usage}
	if err := setPolicies(&options, asked); err != nil {
		return err
	}
	_, err = target.Verify(options)
	return err
}

func pool(certificates [][]byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for _, der := range certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		pool.AddCert(certificate)
	}
	return pool, nil
}

// setPolicies asks about certificate policies, of which Go knows since 1.24. What RFC 5280 §6.1.1 (e) to (g) asks is
// there, but only Go itself can set it; hence the detour.
func setPolicies(options *x509.VerifyOptions, asked question) error {
	fields := reflect.ValueOf(options).Elem()
	list := fields.FieldByName("CertificatePolicies")
	if !list.IsValid() {
		return fmt.Errorf("%w: no certificate policies", errCannot)
	}
	for _, text := range asked.Policies {
		policy := reflect.New(list.Type().Elem())
		if err := policy.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return err
		}
		list.Set(reflect.Append(list, policy.Elem()))
	}
	for name, value := range map[string]bool{
		"requireExplicitPolicy": asked.RequireExplicitPolicy,
		"inhibitPolicyMapping":  asked.InhibitPolicyMapping,
		"inhibitAnyPolicy":      asked.InhibitAnyPolicy,
	} {
		field := fields.FieldByName(name)
		if !value {
			continue
		}
		if !field.IsValid() || field.Kind() != reflect.Bool {
			return fmt.Errorf("%w: no %s", errCannot, name)
		}
		*(*bool)(unsafe.Pointer(field.UnsafeAddr())) = true
	}
	return nil
}

func main() {
	var questions []question
	if err := json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&questions); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, asked := range questions {
		err := verify(asked)
		switch {
		case err == nil:
			fmt.Println("ok")
		case errors.Is(err, errCannot):
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		default:
			fmt.Println("refused: " + strings.ReplaceAll(err.Error(), "\n", " "))
		}
	}
}
