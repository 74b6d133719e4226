/**
 * What a step signs besides the signature before it: which step of which message it is.
 *
 * ```
 * RouteStep ::= SEQUENCE {
 *   step    INTEGER (1..32),            -- place in the route of the context
 *   message OCTET STRING (SIZE (32)) }  -- SHA-256 of the signed attributes of the message
 * ```
 *
 * The chain of signatures fixes both already. Saying them keeps a step from standing for a message of which only the
 * octets of the signature are the same, and tells what happened to a slip that does not verify.
 *
 * @module message/route-step (floor 7)
 */
import { type DerReader, encodeInteger, encodeOctetString, encodeSequence, equalBytes } from '../asn1/index.js'
import type { SignerInfo } from '../cms/index.js'
import { digestOctets } from '../crypto/index.js'
import { MAX_ROUTE } from './context.js'

export interface RouteStep {
  /** From 1. */
  readonly step: number
  /** SHA-256 of the signed attributes of the message: they fix content, context and certificate. */
  readonly message: Uint8Array
}

const FINGERPRINT_OCTETS = 32

/** What a step says of a message. */
export function routeStep(message: SignerInfo, step: number): RouteStep {
  return { step, message: digestOctets('sha256', message.signedAttrsDer ?? new Uint8Array()) }
}

export function encodeRouteStep({ step, message }: RouteStep): Uint8Array {
  return encodeSequence(encodeInteger(step), encodeOctetString(message))
}

/** Read the one value of the attribute. */
export function readRouteStep(reader: DerReader): RouteStep {
  const fields = reader.sequence()
  const step = fields.smallInteger(MAX_ROUTE)
  if (step === 0) throw fields.error('ERR_DER_NON_CANONICAL', 'steps are counted from 1')
  const message = fields.octetString()
  if (message.length !== FINGERPRINT_OCTETS) {
    throw fields.error('ERR_DER_LENGTH', 'the fingerprint of a message is a SHA-256 digest')
  }
  fields.finish()
  return { step, message }
}

export function isOfMessage(step: RouteStep, message: SignerInfo): boolean {
  return equalBytes(step.message, routeStep(message, step.step).message)
}
