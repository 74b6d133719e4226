/** `signet entity list`: page by page, however many there are. @module cli/entity-list (floor 8) */
import { type Command, InvalidArgumentError } from 'commander'
import { entityPages } from '../identity/index.js'
import type { EntityRecord, EntityState, StoreReader } from '../store/index.js'
import { choice, examples } from './help.js'
import type { Invocation } from './invocation.js'
import { tablePieces } from './table.js'

interface ListOptions {
  readonly state?: EntityState
  readonly after?: string
  readonly limit?: number
}

const ENTITY_STATES = ['active', 'quarantined', 'retired'] as const satisfies readonly EntityState[]

export function registerList(entity: Command, cli: Invocation): void {
  entity
    .command('list')
    .summary('list entities')
    .description('List the registered entities, by id.')
    .option('--state <state>', `only those in this state: ${ENTITY_STATES.join(', ')}`, choice(ENTITY_STATES))
    .option('--after <id>', 'only those after this id')
    .option('--limit <count>', 'at most so many', count)
    .addHelpText(
      'after',
      examples(
        'signet entity list',
        'signet entity list --state quarantined --json',
        'signet entity list --after compute-07 --limit 100',
      ),
    )
    .action(
      cli.action(async (options: ListOptions) =>
        cli.withAuthority(({ store }) =>
          store.snapshot((reader) => cli.printPieces(cli.json ? jsonPieces(reader, options) : table(reader, options))),
        ),
      ),
    )
}

function count(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('not a number from 1 on')
}

/** Pages of those that were asked for. */
async function* listed(
  reader: StoreReader,
  { state, after, limit }: ListOptions,
): AsyncGenerator<readonly EntityRecord[]> {
  let left = limit ?? Infinity
  for await (const page of entityPages(reader, after)) {
    const wanted = page.filter((item) => state === undefined || item.state === state).slice(0, left)
    left -= wanted.length
    yield wanted
    if (left === 0) return
  }
}

function table(reader: StoreReader, options: ListOptions): AsyncGenerator<string> {
  return tablePieces(['entity', 'kind', 'service', 'scope', 'roles', 'state'], async function* () {
    for await (const page of listed(reader, options)) {
      yield page.map(({ id, kind, service, scope, roles, state }) => [id, kind, service, scope, roles.join(' '), state])
    }
  })
}

/** One object, as every command prints it, written piece by piece. */
async function* jsonPieces(reader: StoreReader, options: ListOptions): AsyncGenerator<string> {
  yield '{"schema":1,"ok":true,"entities":['
  let separator = ''
  for await (const page of listed(reader, options)) {
    if (page.length === 0) continue
    yield separator + page.map((item) => JSON.stringify(item)).join(',')
    separator = ','
  }
  yield ']}\n'
}
