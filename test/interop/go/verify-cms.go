// Verifies a CMS SignedData and the chain of its countersignatures (RFC 5652 §5, §11.4) with Go's own cryptography, for
// test/interop/go-cms.test.ts.
//
// Standard input is a JSON object: message, content, root, intermediates, certificates in base64. Standard output has
// one line with the common name of each signer, the one of the message first; or "refused: " and the reason.
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

type question struct {
	Message, Content, Root      []byte
	Intermediates, Certificates [][]byte
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

// Object identifiers of signet have an arc of 128 bits, which asn1.ObjectIdentifier cannot hold: octets do.
type encapsulated struct {
	Type    asn1.RawValue
	Content []byte `asn1:"explicit,optional,tag:0"`
}

type signedData struct {
	Version int
	Digests asn1.RawValue
	Encap   encapsulated
	Signers []signerInfo `asn1:"set"`
}

type signerInfo struct {
	Version    int
	Identifier []byte `asn1:"tag:0"`
	Digest     pkix.AlgorithmIdentifier
	Signed     asn1.RawValue `asn1:"tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type attribute struct {
	Type   asn1.RawValue
	Values asn1.RawValue
}

var (
	oidSignedData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidCounterSignature = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 6}
	oidCertificateV2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidPss              = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	digests             = map[string]crypto.Hash{
		"2.16.840.1.101.3.4.2.1": crypto.SHA256,
		"2.16.840.1.101.3.4.2.2": crypto.SHA384,
		"2.16.840.1.101.3.4.2.3": crypto.SHA512,
	}
)

func whole(der []byte, value interface{}) error {
	rest, err := asn1.Unmarshal(der, value)
	if err == nil && len(rest) > 0 {
		err = errors.New("octets follow")
	}
	return err
}

// The one value of an attribute, or nil.
func valueOf(set []byte, wanted asn1.ObjectIdentifier) ([]byte, error) {
	oid, err := asn1.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	for len(set) > 0 {
		var found attribute
		if set, err = asn1.Unmarshal(set, &found); err != nil {
			return nil, err
		}
		if bytes.Equal(found.Type.FullBytes, oid) {
			var value asn1.RawValue
			return found.Values.Bytes, whole(found.Values.Bytes, &value)
		}
	}
	return nil, nil
}

func (asked question) signer(signer signerInfo) (*x509.Certificate, error) {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for pool, ders := range map[*x509.CertPool][][]byte{roots: {asked.Root}, intermediates: asked.Intermediates} {
		for _, der := range ders {
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, err
			}
			pool.AddCert(certificate)
		}
	}
	for _, der := range asked.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(certificate.SubjectKeyId, signer.Identifier) {
			continue
		}
		usages := []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: usages})
		return certificate, err
	}
	return nil, errors.New("nobody has this key identifier")
}

// contentType is nil for a countersignature, which must not have one.
func (asked question) verify(signer signerInfo, content, contentType []byte) (string, error) {
	certificate, err := asked.signer(signer)
	if err != nil {
		return "", err
	}
	hash, known := digests[signer.Digest.Algorithm.String()]
	if !known {
		return "", errors.New("unknown digest")
	}
	sum := func(octets []byte) []byte {
		state := hash.New()
		state.Write(octets)
		return state.Sum(nil)
	}
	found, err := valueOf(signer.Signed.Bytes, oidContentType)
	if err != nil || !bytes.Equal(found, contentType) {
		return "", errors.New("contentType is another")
	}
	var digest []byte
	found, err = valueOf(signer.Signed.Bytes, oidMessageDigest)
	if err != nil || whole(found, &digest) != nil || !bytes.Equal(digest, sum(content)) {
		return "", errors.New("messageDigest is another")
	}
	var bound struct{ Certificates []struct{ Hash []byte } }
	found, err = valueOf(signer.Signed.Bytes, oidCertificateV2)
	if err != nil || whole(found, &bound) != nil || len(bound.Certificates) != 1 {
		return "", errors.New("signingCertificateV2 is missing")
	}
	state := crypto.SHA256.New()
	state.Write(certificate.Raw)
	if !bytes.Equal(bound.Certificates[0].Hash, state.Sum(nil)) {
		return "", errors.New("signingCertificateV2 is another")
	}
	// RFC 5652 §5.4: as a SET OF, not with the tag that it has here.
	signed := append([]byte{0x31}, signer.Signed.FullBytes[1:]...)
	isGood := false
	switch key := certificate.PublicKey.(type) {
	case *ecdsa.PublicKey:
		isGood = ecdsa.VerifyASN1(key, sum(signed), signer.Signature)
	case ed25519.PublicKey:
		isGood = ed25519.Verify(key, signed, signer.Signature)
	case *rsa.PublicKey:
		if signer.Algorithm.Algorithm.Equal(oidPss) {
			isGood = rsa.VerifyPSS(key, hash, sum(signed), signer.Signature, nil) == nil
		} else {
			isGood = rsa.VerifyPKCS1v15(key, hash, sum(signed), signer.Signature) == nil
		}
	}
	if !isGood {
		return "", errors.New("the signature does not fit")
	}
	return certificate.Subject.CommonName, nil
}

func (asked question) names() ([]string, error) {
	var info contentInfo
	var data signedData
	if err := whole(asked.Message, &info); err != nil {
		return nil, err
	}
	if !info.Type.Equal(oidSignedData) {
		return nil, errors.New("no SignedData")
	}
	if err := whole(info.Content.Bytes, &data); err != nil {
		return nil, err
	}
	if len(data.Signers) != 1 {
		return nil, errors.New("not one signer")
	}
	content := data.Encap.Content
	if content == nil {
		content = asked.Content
	}
	signer, contentType := data.Signers[0], data.Encap.Type.FullBytes
	var names []string
	for {
		name, err := asked.verify(signer, content, contentType)
		if err != nil {
			return nil, fmt.Errorf("signature %d: %w", len(names)+1, err)
		}
		names = append(names, name)
		value, err := valueOf(signer.Unsigned.Bytes, oidCounterSignature)
		if value == nil || err != nil {
			return names, err
		}
		content, contentType = signer.Signature, nil
		signer = signerInfo{}
		if err := whole(value, &signer); err != nil {
			return nil, err
		}
	}
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	names, err := asked.names()
	if err != nil {
		fmt.Println("refused:", err)
		return
	}
	for _, name := range names {
		fmt.Println(name)
	}
}
