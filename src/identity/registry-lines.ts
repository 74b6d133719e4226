/**
 * The registry in lines of JSON, for registries that are too large for one text: read and written in parts.
 *
 * @module identity/registry-lines (floor 5)
 */
import { LimitError, UsageError } from '../errors/index.js'
import { type Pieces, readLines } from '../files/index.js'
import type { StoreReader } from '../store/index.js'
import { NameSet } from './name-set.js'
import { entityPages } from './registry.js'
import { documentMember, parseRegistryLine, type RegistryDocument } from './registry-document.js'

/**
 * Lines that are one part: planned and changed at once. More make it no faster, and live long enough for what they leave to
 * be collected late.
 */
const PART_LINES = 250

/** Names that are remembered, to notice one that is there twice. */
const MAX_NAMES = 10_000_000

const KINDS = ['scopes', 'roles', 'entities'] as const

/**
 * Read a registry in lines of JSON, some lines at a time, without holding what all of them say. Only their form is checked,
 * as by {@link parseRegistryLine}; empty lines say nothing.
 *
 * @param what - Names the text in errors.
 * @throws {@link UsageError} `ERR_REGISTRY_DOCUMENT`, also for a scope, role or entity that two lines are about
 * @throws as {@link readLines}, and {@link LimitError} `ERR_LIMIT_EXCEEDED` for more than ten million names
 */
export async function* registryParts(pieces: Pieces<Uint8Array>, what: string): AsyncGenerator<RegistryDocument> {
  const names = { scopes: new NameSet(), roles: new NameSet(), entities: new NameSet() }
  let part = emptyPart()
  let [number, filled] = [0, 0]
  for await (const lines of readLines(pieces, what)) {
    for (const line of lines) {
      number++
      if (line.trim() === '') continue
      const parsed = parseRegistryLine(line, number)
      for (const kind of KINDS) merge(part[kind], parsed[kind], names[kind], number)
      if (++filled < PART_LINES) continue
      yield part
      part = emptyPart()
      filled = 0
    }
  }
  if (filled > 0) yield part
}

interface Part {
  readonly scopes: Map<string, unknown>
  readonly roles: Map<string, unknown>
  readonly entities: Map<string, unknown>
}

function emptyPart(): RegistryDocument & Part {
  return { scopes: new Map(), roles: new Map(), entities: new Map() }
}

function merge(into: Map<string, unknown>, line: ReadonlyMap<string, unknown>, seen: NameSet, number: number) {
  for (const [name, value] of line) {
    if (!seen.add(name)) {
      throw new UsageError('ERR_REGISTRY_DOCUMENT', `line ${number}: ${JSON.stringify(name)} is there twice`, {
        details: { line: String(number), name },
      })
    }
    if (seen.size > MAX_NAMES) {
      throw new LimitError(
        'ERR_LIMIT_EXCEEDED',
        `line ${number}: a registry has at most ${MAX_NAMES} names in one text`,
        {
          details: { line: String(number), limit: String(MAX_NAMES) },
          hint: 'import it in several files',
        },
      )
    }
    into.set(name, value)
  }
}

/**
 * Write the registry in lines of JSON that {@link registryParts} reads: scopes and roles, then entities, each by name.
 *
 * @returns Some lines at a time, each with its end.
 */
export async function* registryLines(reader: StoreReader): AsyncGenerator<string> {
  const line = (value: unknown): string => `${JSON.stringify(value)}\n`
  yield (await reader.scopes()).map(({ path, kind }) => line({ scope: path, kind })).join('')
  yield (await reader.roles()).map(({ name, implies }) => line({ role: name, implies })).join('')
  for await (const entities of entityPages(reader)) {
    yield entities.map((entity) => line({ entity: entity.id, ...documentMember(entity) })).join('')
  }
}
