/** `signet export`: the registry as a document. @module cli/export (floor 8) */
import type { Command } from 'commander'
import type { Pieces } from '../files/index.js'
import { registryDocument, registryLines } from '../identity/index.js'
import type { StoreReader } from '../store/index.js'
import { formatYaml } from '../yaml/index.js'
import { choice, examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'

/** The forms of a registry document. */
export const DOCUMENT_FORMATS = ['yaml', 'json', 'ndjson'] as const
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number]

interface ExportOptions {
  readonly format: DocumentFormat
  readonly out?: string
  readonly force?: boolean
}

export function registerExport(program: Command, cli: Invocation): void {
  program
    .command('export')
    .summary('write the registry as a document')
    .description('Write scopes, roles and entities as a document that signet apply reads.')
    .option('--format <format>', DOCUMENT_FORMATS.join(', '), choice(DOCUMENT_FORMATS), 'yaml')
    .option('--out <file>', 'write it into a file')
    .option('--force', 'replace a file that is there')
    .addHelpText('after', examples('signet export', 'signet export --format ndjson --out registry.ndjson'))
    .action(
      cli.action(async (options: ExportOptions) =>
        cli.withAuthority(({ store }) => store.snapshot((reader) => exportRegistry(cli, reader, options))),
      ),
    )
}

async function exportRegistry(
  cli: Invocation,
  reader: StoreReader,
  { format, out, force }: ExportOptions,
): Promise<Outcome | undefined> {
  const entities = await reader.entityCount()
  const data = { format, entities }
  const pieces = format === 'ndjson' ? registryLines(reader) : [await wholeDocument(reader, format)]
  if (out !== undefined) {
    const path = await cli.writeOutputPieces(out, pieces, force)
    return { data: { ...data, path }, text: `wrote ${entities} entities to ${path}` }
  }
  if (!cli.json) return cli.printPieces(pieces)
  return { data: { ...data, document: await joined(pieces) }, text: '' }
}

async function wholeDocument(reader: StoreReader, format: 'yaml' | 'json'): Promise<string> {
  const document = registryDocument(await reader.scopes(), await reader.roles(), await reader.entities())
  return format === 'yaml' ? formatYaml(document) : `${JSON.stringify(document, null, 2)}\n`
}

async function joined(pieces: Pieces<string>): Promise<string> {
  const all: string[] = []
  for await (const piece of pieces) all.push(piece)
  return all.join('')
}
