/**
 * Messages that carry a state: the sender numbers them in their ids, and the receiver takes none that is older than what it has.
 *
 * The memory of the last number belongs beside the state that it describes, written in the same transaction: then no crash parts
 * the two. It is kept by signer, destination and whatever the state is of, and so is the number of the sender.
 *
 * @module message/sequence (floor 7)
 */
import { StaleError, UsageError } from '../errors/index.js'
import type { VerifiedMessage } from './verify.js'

const SEQUENCE_OCTETS = 8

/** What to do about numbers that are left out. */
export type SequenceGaps = 'refuse' | 'allow-gaps'

/**
 * The message id of a message that carries a state.
 *
 * @param sequence - From 1, one more than the last, remembered over restarts.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function sequenceId(sequence: number): Uint8Array {
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a number of a message: ${sequence}`)
  }
  const octets = Buffer.alloc(SEQUENCE_OCTETS)
  octets.writeBigUInt64BE(BigInt(sequence))
  return octets
}

/**
 * Require that a verified message is newer than the state that is there.
 *
 * With `'refuse'` it must be the very next one, for states that are told as changes; with `'allow-gaps'` any newer one, for
 * those that are told as a whole. Where there is no state yet, any number begins.
 *
 * @param last - What this yielded for the state that is there; `undefined` where there is none.
 * @returns The number of the message, to be kept with the state.
 * @throws {@link StaleError} `ERR_MESSAGE_ORDER`
 */
export function requireInOrder(
  { context, signer }: VerifiedMessage,
  last: number | undefined,
  gaps: SequenceGaps = 'refuse',
): number {
  const sequence = sequenceOf(context.messageId)
  const refuse = (why: string, hint: string): StaleError =>
    new StaleError('ERR_MESSAGE_ORDER', `the message ${why}`, {
      details: { signer: signer.uri, sequence: String(sequence ?? ''), last: String(last ?? '') },
      hint,
    })
  if (sequence === undefined) throw refuse('has no number', 'its sender makes the id with sequenceId')
  if (last === undefined) return sequence
  if (sequence <= last) throw refuse(`is older than what is here: ${sequence}, not after ${last}`, 'drop it')
  if (gaps === 'refuse' && sequence > last + 1) {
    throw refuse(`leaves out ${sequence - last - 1} before it`, 'ask the sender for the whole state')
  }
  return sequence
}

function sequenceOf(messageId: Uint8Array): number | undefined {
  if (messageId.length !== SEQUENCE_OCTETS) return undefined
  const sequence = Number(Buffer.from(messageId).readBigUInt64BE())
  return Number.isSafeInteger(sequence) && sequence > 0 ? sequence : undefined
}
