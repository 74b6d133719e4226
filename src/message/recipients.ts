/**
 * The readers of an encrypted message: a signed attribute that names each of them.
 *
 * ```
 * MessageRecipients ::= SEQUENCE (SIZE (1..256)) OF VisibleString   -- identity URIs, ascending, each once
 * ```
 *
 * Encryption alone says nothing about whom the sender meant: whoever can read can encrypt the signed message again, for
 * somebody else. The destination in the context stops that where it names one entity; a topic, queue or role that several
 * share does not. So the sender signs whom it encrypts for, and a reader that is not named refuses.
 *
 * @module message/recipients (floor 7)
 */
import { type DerReader, encodeSequence, encodeString, TAG } from '../asn1/index.js'
import { MAX_RECIPIENTS } from '../cms/index.js'
import { EncodingError, isSignetError } from '../errors/index.js'

/** @param recipients - Identity URIs; at least one. */
export function encodeMessageRecipients(recipients: readonly string[]): Uint8Array {
  const distinct = [...new Set(recipients)].sort()
  return encodeSequence(...distinct.map((uri) => encodeString(uri, TAG.visibleString)))
}

/**
 * Read the one value of the attribute.
 *
 * @throws {@link EncodingError} `ERR_MESSAGE_CONTEXT_MALFORMED`
 */
export function readMessageRecipients(reader: DerReader): readonly string[] {
  try {
    const sequence = reader.sequence()
    const recipients: string[] = []
    while (!sequence.atEnd) {
      const uri = sequence.string(TAG.visibleString)
      const previous = recipients.at(-1)
      if (recipients.length === MAX_RECIPIENTS || uri === '' || (previous !== undefined && previous >= uri))
        throw malformed('names come in ascending order, each once')
      recipients.push(uri)
    }
    if (recipients.length === 0) throw malformed('there are none')
    return recipients
  } catch (error) {
    if (isSignetError(error) && error.category === 'encoding' && error.code !== 'ERR_MESSAGE_CONTEXT_MALFORMED')
      throw malformed(error.message, error)
    throw error
  }
}

function malformed(what: string, cause?: unknown): EncodingError {
  return new EncodingError('ERR_MESSAGE_CONTEXT_MALFORMED', `the recipients of the message are malformed: ${what}`, {
    cause,
  })
}
