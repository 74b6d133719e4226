/** What each contender does for one operation, and what it does not: nobody does all that signet does. */
export const WORKS: readonly (readonly [who: RegExp, words: string])[] = [
  [
    /^bare crypto.verify and digest$/,
    'the same, and the SHA-256 of the content, without which nobody can verify a message',
  ],
  [
    /^bare key generation/,
    'a new P-256 key and one signature by Node, for each: without a certificate, approval, check, log or file',
  ],
  [
    /^cfssl$/,
    'its signer/local in a Go process: a key, a request and a certificate; no database, nothing is read again afterwards',
  ],
  [/^step-ca$/, 'its authority in a Go process: a key, a request and a certificate; no database'],
  [/^step-ca, with its database$/, 'the same with BadgerDB as it sets it up, which does not wait for the disk'],
  [
    /^bare crypto/,
    "only the signature over the very octets that the message signs, by Node's OpenSSL: no parsing, no digest of the content",
  ],
  [
    /^libcrypto, signature only$/,
    'd2i_CMS_ContentInfo and CMS_verify of the very messages without a path: digest, signed attributes, signature',
  ],
  [/^libcrypto, with chain$/, 'the same, and the path to the root, validated for every message'],
  [
    /^libcrypto, with chain and CRLs$/,
    'the same, and both certificates looked up in CRLs, whose signatures it verifies every time',
  ],
  [
    /^libcrypto$/,
    'CMS_sign, detached, by key identifier, no certificates, no S/MIME capabilities; i2d_CMS_ContentInfo',
  ],
  [
    /^pkijs, signature only$/,
    'reads the very messages; digest compared, signature by WebCrypto; its certificate is parsed before',
  ],
  [/^pkijs, with chain$/, 'the same, and its CertificateChainValidationEngine for every message, without revocation'],
  [/^pkijs$/, 'SignedData.sign with three signed attributes, by issuer and serial number'],
  [
    /^Bouncy Castle, signature only$/,
    'CMSSignedData of the very messages and SignerInformation.verify by its own provider; certificate parsed before',
  ],
  [/^Bouncy Castle, with chain$/, 'the same, and its CertPathValidator for every message, without revocation'],
  [/^Bouncy Castle$/, 'CMSSignedDataGenerator, detached, by key identifier, its usual signed attributes'],
  [
    /^Go pkcs7, signature only$/,
    'github.com/smallstep/pkcs7: Parse and Verify. Messages by issuer and serial number, without context: it reads no others',
  ],
  [/^Go pkcs7, with chain$/, 'the same, and x509.Certificate.Verify for every message, without revocation'],
  [/^Go pkcs7$/, 'NewSignedData, AddSigner, Detach, Finish; puts its certificate in'],
  [/^PyCA/, 'PKCS7SignatureBuilder, detached, by issuer and serial number, no certificates'],
  [/^node-forge$/, 'pkcs7.createSignedData, detached, three signed attributes; all in JavaScript'],
  [
    /^jose$/,
    'JSON Web Signature in compact form over the same content, by WebCrypto, one at a time: no certificate, no path, no replay, no claim but the signature',
  ],
  [
    /^Kite/,
    'shared keys by tickets that are at hand, as signet speaks it: JSON, HMAC, destination, age, replay; it proves nothing to third parties',
  ],
]

export function workOf(peer: string): string | undefined {
  return WORKS.find(([who]) => who.test(peer))?.[1]
}
