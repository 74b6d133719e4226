/**
 * Reading what strangers left in folders. A file that is not there is no error: others run us with other rows.
 *
 * @module test/conformance/files
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files of a folder whose names end so, in order; `undefined` where there is no folder. */
export function filesIn(folder: string, ending: string): readonly string[] | undefined {
  if (!existsSync(folder)) return undefined
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map(({ name }) => name)
    .sort()
}

/** A JSON file, whose form the caller knows; `undefined` where it is not there. */
export function readJson(...path: readonly string[]): unknown {
  const file = join(...path)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

export function readBytes(...path: readonly string[]): Uint8Array {
  return new Uint8Array(readFileSync(join(...path)))
}

/** The PEM blocks of a file, by label. */
export type PemBlocks = ReadonlyMap<string, readonly Uint8Array[]>

/**
 * Read PEM with explanations between the blocks, some of which look like blocks, too. Our own reader refuses that, with
 * good reason; so this one is the suites'.
 */
export function readPemBlocks(...path: readonly string[]): PemBlocks {
  const blocks = new Map<string, Uint8Array[]>()
  for (const [, label = '', body = ''] of readFileSync(join(...path), 'utf8').matchAll(BLOCK)) {
    const list = blocks.get(label) ?? []
    list.push(new Uint8Array(Buffer.from(body, 'base64')))
    blocks.set(label, list)
  }
  return blocks
}

const BLOCK = /^-----BEGIN ([A-Z0-9_ ]+)-----\r?\n([\s\S]*?)^-----END \1-----/gm

/** The first block of a file with this label. */
export function pemBlock(blocks: PemBlocks, label: string): Uint8Array {
  const der = blocks.get(label)?.[0]
  if (der === undefined) throw new Error(`there is no PEM block ${label}`)
  return der
}
