/**
 * The highest trust directory seen so far, so that an older one is noticed, after a restart too.
 *
 * @module trust/memory (floor 6)
 */
import { existsSync } from 'node:fs'
import { EncodingError, StaleError, TrustError } from '../errors/index.js'
import { readFileText, replaceFileInTurns, SECRET_MODE, writeFileAtomic } from '../files/index.js'
import { parseStrictJson, requireKeys } from '../json/index.js'

export interface SeenDirectory {
  readonly sequence: number
  /** SHA-256 of the document in hexadecimal. */
  readonly digest: string
}

/** Remembers by the pinned fingerprint. */
export interface TrustMemory {
  recall(pin: string): SeenDirectory | undefined
  keep(pin: string, seen: SeenDirectory): void
}

/**
 * Refuse what is older than what was seen, or another of the same number.
 *
 * @throws {@link StaleError} `ERR_TRUST_DIRECTORY_ROLLBACK`
 * @throws {@link TrustError} `ERR_TRUST_DIRECTORY_FORK`
 */
export function checkNotOlder({ sequence, digest }: SeenDirectory, seen: SeenDirectory | undefined): void {
  if (seen !== undefined && sequence < seen.sequence) {
    throw new StaleError(
      'ERR_TRUST_DIRECTORY_ROLLBACK',
      `the trust directory ${sequence} is older than ${seen.sequence}, which was seen before`,
      {
        details: { sequence: String(sequence), seen: String(seen.sequence) },
        hint: 'get the newest one; somebody may be holding it back',
      },
    )
  }
  if (seen?.sequence === sequence && seen.digest !== digest) {
    throw new TrustError(
      'ERR_TRUST_DIRECTORY_FORK',
      `there are two different trust directories with the number ${sequence}`,
      {
        details: { sequence: String(sequence) },
        hint: 'ask who publishes it: a key may have been stolen, or a store restored from a backup',
      },
    )
  }
}

/**
 * Check a verified directory against what was seen, then remember it.
 *
 * @throws as {@link checkNotOlder}, and what the memory throws
 */
export function remember(memory: TrustMemory | 'allow-forgetting', pin: string, directory: SeenDirectory): void {
  if (memory === 'allow-forgetting') return
  const seen = memory.recall(pin)
  checkNotOlder(directory, seen)
  const { sequence, digest } = directory
  if (seen?.sequence !== sequence) memory.keep(pin, { sequence, digest })
}

/** Memory of one process. */
export function createTrustMemory(): TrustMemory {
  const seen = new Map<string, SeenDirectory>()
  return { recall: (pin) => seen.get(pin), keep: (pin, directory) => void seen.set(pin, directory) }
}

/**
 * Memory in a file. A file that is there but cannot be read is a refusal, never an empty memory.
 *
 * @param mode - Of the file, when it is written.
 * @throws {@link EncodingError} `ERR_JSON_MALFORMED`
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_FILE_WRITE`
 */
export function openTrustMemory(path: string, mode: number = SECRET_MODE): TrustMemory {
  return {
    recall: (pin) => load(path).get(pin),
    keep: (pin, directory) =>
      writeFileAtomic(path, textWith(load(path), pin, directory), { mode, existing: 'replace' }),
  }
}

/**
 * As {@link remember} with a memory in a file, but nobody else waits for the disk.
 *
 * @param mode - Of the file, when it is written.
 */
export async function rememberInTurns(
  path: string,
  mode: number,
  pin: string,
  directory: SeenDirectory,
): Promise<void> {
  const seen = load(path)
  const text = textWith(seen, pin, directory)
  if (seen.get(pin)?.sequence !== directory.sequence) await replaceFileInTurns(path, Buffer.from(text), mode)
}

function load(path: string): ReadonlyMap<string, SeenDirectory> {
  if (!existsSync(path)) return new Map()
  const fields = requireKeys(parseStrictJson(readFileText(path, { maxBytes: 1024 * 1024 })), ['schema', 'seen'], path)
  const entries = fields['seen']
  if (fields['schema'] !== 1 || typeof entries !== 'object' || entries === null) throw malformed(path)
  return new Map(Object.entries(entries).map(([pin, value]) => [pin, parseSeen(value, path)]))
}

/** What is in the file once this directory was seen, too. */
function textWith(seen: ReadonlyMap<string, SeenDirectory>, pin: string, { sequence, digest }: SeenDirectory): string {
  // Another process may have seen a newer one meanwhile: what is kept never goes back.
  checkNotOlder({ sequence, digest }, seen.get(pin))
  const entries = new Map(seen).set(pin, { sequence, digest })
  return `${JSON.stringify({ schema: 1, seen: Object.fromEntries(entries) }, null, 2)}\n`
}

function parseSeen(value: unknown, path: string): SeenDirectory {
  const { sequence, digest } = requireKeys(value, ['sequence', 'digest'], path)
  if (!Number.isSafeInteger(sequence) || typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest))
    throw malformed(path)
  return { sequence: sequence as number, digest }
}

function malformed(path: string): EncodingError {
  return new EncodingError('ERR_JSON_MALFORMED', `${path} is not a memory of trust directories`, { details: { path } })
}
