/**
 * `signet issue --all`: page by page, however many entities there are. What is printed at the end waits in a file.
 *
 * @module cli/issue-all (floor 8)
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Authority,
  issueInGroups,
  type IssueRequest,
  type IssuingAuthority,
  type KeySource,
} from '../authority/index.js'
import { readLines, readPieces, refuseUnwritable } from '../files/index.js'
import { entityPages } from '../identity/index.js'
import type { Invocation } from './invocation.js'
import {
  deliver,
  type Delivered,
  HEADINGS,
  type IssueOptions,
  type Order,
  ordersFor,
  refuseUnfit,
  rowOf,
} from './issue-delivery.js'
import { instant, tablePieces } from './table.js'

/** Certificates whose files are written at once. Files take so long that larger groups would gain nothing. */
const GROUP = 100

/**
 * Issue to every active entity, and print what was issued.
 *
 * @param open - Opens the issuing key, once it is known that every folder may be written.
 */
export async function issueToAll(
  cli: Invocation,
  authority: Authority,
  given: IssueOptions,
  key: KeySource,
  open: () => Promise<IssuingAuthority>,
): Promise<void> {
  let total = 0
  // Before anything is issued: a folder that is somebody else's, or cannot be, is known at once.
  refuseUnwritable(cli.path(given.out ?? '.'))
  for await (const order of orders(cli, authority, given, key)) {
    refuseUnfit(order)
    total++
  }
  const issuing = await open()
  const folder = mkdtempSync(join(tmpdir(), 'signet-'))
  try {
    const spool = new Spool(join(folder, 'issued'))
    const progress = cli.progress('issuing', total)
    const waiting: Order[] = []
    let isShortened = false
    const requests = async function* (): AsyncGenerator<IssueRequest> {
      for await (const order of orders(cli, authority, given, key)) {
        waiting.push(order)
        yield order.request
      }
    }
    let done = 0
    for await (const issued of issueInGroups(issuing, requests(), GROUP)) {
      const delivered = await deliver(cli, issuing, waiting.splice(0, issued.length), issued)
      isShortened ||= delivered.some(({ shortened }) => shortened)
      spool.add(delivered)
      progress.advance((done += delivered.length))
    }
    progress.finish()
    if (isShortened) noteShortened(cli, authority)
    await cli.printPieces(cli.json ? jsonPieces(spool) : tablePieces(HEADINGS, () => rows(spool)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Tell that certificates live shorter than their profile says. */
export function noteShortened(cli: Invocation, { issuing }: Authority): void {
  cli.note(`the issuing CA ends at ${instant(issuing.notAfter)}: certificates were cut to that`)
}

async function* orders(
  cli: Invocation,
  { store }: Authority,
  given: IssueOptions,
  key: KeySource,
): AsyncGenerator<Order> {
  for await (const page of entityPages(store)) {
    for (const { id, state } of page) if (state === 'active') yield* ordersFor(cli, id, given, key)
  }
}

/** What was delivered, in lines of JSON. */
class Spool {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    writeFileSync(path, '')
  }

  add(delivered: readonly Delivered[]): void {
    appendFileSync(this.#path, delivered.map((one) => `${JSON.stringify(one)}\n`).join(''))
  }

  async *lines(): AsyncGenerator<readonly string[]> {
    for await (const lines of readLines(readPieces(this.#path), 'what was issued')) {
      yield lines.filter((line) => line !== '')
    }
  }
}

async function* rows(spool: Spool): AsyncGenerator<readonly (readonly string[])[]> {
  for await (const lines of spool.lines()) yield lines.map((line) => rowOf(JSON.parse(line) as Delivered))
}

async function* jsonPieces(spool: Spool): AsyncGenerator<string> {
  yield '{"schema":1,"ok":true,"certificates":['
  let separator = ''
  for await (const lines of spool.lines()) {
    if (lines.length === 0) continue
    yield separator + lines.join(',')
    separator = ','
  }
  yield ']}\n'
}
