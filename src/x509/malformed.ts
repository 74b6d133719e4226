/**
 * Naming what is malformed: of all that a reader of DER can refuse, whoever asks wants to know in what it was.
 *
 * @module x509/malformed (floor 3)
 */
import { EncodingError, isSignetError } from '../errors/index.js'
import type { Steps } from '../time/index.js'

/** Codes of what is malformed that keep their own meaning when the whole is named. */
const OWN_MEANING: ReadonlySet<string> = new Set([
  'ERR_INPUT_EMPTY',
  'ERR_EXTENSION_DUPLICATE',
  'ERR_EXTENSION_MALFORMED',
  'ERR_SERIAL_MALFORMED',
  'ERR_KEY_MALFORMED',
  'ERR_CMS_ATTRIBUTE_DUPLICATE',
  'ERR_DER_TRAILING_DATA',
  'ERR_DER_TRUNCATED',
])

/** What a parser reads that refuses by a code of its own. */
type Malformed =
  | 'ERR_CERTIFICATE_MALFORMED'
  | 'ERR_CRL_MALFORMED'
  | 'ERR_CSR_MALFORMED'
  | 'ERR_OCSP_MALFORMED'
  | 'ERR_CMS_MALFORMED'
  | 'ERR_TRUST_DIRECTORY_MALFORMED'
  | 'ERR_TRUST_DELTA_MALFORMED'

/** Run a parser; name the object in a malformed-input error that it throws. */
export function named<T>(code: Malformed, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw renamed(code, what, error)
  }
}

/** As {@link named}, for a parser that works in steps. */
export function* namedInSteps<T>(code: Malformed, what: string, parse: Steps<T>): Steps<T> {
  try {
    return yield* parse
  } catch (error) {
    throw renamed(code, what, error)
  }
}

function renamed(code: Malformed, what: string, error: unknown): unknown {
  const isOther = isSignetError(error) && error.category === 'encoding' && error.code !== code
  if (!isOther || OWN_MEANING.has(error.code)) return error
  return new EncodingError(code, `${what} is malformed: ${error.message}`, {
    details: { ...error.details, found: error.code },
    cause: error,
  })
}
