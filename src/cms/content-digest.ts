/**
 * Content as signatures see it: by its digests, so that content of any length needs no memory.
 *
 * @module cms/content-digest (floor 5)
 */
import { createHash } from 'node:crypto'
import { asBuffer, equalBytes, STEP_OCTETS } from '../asn1/index.js'
import type { AlgorithmIdentifier, DigestName } from '../crypto/index.js'
import { digestOf, digestText, digestTextOctets } from '../crypto/index.js'
import { InternalError, isSignetError } from '../errors/index.js'
import type { Steps } from '../time/index.js'

/** What a signature covers. */
export interface ContentDigest {
  /** Of the content, in octets. */
  readonly length: number
  of(digest: DigestName): Uint8Array
  /** Whether this is its digest. */
  has(digest: DigestName, octets: Uint8Array): boolean
}

/** Content in memory. A digest is computed when it is asked for, and kept until another is. */
export function digestBytes(content: Uint8Array): ContentDigest {
  let last: DigestName | undefined
  let text = ''
  const known = (name: DigestName): string => {
    if (name !== last) text = digestText(name, content)
    last = name
    return text
  }
  return {
    length: content.length,
    of: (name) => digestTextOctets(known(name)),
    has: (name, octets) => known(name) === asBuffer(octets).toString('latin1'),
  }
}

/** The digest of content that is in memory, or was digested. */
export function digestFor(content: Uint8Array | ContentDigest): ContentDigest {
  return content instanceof Uint8Array ? digestBytes(content) : content
}

/**
 * Digest content while it passes by.
 *
 * Says nothing of where the content comes from: who reads it a second time reads something else, perhaps.
 *
 * @param pieces - Read once, each piece before the next is asked for; none is kept.
 * @param digests - Which will be asked for; of others there is none.
 */
export async function digestStream(
  pieces: AsyncIterable<Uint8Array>,
  digests: readonly DigestName[],
): Promise<ContentDigest> {
  const hashes = hashesFor(digests)
  for await (const piece of pieces) hashes.update(piece)
  return hashes.digest()
}

/** As {@link digestBytes}, in steps. Whoever can change the content changes what is digested. */
export function* digestInSteps(content: Uint8Array, digests: readonly DigestName[]): Steps<ContentDigest> {
  if (content.length <= STEP_OCTETS) return digestBytes(content)
  const hashes = hashesFor(digests)
  for (let start = 0; start < content.length; start += STEP_OCTETS) {
    hashes.update(content.subarray(start, start + STEP_OCTETS))
    yield
  }
  return hashes.digest()
}

/** Several digests of one content. */
interface Hashes {
  update(piece: Uint8Array): void
  digest(): ContentDigest
}

function hashesFor(digests: readonly DigestName[]): Hashes {
  const hashes = [...new Set(digests)].map((name) => ({ name, state: createHash(name) }))
  let length = 0
  return {
    update: (piece) => {
      length += piece.length
      for (const { state } of hashes) state.update(piece)
    },
    digest: () => {
      const known = new Map(hashes.map(({ name, state }) => [name, new Uint8Array(state.digest())]))
      const of = (name: DigestName): Uint8Array => {
        const digest = known.get(name)
        if (digest === undefined) throw new InternalError('ERR_INTERNAL', `the content was not digested with ${name}`)
        return digest
      }
      return { length, of, has: (name, octets) => equalBytes(of(name), octets) }
    },
  }
}

/** Those of some digest algorithms that are on the allow-list; who uses another is refused when verified. */
export function allowedDigests(algorithms: readonly AlgorithmIdentifier[]): readonly DigestName[] {
  return algorithms.flatMap((algorithm) => {
    try {
      return [digestOf(algorithm)]
    } catch (error) {
      if (!isSignetError(error)) throw error
      return []
    }
  })
}
