/** `signet apply` of a registry in lines of JSON: read, planned and changed part by part. @module cli/apply-lines (floor 8) */
import { statSync } from 'node:fs'
import { importRegistry } from '../authority/index.js'
import { EncodingError } from '../errors/index.js'
import { readPieces } from '../files/index.js'
import { registryParts } from '../identity/index.js'
import type { Invocation, Outcome } from './invocation.js'
import type { Progress } from './progress.js'
import { table } from './table.js'

/** Import a file, or standard input where it is `-`. */
export async function applyLines(cli: Invocation, file: string): Promise<Outcome> {
  const progress = cli.progress('importing', file === '-' ? undefined : sizeOf(cli.path(file)), 'bytes')
  const counts = await cli
    .withAuthority(async (authority) =>
      importRegistry(authority, registryParts(countedPieces(cli, file, progress), file), await authority.now()),
    )
    .finally(() => {
      progress.finish()
    })
  const rows = [...counts].map(([kind, count]) => [kind, String(count)])
  return {
    data: { applied: true, counts: Object.fromEntries(counts) },
    text: rows.length === 0 ? 'nothing to change' : table(['change', 'count'], rows),
  }
}

/** Only for the bar: whether it can be read at all is for who reads it. */
function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}

async function* countedPieces(cli: Invocation, file: string, progress: Progress): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const piece of file === '-' ? cli.environment.stdin : readPieces(cli.path(file))) {
    const octets = piece instanceof Uint8Array ? piece : Buffer.from(String(piece))
    yield octets
    done += octets.length
    progress.advance(done)
  }
  if (done === 0) throw new EncodingError('ERR_INPUT_EMPTY', `${file} is empty`, { details: { path: file } })
}
