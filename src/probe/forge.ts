/**
 * Strangers with the names of the good client: its certificate once more, under keys that nobody vouches for.
 *
 * @module probe/forge (floor 7.3)
 */
import { encodeBoolean, encodeObjectIdentifier, encodeOctetString, encodeSequence, OID } from '../asn1/index.js'
import { GeneratedKey, MemoryKeyProvider } from '../crypto/index.js'
import {
  buildName,
  type Certificate,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeSigned,
  encodeSubjectAltName,
  encodeTbsCertificate,
  type Name,
  parseCertificate,
} from '../x509/index.js'
import { ProbeClient } from './client.js'

interface Forged {
  readonly certificate: Certificate
  readonly key: GeneratedKey
}

/** Who signs a forged certificate. */
interface ForgingIssuer {
  readonly name: Name
  readonly key: GeneratedKey
}

/** A client whose certificate is its own issuer's, and says of itself what the good client's says. */
export function selfSignedLike(good: ProbeClient): ProbeClient {
  const key = GeneratedKey.generate('p256')
  const { certificate } = good
  const forged = copy(certificate, key, { name: certificate.subject, key }, [OID.authorityKeyIdentifier])
  return new ProbeClient(key.toPem(), forged, [])
}

/**
 * A client of another PKI whose CAs have the names, serial numbers and key identifiers of the good client's, and other
 * keys. Whoever finds an issuer by its name or key identifier finds the right one; only the signature is wrong.
 *
 * @param authorities - The CAs of the good client, those that it does not send among them.
 */
export function foreignLike(good: ProbeClient, authorities: readonly Certificate[]): ProbeClient {
  const known = [...good.chain, ...authorities]
  const forged = new Map<string, Forged>()
  const forge = (certificate: Certificate, depth: number): Forged => {
    const before = forged.get(certificate.fingerprint)
    if (before !== undefined) return before
    const key = GeneratedKey.generate('p256')
    const { issuer, subject } = certificate
    const above = issuer.equals(subject) || depth > 10 ? undefined : known.find((ca) => ca.subject.equals(issuer))
    const signer = above === undefined ? key : forge(above, depth + 1).key
    const made = { key, certificate: copy(certificate, key, { name: issuer, key: signer }) }
    forged.set(certificate.fingerprint, made)
    return made
  }
  const { certificate, key } = forge(good.certificate, 0)
  const chain = good.chain.map((ca) => forge(ca, 0).certificate)
  return new ProbeClient(key.toPem(), certificate, chain)
}

/** Somebody whom nobody knows, for what is claimed in headers. */
export function stranger(commonName: string, uri: string, { notBefore, notAfter }: Certificate): ProbeClient {
  const key = GeneratedKey.generate('p256')
  const subject = buildName([[OID.commonName, commonName]])
  const certificate = sign(
    {
      serialNumberOctets: Uint8Array.of(1),
      notBefore,
      notAfter,
      subject,
      extensionsDer: [
        encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
        encodeKeyUsage(['digitalSignature']),
        encodeExtKeyUsage([OID.kpClientAuth]),
        encodeSubjectAltName([{ kind: 'uri', value: uri }], false),
      ],
    },
    key,
    { name: subject, key },
  )
  return new ProbeClient(key.toPem(), certificate, [])
}

/** The same certificate for another key; the key identifiers stay those of the right keys. */
function copy(
  certificate: Certificate,
  key: GeneratedKey,
  issuer: ForgingIssuer,
  without: readonly string[] = [],
): Certificate {
  const extensionsDer = [...certificate.extensions.values()]
    .filter(({ oid }) => !without.includes(oid))
    .map(({ oid, critical, value }) =>
      encodeSequence(encodeObjectIdentifier(oid), ...(critical ? [encodeBoolean(true)] : []), encodeOctetString(value)),
    )
  return sign({ ...pick(certificate), extensionsDer }, key, issuer)
}

interface Contents {
  readonly serialNumberOctets: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly subject: Name
  readonly extensionsDer: readonly Uint8Array[]
}

function pick({ serialNumberOctets, notBefore, notAfter, subject }: Certificate): Omit<Contents, 'extensionsDer'> {
  return { serialNumberOctets, notBefore, notAfter, subject }
}

function sign(contents: Contents, key: GeneratedKey, issuer: ForgingIssuer): Certificate {
  const signer = new MemoryKeyProvider(issuer.key.privateKey)
  const { signatureAlgorithm } = signer
  const { spkiDer } = key.publicKey
  const tbsDer = encodeTbsCertificate({ ...contents, signatureAlgorithm, issuer: issuer.name, spkiDer })
  return parseCertificate(encodeSigned(tbsDer, signatureAlgorithm, signer.sign(tbsDer)))
}
