/** `signet apply`, `signet export`: the registry as a document. @module cli/apply (floor 8) */
import type { Command } from 'commander'
import { applyRegistry, type ApplyOptions, planRegistry, type RegistryChange } from '../authority/index.js'
import { UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { documentMember, parseRegistryDocument } from '../identity/index.js'
import { applyLines } from './apply-lines.js'
import { DOCUMENT_FORMATS, type DocumentFormat, registerExport } from './export.js'
import { choice, examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'

interface ApplyCommandOptions {
  readonly dryRun?: boolean
  readonly prune?: boolean
  readonly format?: DocumentFormat
}

export function registerApply(program: Command, cli: Invocation): void {
  program
    .command('apply <document>')
    .summary('bring the registry to what a document says')
    .description(
      'Bring scopes, roles and entities to what a document says, in YAML or JSON: everything, or nothing. Doing it again changes nothing.',
    )
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--prune', 'retire entities that the document does not name; remove scopes and roles')
    .option(
      '--format <format>',
      `${DOCUMENT_FORMATS.join(', ')} (default: by the name of the file)`,
      choice(DOCUMENT_FORMATS),
    )
    .addHelpText(
      'after',
      examples('signet apply deployment.yaml --dry-run', 'signet apply deployment.yaml', 'signet apply million.ndjson'),
    )
    .action(
      cli.action(async (file: string, options: ApplyCommandOptions) => {
        const format = options.format ?? DOCUMENT_FORMATS.find((known) => file.endsWith(`.${known}`)) ?? 'yaml'
        if (format !== 'ndjson') return applyDocument(cli, decodeUtf8(await cli.readDocument(file), file), options)
        if (options.dryRun !== true && options.prune !== true) return applyLines(cli, file)
        throw new UsageError('ERR_USAGE', 'lines are imported: --dry-run and --prune are for one document', {
          hint: 'give a document in YAML or JSON, or leave these options out',
        })
      }),
    )
  registerExport(program, cli)
}

async function applyDocument(cli: Invocation, text: string, options: ApplyCommandOptions): Promise<Outcome> {
  const document = parseRegistryDocument(text)
  const how: ApplyOptions = { unnamed: options.prune === true ? 'remove' : 'leave' }
  const isDry = options.dryRun === true
  const changes = await cli.withAuthority(async (authority) => {
    const at = await authority.now()
    return isDry
      ? planRegistry(authority, authority.store, document, how, at)
      : applyRegistry(authority, document, how, at)
  })
  const lines = changes.map(changeLine)
  const total = changes.length === 0 ? 'nothing to change' : `${changes.length} changes${isDry ? ', none made' : ''}`
  return { data: { applied: !isDry, changes: changes.map(changeFacts) }, text: [...lines, total].join('\n') }
}

function changeLine(change: RegistryChange): string {
  switch (change.kind) {
    case 'add scope':
      return `+ scope ${change.name} (${change.scope})`
    case 'remove scope':
      return `- scope ${change.name}`
    case 'add role':
      return `+ role ${change.name}${change.implies.length === 0 ? '' : ` (implies ${change.implies.join(' ')})`}`
    case 'change role':
      return `~ role ${change.name} implies ${change.implies.join(' ') || 'no other'}`
    case 'remove role':
      return `- role ${change.name}`
    case 'add entity':
      return `+ entity ${change.name} (${[change.entity.kind, change.entity.uri, ...change.entity.roles].join(' ')})`
    case 'change entity':
      return `~ entity ${change.name} ${change.differences.map(({ what, from, to }) => `${what}: ${from || '-'} → ${to || '-'}`).join('; ')}`
    case 'set state':
      return `~ entity ${change.name} ${change.from} → ${change.to}`
  }
}

/** A change as JSON: without the record that would be written. */
function changeFacts(change: RegistryChange): Readonly<Record<string, unknown>> {
  if (change.kind === 'add entity') return { ...change, entity: documentMember(change.entity) }
  if (change.kind === 'change entity') return { kind: change.kind, name: change.name, differences: change.differences }
  return change
}
