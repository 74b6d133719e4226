/**
 * Is a certificate revoked? By CRLs and OCSP responses that are at hand; nothing is fetched. No answer is a refusal.
 *
 * @module path/revocation (floor 4)
 */
import { TrustError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { askCrls } from './crls.js'
import { askOcsp } from './ocsp.js'
import type { Answer, RevocationContext, RevocationSources } from './revocation-sources.js'
import { refusal } from './rules.js'

/**
 * Check one certificate. Whoever says that it is revoked is believed over who says that it is good.
 *
 * @param issuer - The CA that issued the certificate, itself checked.
 * @throws {@link TrustError} `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function checkNotRevoked(
  certificate: Certificate,
  issuer: Certificate,
  sources: RevocationSources,
  context: RevocationContext,
): void {
  const byCrl = askCrls(certificate, sources, context)
  if (byCrl.kind === 'revoked') throw revoked(certificate, byCrl)
  const byOcsp = askOcsp(certificate, issuer, sources, context)
  if (byOcsp.kind === 'revoked') throw revoked(certificate, byOcsp)
  if (byCrl.kind === 'good' || byOcsp.kind === 'good' || sources.unknownStatus === 'allow') return
  const asked = (sources.ocspResponses ?? []).length > 0
  throw unknown(certificate, asked ? `${byCrl.why}, and ${byOcsp.why}` : byCrl.why)
}

function revoked(certificate: Certificate, answer: Extract<Answer, { kind: 'revoked' }>): TrustError {
  const message = `the certificate of ${certificate.subject.toString()} is revoked`
  return refusal('ERR_REVOKED', 'revocation', certificate, message, {
    details: { revocationDate: answer.revocationDate.toISOString(), reason: answer.reason },
  })
}

function unknown(certificate: Certificate, why: string): TrustError {
  const message = `whether ${certificate.subject.toString()} is revoked is not known: ${why}`
  return refusal('ERR_REVOCATION_UNKNOWN', 'revocation', certificate, message, {
    details: { issuer: certificate.issuer.toString() },
    hint: 'get current CRLs: signet crl publish',
  })
}
