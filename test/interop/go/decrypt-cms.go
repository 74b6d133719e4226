// Decrypts a CMS AuthEnvelopedData (RFC 5083, RFC 5084) with Go's own cryptography: ECDH with the X9.63 KDF and AES key
// wrap (RFC 5753, RFC 3394), and RSAES-OAEP (RFC 3560). For test/interop/go-cms.test.ts.
//
// Standard input is a JSON object: message, key (PKCS #8) and identifier (of the key) in base64. Standard output is the
// content in base64; or "refused: " and the reason.
package main

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

type question struct{ Message, Key, Identifier []byte }

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type authEnvelopedData struct {
	Version    int
	Recipients []asn1.RawValue `asn1:"set"`
	Encrypted  struct {
		Type      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Content   []byte `asn1:"tag:0"`
	}
	Tag []byte
}

type transport struct {
	Version    int
	Identifier []byte `asn1:"tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Key        []byte
}

type agreement struct {
	Version    int
	Originator struct {
		Key struct {
			Algorithm pkix.AlgorithmIdentifier
			Point     asn1.BitString
		} `asn1:"tag:1"`
	} `asn1:"tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Recipients []struct {
		Identifier struct{ Octets []byte } `asn1:"tag:0"`
		Key        []byte
	}
}

var (
	oidAuthEnveloped = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 23}
	oidGcm           = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 46}
	oidWrap          = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 45}
	oidOaep          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 7}
	kdfs             = map[string]crypto.Hash{"1.3.132.1.11.1": crypto.SHA256, "1.3.132.1.11.2": crypto.SHA384}
)

func whole(der []byte, value interface{}, parameters string) error {
	rest, err := asn1.UnmarshalWithParams(der, value, parameters)
	if err == nil && len(rest) > 0 {
		err = errors.New("octets follow")
	}
	return err
}

// RFC 3394 §2.2.2.
func unwrap(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped)%8 != 0 || len(wrapped) < 24 {
		return nil, errors.New("no wrapped key")
	}
	count := len(wrapped)/8 - 1
	check, key := append([]byte{}, wrapped[:8]...), append([]byte{}, wrapped[8:]...)
	for round := 5; round >= 0; round-- {
		for index := count; index >= 1; index-- {
			register := key[(index-1)*8 : index*8]
			binary.BigEndian.PutUint64(check, binary.BigEndian.Uint64(check)^uint64(count*round+index))
			both := append(append([]byte{}, check...), register...)
			block.Decrypt(both, both)
			copy(check, both[:8])
			copy(register, both[8:])
		}
	}
	if !bytes.Equal(check, bytes.Repeat([]byte{0xa6}, 8)) {
		return nil, errors.New("the key was wrapped with another")
	}
	return key, nil
}

// ECC-CMS-SharedInfo (RFC 5753 §7.2): the algorithm of the wrap, as it stands in the message, and how long its key is.
func sharedInfo(wrap []byte) ([]byte, error) {
	return asn1.Marshal(struct {
		Wrap asn1.RawValue
		Bits []byte `asn1:"explicit,tag:2"`
	}{asn1.RawValue{FullBytes: wrap}, []byte{0, 0, 1, 0}})
}

func agreed(found agreement, key *ecdsa.PrivateKey, wrapped []byte) ([]byte, error) {
	hash, known := kdfs[found.Algorithm.Algorithm.String()]
	var wrap pkix.AlgorithmIdentifier
	wrapDer := found.Algorithm.Parameters.FullBytes
	if !known || whole(wrapDer, &wrap, "") != nil || !wrap.Algorithm.Equal(oidWrap) {
		return nil, errors.New("another key agreement")
	}
	x, y := elliptic.Unmarshal(key.Curve, found.Originator.Key.Point.Bytes)
	if x == nil {
		return nil, errors.New("no point of the curve")
	}
	z, _ := key.Curve.ScalarMult(x, y, key.D.Bytes())
	info, err := sharedInfo(wrapDer)
	if err != nil {
		return nil, err
	}
	// X9.63: one block is enough for 256 bits.
	state := hash.New()
	state.Write(z.FillBytes(make([]byte, (key.Curve.Params().BitSize+7)/8)))
	state.Write([]byte{0, 0, 0, 1})
	state.Write(info)
	return unwrap(state.Sum(nil)[:32], wrapped)
}

func (asked question) contentKey(recipients []asn1.RawValue) ([]byte, error) {
	private, err := x509.ParsePKCS8PrivateKey(asked.Key)
	if err != nil {
		return nil, err
	}
	for _, recipient := range recipients {
		switch key := private.(type) {
		case *rsa.PrivateKey:
			var found transport
			if whole(recipient.FullBytes, &found, "") != nil || !bytes.Equal(found.Identifier, asked.Identifier) {
				continue
			}
			if !found.Algorithm.Algorithm.Equal(oidOaep) {
				return nil, errors.New("another key transport")
			}
			return rsa.DecryptOAEP(sha256.New(), nil, key, found.Key, nil)
		case *ecdsa.PrivateKey:
			var found agreement
			if whole(recipient.FullBytes, &found, "tag:1") != nil {
				continue
			}
			for _, entry := range found.Recipients {
				if bytes.Equal(entry.Identifier.Octets, asked.Identifier) {
					return agreed(found, key, entry.Key)
				}
			}
		}
	}
	return nil, errors.New("not a recipient")
}

func (asked question) content() ([]byte, error) {
	var info contentInfo
	var data authEnvelopedData
	if err := whole(asked.Message, &info, ""); err != nil {
		return nil, err
	}
	if !info.Type.Equal(oidAuthEnveloped) {
		return nil, errors.New("no AuthEnvelopedData")
	}
	if err := whole(info.Content.Bytes, &data, ""); err != nil {
		return nil, err
	}
	var gcm struct {
		Nonce     []byte
		TagLength int `asn1:"optional,default:12"`
	}
	algorithm := data.Encrypted.Algorithm
	if !algorithm.Algorithm.Equal(oidGcm) || whole(algorithm.Parameters.FullBytes, &gcm, "") != nil {
		return nil, errors.New("another cipher")
	}
	if gcm.TagLength != len(data.Tag) {
		return nil, errors.New("another length of the tag")
	}
	key, err := asked.contentKey(data.Recipients)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil || len(gcm.Nonce) != aead.NonceSize() {
		return nil, errors.New("another length of the nonce")
	}
	return aead.Open(nil, gcm.Nonce, append(data.Encrypted.Content, data.Tag...), nil)
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	content, err := asked.content()
	if err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println(base64.StdEncoding.EncodeToString(content))
}
