/**
 * Checking a message off: the next step of its route countersigns the step before.
 *
 * @module message/check-off (floor 7)
 */
import { OID } from '../asn1/index.js'
import { countersign, parseSignedData, withCountersignature } from '../cms/index.js'
import { DeniedError, InternalError, TrustError } from '../errors/index.js'
import type { TrustDirectory } from '../trust/index.js'
import { encodeRouteStep, routeStep } from './route-step.js'
import { documentOf, statedSteps, requireEntry, type VerifiedRoute } from './routing-slip.js'
import { requireSigningCertificate, type SigningCredential } from './sign.js'

export interface CheckOffRequest {
  /** Says whether the credential is that of the step. */
  readonly trust: TrustDirectory
  readonly at: Date
  /** Of the credential. Default `'required'`. */
  readonly revocation?: 'required' | 'allow-directory-only'
}

/**
 * Check a message off as the next step of its route.
 *
 * Takes the proof of what is checked off before, so that nobody vouches for what they did not verify. What else a step
 * has to look at is its own affair.
 *
 * @param route - Of a verified message.
 * @returns The message with the longer slip, in DER.
 * @throws {@link DeniedError} `ERR_ROUTE_DUPLICATE` where all have checked off, `ERR_ROUTE_ORDER`, `ERR_ROUTE_FOREIGN`,
 * `ERR_ISSUE_PROFILE`
 * @throws {@link TrustError} `ERR_CMS_SIGNER_UNKNOWN`, path codes
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`, and what the key provider throws
 */
export async function checkOff(
  route: VerifiedRoute,
  step: SigningCredential,
  request: CheckOffRequest,
): Promise<Uint8Array> {
  const { planned, steps, next } = route
  const done = steps.length
  if (next === undefined) {
    throw new DeniedError('ERR_ROUTE_DUPLICATE', 'every step of the route is checked off already')
  }
  requireSigningCertificate(step.certificate)
  const trusted = request.trust.find(step.certificate.subjectKeyIdentifier ?? new Uint8Array())
  if (trusted?.certificate.equals(step.certificate) !== true) {
    throw new TrustError('ERR_CMS_SIGNER_UNKNOWN', 'the trust directory does not know the credential of the step', {
      hint: 'nobody would believe this step: get a new trust directory, or a new credential',
    })
  }
  trusted.validate(request.at, request.revocation ?? 'required')
  requireEntry(planned, done, trusted.identity)
  const der = documentOf(route)
  const [message] = parseSignedData(der).signerInfos
  if (message === undefined) throw new InternalError('ERR_INTERNAL', 'a verified message has a signer')
  const { signature } = statedSteps(message, planned).at(-1)?.signature ?? message
  const countersignature = await countersign(signature, step, {
    signingTime: request.at,
    attributes: [[OID.signetRouteStep, encodeRouteStep(routeStep(message, done + 1))]],
  })
  return withCountersignature(der, countersignature)
}
