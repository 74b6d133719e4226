/** What `npm run bench` is told. */
import { parseArgs } from 'node:util'

const USAGE = `npm run bench -- [options]

  --only NAME      rows and suites with this in their name; repeatable
  --peers PATTERN  only strangers whose name matches; none: only who runs in this process
  --rounds N       how often the short rows are repeated (default: 300)
  --json FILE      write what was measured
  --from FILE      measure nothing, and take what --json wrote; repeatable: the last that has a row has it
  --page           write docs/performance.md and its picture
  --help           say this, and the names
`

export interface BenchOptions {
  readonly only: readonly string[] | undefined
  readonly json: string | undefined
  readonly rounds: number
  readonly peers: RegExp
  readonly from: readonly string[]
  readonly page: boolean
}

/** @returns `undefined` where something else was said instead, and the exit code is set. */
export function readOptions(names: readonly string[]): BenchOptions | undefined {
  const usage = `${USAGE}\nNames:\n${names.map((name) => `  ${name}\n`).join('')}`
  try {
    const { only, json, rounds, peers, from, page, help } = parse()
    if (help) {
      console.log(usage)
      return undefined
    }
    const unknown = only?.find((part) => !names.some((name) => name.includes(part)))
    if (unknown !== undefined) throw new Error(`nothing has ${unknown} in its name`)
    if (!/^[1-9][0-9]*$/.test(rounds)) throw new Error(`not a number of rounds: ${rounds}`)
    return { only, json, rounds: Number(rounds), peers: new RegExp(peers), from, page }
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exitCode = 2
    return undefined
  }
}

function parse() {
  const options = {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    rounds: { type: 'string', default: '300' },
    peers: { type: 'string', default: '' },
    from: { type: 'string', multiple: true, default: [] },
    page: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const
  return parseArgs({ options }).values
}
