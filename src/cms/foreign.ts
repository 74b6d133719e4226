/**
 * CMS documents of strangers: DER, PEM or BER.
 *
 * @module cms/foreign (floor 5)
 */
import { normalizeBer, readPemOrDer } from '../asn1/index.js'
import { EncodingError, isSignetError } from '../errors/index.js'

const CMS_LABELS = ['CMS', 'PKCS7', 'PKCS #7 SIGNED DATA'] as const

/** Parse one CMS document with a parser of strict DER, bringing what is BER into DER first. */
export function parseForeign<T>(bytes: Uint8Array, parse: (der: Uint8Array) => T): T {
  const [der, second] = readPemOrDer(bytes, ...CMS_LABELS)
  if (der === undefined || second !== undefined)
    throw new EncodingError('ERR_CMS_MALFORMED', 'expected one CMS document, found several')
  try {
    return parse(der)
  } catch (error) {
    if (!isSignetError(error) || error.category !== 'encoding') throw error
    try {
      return parse(normalizeBer(der))
    } catch (second) {
      // The strict reader's refusal is the telling one unless BER got further.
      throw isSignetError(second) && second.code === 'ERR_BER_UNSUPPORTED' ? error : second
    }
  }
}
