/**
 * Mutated OCSP requests and responses.
 *
 * @module test/hostile/targets/ocsp
 */
import { encodeSequence, encodeTime } from '../../../src/asn1/index.js'
import { type PathRequest, validatePath, verifyOcspResponse } from '../../../src/path/index.js'
import { addSeconds, DAY } from '../../../src/time/index.js'
import {
  type CertStatus,
  certIdOf,
  createOcspError,
  createOcspResponse,
  encodeOcspRequest,
  type OcspAnswer,
  parseOcspRequest,
  parseOcspResponse,
} from '../../../src/x509/index.js'
import { type Holder, NOT_BEFORE, NOW } from '../../support/certificates.js'
import { attempt, Violation } from '../attempt.js'
import { holders, issuingCrl, revokedHolder, rootCrl } from '../world.js'
import { Genuine, toHex } from './genuine.js'
import { ocspAgain, requireSame } from './round-trip.js'
import { derObjects, type Target } from './target.js'

const { root, issuing, server, everything } = holders
const responder = holders['ocsp-responder']
const NONCE = new Uint8Array(32).fill(9)

function answer({ certificate }: Holder, status: CertStatus): Omit<OcspAnswer, 'hasUnknownCritical'> {
  const id = certIdOf(issuing.certificate, certificate.serialNumber)
  return { id, status, thisUpdate: NOT_BEFORE, nextUpdate: addSeconds(NOW, DAY) }
}

const answers = [
  answer(server, { kind: 'good' }),
  answer(revokedHolder, { kind: 'revoked', revocationDate: NOT_BEFORE, reason: 'keyCompromise' }),
]
const unknown = { ...answer(server, { kind: 'unknown' }), nextUpdate: undefined }

async function respond(
  signer: Holder,
  more: Partial<Parameters<typeof createOcspResponse>[0]> = {},
): Promise<Uint8Array> {
  const certificates = signer === issuing ? [] : [signer.certificate]
  const template = { signer: signer.certificate, producedAt: NOW, answers, certificates, ...more }
  return (await createOcspResponse(template, signer.key)).der
}

const responses = [
  await respond(issuing),
  await respond(responder, { nonce: NONCE }),
  await respond(everything, { answers: [...answers, unknown] }),
  createOcspError('tryLater').der,
]
const signedResponses = new Genuine(
  'an OCSP response',
  responses.map((der) => toHex(parseOcspResponse(der).basic?.tbsDer ?? new Uint8Array())),
)

const asked: PathRequest = {
  anchors: [root.certificate],
  intermediates: [issuing.certificate],
  at: NOW,
  purpose: 'server',
  revocation: 'allow-unchecked',
}

const responseTarget: Target = {
  name: 'OCSP response',
  weight: 4,
  ...derObjects(responses, [everything.certificate.der, encodeSequence(encodeTime(NOW))]),
  check: async (bytes) => {
    const { value: response } = await attempt('parseOcspResponse', () => parseOcspResponse(bytes))
    if (response === undefined) return 'refused'
    requireSame('an OCSP response', bytes, response.der)
    await ocspAgain(response, issuing.certificate)
    const signed = toHex(response.basic?.tbsDer ?? new Uint8Array())
    const { value: signer } = await attempt('verifyOcspResponse', () =>
      verifyOcspResponse(response, { issuer: issuing.certificate, at: NOW }),
    )
    if (signer !== undefined) signedResponses.require(signed)
    // By it alone, about what is below the issuing CA; the root speaks by its CRL.
    const alone = { ...asked, revocation: { crls: [rootCrl], ocspResponses: [response] } }
    const { value: path } = await attempt('validatePath with it', () => validatePath(server.certificate, alone))
    if (path !== undefined) signedResponses.require(signed)
    const { code } = await attempt('validatePath of who is revoked', () =>
      validatePath(revokedHolder.certificate, alone),
    )
    if (code === 'accepted') throw new Violation('a revoked certificate was believed')
    // Beside a genuine CRL, only what was signed changes anything.
    const both = { ...asked, revocation: { crls: [rootCrl, issuingCrl], ocspResponses: [response] } }
    const { code: revoked } = await attempt('validatePath with both', () =>
      validatePath(revokedHolder.certificate, both),
    )
    if (revoked !== 'ERR_REVOKED')
      throw new Violation(`beside a changed OCSP response, a revoked certificate is ${revoked}`)
    const { code: good } = await attempt('validatePath with both', () => validatePath(server.certificate, both))
    if (good !== 'accepted') throw new Violation(`beside a changed OCSP response, a good certificate is ${good}`)
    return path === undefined ? 'parsed' : 'verified'
  },
}

const ids = [server, revokedHolder].flatMap(({ certificate: { serialNumber } }) => [
  certIdOf(issuing.certificate, serialNumber),
  certIdOf(issuing.certificate, serialNumber, 'sha256'),
])
const requests = [encodeOcspRequest(ids, NONCE), encodeOcspRequest(ids.slice(0, 1))]

const requestTarget: Target = {
  name: 'OCSP request',
  weight: 2,
  ...derObjects(requests, responses),
  check: async (bytes) => {
    const { value } = await attempt('parseOcspRequest', () => parseOcspRequest(bytes))
    if (value === undefined) return 'refused'
    requireSame('an OCSP request', bytes, value.der)
    const again = parseOcspRequest(encodeOcspRequest(value.questions, value.nonce))
    const view = ({ questions, nonce }: typeof value): string =>
      JSON.stringify([questions.map(({ der }) => toHex(der)), toHex(nonce ?? new Uint8Array())])
    if (view(again) !== view(value)) throw new Violation('an OCSP request is another when encoded again')
    return 'parsed'
  },
}

export const OCSP_TARGETS: readonly Target[] = [responseTarget, requestTarget]
export const OCSP_DERS: readonly Uint8Array[] = [...responses, ...requests]
