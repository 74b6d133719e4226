/**
 * Mutated certificates, requests and CRLs.
 *
 * @module test/hostile/targets/x509
 */
import { encodeSequence, OID, parsePemBlock } from '../../../src/asn1/index.js'
import { identityUriOf } from '../../../src/identity/index.js'
import {
  checkEmail,
  checkHostName,
  checkUri,
  explainPath,
  type PathRequest,
  PURPOSES,
  STRICTNESS,
  type Purpose,
  validatePath,
  type ValidatedPath,
} from '../../../src/path/index.js'
import {
  type Certificate,
  compareSecondOpinion,
  createCertificationRequest,
  encodeGeneralName,
  encodeSubjectAltName,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
} from '../../../src/x509/index.js'
import { type Holder, makeCertificate, makeCrl, NOW, revoked } from '../../support/certificates.js'
import { childrenOf } from '../../support/der.js'
import { extensionDer, rawCrl } from '../../support/hierarchy.js'
import { attempt, Violation } from '../attempt.js'
import { Genuine, toHex } from './genuine.js'
import { fixedKey } from '../keys.js'
import type { Random } from '../random.js'
import { readCertificateFully, readCrlFully } from '../calls/read-all.js'
import { certificateAgain, crlAgain, requireSame } from './round-trip.js'
import { derObjects, type Target } from './target.js'
import { holders, issuingCrl, revokedHolder, rootCrl, world } from '../world.js'

/** Certificates whose subjects have keys of other kinds. */
const others = (['p256', 'rsa2048', 'ml-dsa-44'] as const).map((algorithm) => {
  const key = fixedKey(`other ${algorithm}`, algorithm)
  return makeCertificate({ subject: `Other ${algorithm}`, key, names: [{ kind: 'dns', value: 'a.example' }] })
})

const certificates: readonly Certificate[] = [...Object.values(holders), revokedHolder, ...others].map(
  (holder: Holder) => holder.certificate,
)
const ders = certificates.map(({ der }) => der)
const signedCertificates = new Genuine(
  'a certificate',
  certificates.map(({ tbsDer }) => toHex(tbsDer)),
)

const { root, issuing, server } = holders
const PURPOSE_NAMES: readonly Purpose[] = ['allow-any', ...(Object.keys(PURPOSES) as Purpose[])]

function request(random: Random): PathRequest {
  return {
    anchors: [root.certificate],
    intermediates: [issuing.certificate],
    at: NOW,
    purpose: random.pick(PURPOSE_NAMES),
    revocation: random.chance(0.5) ? { crls: world.crls } : 'allow-unchecked',
    strictness: random.pick(Object.values(STRICTNESS)),
  }
}

/** Whoever is believed was really certified, and is not revoked where that was asked. */
function requireGenuine({ certificates: path, target, revocation }: ValidatedPath): void {
  for (const { tbsDer } of path) signedCertificates.require(toHex(tbsDer))
  if (revocation === 'checked' && target.serialNumber === revokedHolder.certificate.serialNumber) {
    throw new Violation('a revoked certificate was believed')
  }
}

const certificateTarget: Target = {
  name: 'certificate',
  weight: 6,
  ...derObjects(ders, [issuingCrl.der]),
  check: async (bytes, random) => {
    const { value: certificate } = await attempt('parseCertificate', () => parseCertificate(bytes))
    if (certificate === undefined) return 'refused'
    certificateAgain(certificate, bytes)
    await attempt('the fields of a certificate', () => readCertificateFully(certificate))
    await attempt('identityUriOf', () => identityUriOf(certificate))
    await attempt('checkHostName', () => checkHostName(certificate, 'node-1.cloud.example'))
    await attempt('checkUri', () => checkUri(certificate, 'https://a.example/'))
    await attempt('checkEmail', () => checkEmail(certificate, 'a@example'))
    const asked = request(random)
    const { code, value: path } = await attempt('validatePath', () => validatePath(certificate, asked))
    if (path !== undefined) requireGenuine(path)
    const { value: explanation } = await attempt('explainPath', () => explainPath(certificate, asked))
    if (explanation?.path !== undefined) requireGenuine(explanation.path)
    if ((explanation?.error?.code ?? 'accepted') !== code) {
      throw new Violation(`a path is ${code} and explained as ${explanation?.error?.code}`)
    }
    // In the middle, it vouches for others.
    const between = { ...asked, intermediates: [certificate], purpose: 'server' } as const
    const { value: through } = await attempt('validatePath through it', () => validatePath(server.certificate, between))
    if (through !== undefined) requireGenuine(through)
    // As an anchor, it is believed as it is: whatever comes of it is well but another kind of error.
    const below = { ...asked, anchors: [certificate], intermediates: [issuing.certificate, certificate] }
    await attempt('validatePath to it', () => validatePath(server.certificate, below))
    if (random.chance(0.01)) {
      await attempt('compareSecondOpinion', () => compareSecondOpinion(certificate, issuing.certificate))
    }
    return path === undefined ? 'parsed' : 'verified'
  },
}

const requestDers: readonly Uint8Array[] = await Promise.all(
  (['ed25519', 'p256', 'rsa2048', 'ml-dsa-44'] as const).map(async (algorithm) => {
    const pem = await createCertificationRequest(fixedKey(`request ${algorithm}`, algorithm), {
      subject: server.certificate.subject,
      extensionsDer: [encodeSubjectAltName([{ kind: 'dns', value: 'a.example' }], false)],
    })
    return parsePemBlock(pem, 'CERTIFICATE REQUEST').der
  }),
)
const infoOf = (der: Uint8Array): string => toHex(childrenOf(der)[0] ?? new Uint8Array())
const signedRequests = new Genuine('a certification request', requestDers.map(infoOf))

const requestTarget: Target = {
  name: 'certification request',
  weight: 3,
  ...derObjects(requestDers, ders),
  check: async (bytes) => {
    const { value } = await attempt('parseCertificationRequest', () => parseCertificationRequest(bytes))
    if (value === undefined) return 'refused'
    requireSame('a certification request', bytes, value.der)
    signedRequests.require(infoOf(value.der))
    return 'verified'
  },
}

/** By a CA that certified nobody: what it says counts for nobody. */
const stranger = makeCertificate({ subject: 'Stranger', ca: true, key: fixedKey('stranger') })
const crls = [
  issuingCrl,
  rootCrl,
  await makeCrl({ issuer: stranger, revoked: [revoked('05', 'cACompromise')] }),
  rawCrl({
    issuer: stranger.certificate.subject,
    key: stranger.key,
    entries: [
      {
        serialNumberOctets: Uint8Array.of(1),
        extensionsDer: [
          extensionDer(
            OID.certificateIssuer,
            true,
            encodeSequence(encodeGeneralName({ kind: 'directory', name: root.certificate.subject })),
          ),
        ],
      },
    ],
    moreExtensionsDer: [
      extensionDer(OID.issuingDistributionPoint, true, Uint8Array.of(0x30, 6, 0x81, 1, 0xff, 0x84, 1, 0xff)),
      extensionDer(OID.deltaCrlIndicator, true, Uint8Array.of(2, 1, 1)),
    ],
  }),
]

const signedCrls = new Genuine(
  'a CRL',
  crls.map(({ tbsDer }) => toHex(tbsDer)),
)

const crlTarget: Target = {
  name: 'CRL',
  weight: 4,
  ...derObjects(
    crls.map(({ der }) => der),
    ders,
  ),
  check: async (bytes) => {
    const { value: crl } = await attempt('parseCrl', () => parseCrl(bytes))
    if (crl === undefined) return 'refused'
    await crlAgain(crl, bytes)
    await attempt('the fields of a CRL', () => readCrlFully(crl))
    const asked: PathRequest = {
      anchors: [root.certificate],
      intermediates: [issuing.certificate],
      at: NOW,
      purpose: 'server',
      revocation: { crls: [rootCrl, crl] },
    }
    const { value: path } = await attempt('validatePath with it', () => validatePath(server.certificate, asked))
    if (path !== undefined) signedCrls.require(toHex(crl.tbsDer))
    const { code } = await attempt('validatePath of who is revoked', () =>
      validatePath(revokedHolder.certificate, asked),
    )
    if (code === 'accepted') throw new Violation('a revoked certificate was believed')
    // Put before the genuine one, it must not keep it from being heard.
    const both = { ...asked, revocation: { crls: [crl, rootCrl, issuingCrl] } }
    const { code: second } = await attempt('validatePath with both', () =>
      validatePath(revokedHolder.certificate, both),
    )
    const { code: third } = await attempt('validatePath of who is good', () => validatePath(server.certificate, both))
    if (third !== 'accepted') throw new Violation(`beside a changed CRL, a good certificate is ${third}`)
    if (second !== 'ERR_REVOKED') throw new Violation(`beside a changed CRL, a revoked certificate is ${second}`)
    return path === undefined ? 'parsed' : 'verified'
  },
}

export const X509_TARGETS: readonly Target[] = [certificateTarget, requestTarget, crlTarget]
export const X509_DERS: readonly Uint8Array[] = [...ders, ...requestDers, ...crls.map(({ der }) => der)]
