/**
 * Generated files for people: written below a folder, or shown.
 *
 * @module cli/config-files (floor 8)
 */
import { dirname, join } from 'node:path'
import {
  decodeUtf8,
  lookAt,
  makeDirectory,
  PUBLIC_DIRECTORY_MODE,
  readFileBytes,
  refuseExisting,
  writeFileAtomic,
} from '../files/index.js'
import type { GeneratedFile } from '../servers/index.js'
import { lineDiff } from './line-diff.js'
import { printable } from './table.js'

/** A file, as `--json` says it. */
export interface FileFacts {
  readonly path: string
  readonly mode: string
  readonly owner: string
  readonly group: string
}

function factsOf({ path, mode, owner, group }: GeneratedFile): FileFacts {
  return { path, mode: mode.toString(8).padStart(4, '0'), owner, group }
}

/** Write each file below a folder, by its whole path. Owners are left to whoever installs them. */
export function writeFiles(
  files: readonly GeneratedFile[],
  root: string,
  existing: 'refuse' | 'replace',
): readonly (FileFacts & { readonly written: string })[] {
  if (existing === 'refuse') refuseExisting(root)
  return files.map((file) => {
    const written = join(root, file.path)
    makeDirectory(dirname(written), PUBLIC_DIRECTORY_MODE)
    writeFileAtomic(written, file.content, { mode: file.mode, existing })
    return { ...factsOf(file), written }
  })
}

/** Show files; where there are some below a folder, what would change. What is secret stays so. */
export function describeFiles(
  files: readonly GeneratedFile[],
  root: string | undefined,
): {
  readonly text: string
  readonly files: readonly (FileFacts & { readonly content?: string; readonly change?: string })[]
} {
  const shown = files.map((file) => {
    const [facts, isSecret] = [factsOf(file), (file.mode & 0o004) === 0]
    const head = `# ${facts.path}  ${facts.mode} ${facts.owner}:${facts.group}`
    const before = root === undefined ? undefined : contentOf(join(root, file.path))
    if (before === undefined) {
      const content = isSecret ? `(secret: ${file.content.length} characters)` : plain(file.content)
      return { text: `${head}\n${content}`, facts: { ...facts, ...(isSecret ? {} : { content: file.content }) } }
    }
    const lines = lineDiff(before, file.content)
    const change = lines.length === 0 ? 'same' : 'changed'
    const told = isSecret ? [] : lines.map((line) => printable(line))
    return { text: [`${head}  ${change}`, ...told].join('\n'), facts: { ...facts, change } }
  })
  return { text: shown.map(({ text }) => text).join('\n\n'), files: shown.map(({ facts }) => facts) }
}

function contentOf(path: string): string | undefined {
  return lookAt(path)?.isFile() === true ? decodeUtf8(readFileBytes(path, { empty: 'allow' }), path) : undefined
}

function plain(content: string): string {
  return content
    .trimEnd()
    .split('\n')
    .map((line) => printable(line))
    .join('\n')
}
