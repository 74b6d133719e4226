/** `signet apply`, `signet export`: the registry as a document. @module cli/apply (floor 8) */
import type { Command } from 'commander'
import {
  applyRegistry,
  type ApplyOptions,
  importRegistry,
  planRegistry,
  type RegistryChange,
} from '../authority/index.js'
import { UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import {
  documentMember,
  eachEntity,
  parseRegistryDocument,
  parseRegistryLine,
  type RegistryDocument,
  registryDocument,
} from '../identity/index.js'
import type { Store } from '../store/index.js'
import { formatYaml } from '../yaml/index.js'
import { choice, examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { table } from './table.js'

const FORMATS = ['yaml', 'json', 'ndjson'] as const
type Format = (typeof FORMATS)[number]

/** Lines that are applied at once. */
const BATCH = 5000

interface ApplyCommandOptions {
  readonly dryRun?: boolean
  readonly prune?: boolean
  readonly format?: Format
}

interface ExportOptions {
  readonly format: Format
  readonly out?: string
  readonly force?: boolean
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
    .option('--format <format>', `${FORMATS.join(', ')} (default: by the name of the file)`, choice(FORMATS))
    .addHelpText(
      'after',
      examples('signet apply deployment.yaml --dry-run', 'signet apply deployment.yaml', 'signet apply million.ndjson'),
    )
    .action(
      cli.action(async (file: string, options: ApplyCommandOptions) => {
        const text = decodeUtf8(await cli.readDocument(file), file)
        const format = options.format ?? FORMATS.find((known) => file.endsWith(`.${known}`)) ?? 'yaml'
        return format === 'ndjson' ? importLines(cli, text, options) : applyDocument(cli, text, options)
      }),
    )
  program
    .command('export')
    .summary('write the registry as a document')
    .description('Write scopes, roles and entities as a document that signet apply reads.')
    .option('--format <format>', FORMATS.join(', '), choice(FORMATS), 'yaml')
    .option('--out <file>', 'write it into a file')
    .option('--force', 'replace a file that is there')
    .addHelpText('after', examples('signet export', 'signet export --format ndjson --out registry.ndjson'))
    .action(
      cli.action(async (options: ExportOptions) => {
        const exported = await cli.withAuthority((authority) => exportRegistry(authority.store, options.format))
        const { out, force } = options
        const data = { format: options.format, entities: exported.entities }
        if (out === undefined) return { data: { ...data, document: exported.text }, text: exported.text.trimEnd() }
        const path = cli.writeOutput(out, exported.text, force)
        return { data: { ...data, path }, text: `wrote ${exported.entities} entities to ${path}` }
      }),
    )
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

async function importLines(cli: Invocation, text: string, options: ApplyCommandOptions): Promise<Outcome> {
  if (options.dryRun === true || options.prune === true) {
    throw new UsageError('ERR_USAGE', 'lines are imported: --dry-run and --prune are for one document', {
      hint: 'give a document in YAML or JSON, or leave these options out',
    })
  }
  const batches = Math.ceil(countLines(text) / BATCH)
  const progress = cli.progress('importing', batches)
  const counts = await cli
    .withAuthority(async (authority) =>
      importRegistry(authority, batchesOf(text), await authority.now(), (done) => {
        progress.advance(done)
      }),
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

function countLines(text: string): number {
  let count = 1
  for (let index = text.indexOf('\n'); index !== -1; index = text.indexOf('\n', index + 1)) count++
  return count
}

/** Lines, some at a time, without holding what all of them say. */
function* batchesOf(text: string): Generator<RegistryDocument> {
  let [start, number] = [0, 0]
  while (start < text.length) {
    const part = {
      scopes: new Map<string, never>(),
      roles: new Map<string, never>(),
      entities: new Map<string, never>(),
    }
    for (let count = 0; count < BATCH && start < text.length; count++) {
      const end = text.indexOf('\n', start)
      const line = text.slice(start, end === -1 ? text.length : end)
      start = end === -1 ? text.length : end + 1
      number++
      if (line.trim() === '') continue
      merge(part, parseRegistryLine(line, number), number)
    }
    yield part
  }
}

function merge(into: RegistryDocument, line: RegistryDocument, number: number): void {
  for (const key of ['scopes', 'roles', 'entities'] as const) {
    for (const [name, value] of line[key]) {
      const map = into[key] as Map<string, unknown>
      if (map.has(name)) {
        throw new UsageError('ERR_REGISTRY_DOCUMENT', `line ${number}: ${JSON.stringify(name)} is there twice`)
      }
      map.set(name, value)
    }
  }
}

async function exportRegistry(
  store: Store,
  format: Format,
): Promise<{ readonly text: string; readonly entities: number }> {
  const [scopes, roles] = [await store.scopes(), await store.roles()]
  if (format !== 'ndjson') {
    const entities = await store.entities()
    const document = registryDocument(scopes, roles, entities)
    const text = format === 'yaml' ? formatYaml(document) : `${JSON.stringify(document, null, 2)}\n`
    return { text, entities: entities.length }
  }
  const lines = [
    ...scopes.map(({ path, kind }) => JSON.stringify({ scope: path, kind })),
    ...roles.map(({ name, implies }) => JSON.stringify({ role: name, implies })),
  ]
  let count = 0
  for await (const entity of eachEntity(store)) {
    lines.push(JSON.stringify({ entity: entity.id, ...documentMember(entity) }))
    count++
  }
  return { text: `${lines.join('\n')}\n`, entities: count }
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
