/** `signet config SERVER --check`: what is wrong with a configuration. @module cli/config-check (floor 8) */
import { statSync } from 'node:fs'
import { UsageError } from '../errors/index.js'
import { decodeUtf8, readFileBytes } from '../files/index.js'
import { lintClient, lintConfiguration, lintModes, type LookedAt, type ServerKind } from '../servers/index.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { printable } from './table.js'

/** A key is within the first of a file, if anywhere. */
const MAX_KEY_FILE_BYTES = 256 * 1024

/**
 * Say what is wrong with files that somebody has.
 *
 * @throws {@link RefusedOutcome} of `ERR_CONFIG_LINT` for a hole or an outage; notes alone are none
 */
export async function checkConfiguration(
  cli: Invocation,
  kind: ServerKind | 'client',
  paths: readonly string[],
): Promise<Outcome> {
  const texts = new Map<string, string>()
  for (const path of paths) texts.set(path, decodeUtf8(await cli.readDocument(path), path))
  const [name, title] = kind === 'client' ? ['client', 'clients'] : [kind.name, kind.title]
  const found = kind === 'client' ? lintClient(texts) : lintConfiguration(kind, texts)
  const findings = [...found, ...lintModes(texts, lookAtKey)]
  const lines = findings.flatMap(({ file, line, severity, code, message, hint }) => [
    `${printable(file)}${line === undefined ? '' : `:${line}`}: ${severity} ${code}: ${printable(message)}`,
    `    ${printable(hint)}`,
  ])
  const outcome: Outcome = {
    data: { server: name, findings },
    text: lines.length === 0 ? 'nothing found' : lines.join('\n'),
  }
  const bad = findings.filter(({ severity }) => severity !== 'note').length
  if (bad === 0) return outcome
  const [codes, count] = [
    [...new Set(findings.map(({ code }) => code))].join(', '),
    bad === 1 ? '1 thing' : `${bad} things`,
  ]
  throw new RefusedOutcome(
    outcome,
    new UsageError('ERR_CONFIG_LINT', `${count} in the configuration of ${title} must not be`, {
      details: { codes },
      ...(kind === 'client' ? {} : { hint: `signet config ${name} writes one without` }),
    }),
  )
}

function lookAtKey(path: string): LookedAt | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isFile() !== true || stats.size > MAX_KEY_FILE_BYTES || (stats.mode & 0o007) === 0) return undefined
  try {
    return {
      mode: stats.mode,
      hasKey: Buffer.from(readFileBytes(path, { empty: 'allow' })).includes('PRIVATE KEY-----'),
    }
  } catch {
    // Whoever runs this may not read it: then not everybody may.
    return undefined
  }
}
