/** Commands that start at once say, word for word, what commander would have had them say. */
import { rmSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { CMS_VERIFY } from '../../src/cli/cms-verify.js'
import { main } from '../../src/cli/main.js'
import { plainWords } from '../../src/cli/plain-words.js'
import { runProgram } from '../../src/cli/program.js'
import { SIGN } from '../../src/cli/sign.js'
import { VERIFY } from '../../src/cli/verify.js'
import { prepareDeployment, splitWords } from '../support/testscript.js'
import { copyWorld } from './world.js'

vi.setConfig({ testTimeout: 60_000 })

const world = copyWorld(await prepareDeployment())
afterAll(() => {
  rmSync(world.folder, { recursive: true, force: true })
})

/** How a line ends, and all that it prints. */
async function ended(
  run: typeof main,
  words: readonly string[],
  stdin = '',
): Promise<readonly [number, string, string]> {
  const printed = ['', '']
  const [stdout, stderr] = [0, 1].map((index) => {
    const stream = new PassThrough()
    stream.on('data', (piece: Buffer) => (printed[index] = `${printed[index] ?? ''}${piece.toString()}`))
    return stream
  }) as [PassThrough, PassThrough]
  const input = new PassThrough()
  input.end(stdin)
  const code = await run(words, {
    stdin: input,
    stdout,
    stderr,
    variables: world.variables,
    directory: world.folder,
    clock: world.clock,
  })
  return [code, printed[0] ?? '', printed[1] ?? '']
}

const GOOD = 'verify note.json.p7s --content note.json --for notifications --trust trust.p7'
const CMS =
  'cms verify note.json.p7s --content note.json --purpose any --cert credentials/compute-07/signer/current/cert.pem'
const NEW = '--as credentials/compute-07/signer --type a.b --to c'

it('what is compared verifies', async () => {
  expect(await ended(main, splitWords(GOOD, new Map()))).toEqual([0, expect.stringMatching(/^verdict +verified\n/), ''])
  expect(await ended(main, splitWords(CMS, new Map()))).toEqual([
    0,
    expect.stringMatching(/^verified: one signer\n/),
    '',
  ])
})

describe('verify, sign, cms verify: the same with and without commander', () => {
  it.each([
    GOOD,
    `${GOOD} --json`,
    `--json ${GOOD}`,
    `--home home ${GOOD} --home=home`,
    `${GOOD} --for=other --type rpc.* --type=notify.*.*.* --max-age 1h --from compute-07 --role compute_node`,
    `${GOOD} --bind 'publisher_id == service:node'`,
    `${GOOD} --bind nonsense`,
    `${GOOD} --policy policy.yaml --scope region-one/nova`,
    `${GOOD} --policy missing.yaml --json`,
    `${GOOD} --receiver nobody`,
    `${GOOD} --any-destination`,
    `${GOOD} --route-complete --route-me x`,
    `${GOOD} --trust-memory memory.json`,
    `${GOOD} --content -`,
    `${GOOD} --content`,
    `${GOOD} --content --json`,
    `${GOOD} --content=`,
    `${GOOD} --content=note.json`,
    `${GOOD} --force=yes`,
    `${GOOD} --json=yes`,
    `${GOOD} --force --force`,
    `${GOOD} --max-age 1h --max-age 2h`,
    `${GOOD} --max-age`,
    `${GOOD} --unknown`,
    `${GOOD} --help`,
    `${GOOD} -h`,
    `${GOOD} -`,
    `${GOOD} more`,
    `${GOOD} ''`,
    `${GOOD} --`,
    `-- ${GOOD}`,
    `--for x ${GOOD}`,
    `--unknown ${GOOD}`,
    `help verify`,
    'verify',
    'verify --help',
    'verify --json',
    'verify note.json.p7s --for conductor',
    'verify note.json.p7s --trust trust.p7',
    'verify - --content note.json --for conductor --trust trust.p7',
    'verify missing.p7s --content note.json --for conductor --trust trust.p7 --json',
    'verify -- note.json.p7s --content note.json --for conductor --trust trust.p7',
    'verify -x.p7s --for conductor --trust trust.p7',
    'verifi note.json.p7s',
    `sign note.json ${NEW}`,
    `sign note.json ${NEW} --json`,
    `sign note.json ${NEW} --lifetime never`,
    `sign note.json --to c`,
    `sign`,
    `sign note.json ${NEW} --out`,
    CMS,
    `${CMS} --json`,
    `${CMS} --purpose server`,
    `${CMS} --purpose`,
    `${CMS} --at yesterday`,
    `${CMS} --ca home/root.pem --allow-unchecked-revocation --untrusted home/issuing-ca.pem`,
    `${CMS} --ca home/root.pem`,
    `${CMS} --second-opinion`,
    'cms verify',
    'cms verify --json',
    'cms verify home/root.pem',
    'cms --json verify note.json.p7s',
    'cms verfy note.json.p7s',
    '--version',
    '--version --json',
    '--json --version',
    '--version verify',
  ])('%s', async (line) => {
    const words = splitWords(line, new Map())
    const stdin = line.includes(' - ') || line.endsWith(' -') ? '{"publisher_id": "compute:compute-07"}' : ''
    expect(await ended(main, words, stdin)).toEqual(await ended(runProgram, words, stdin))
  })

  it('makes one error of two lines, whoever makes it', async () => {
    const [code, , stderr] = await ended(main, splitWords(`${GOOD} --unknown`, new Map()))
    expect([code, stderr]).toEqual([2, expect.stringMatching(/unknown option '--unknown' \[ERR_USAGE\]\n.*hint.*\n$/)])
  })
})

describe('plainWords', () => {
  it('reads options as commander names them', () => {
    expect(plainWords(splitWords(`--home x ${GOOD} --any-destination --from a --from=b`, new Map()), VERIFY)).toEqual({
      globals: { home: 'x' },
      operand: 'note.json.p7s',
      options: {
        content: 'note.json',
        for: ['notifications'],
        trust: 'trust.p7',
        anyDestination: true,
        from: ['a', 'b'],
      },
    })
    expect(plainWords(['cms', 'verify', 'x'], CMS_VERIFY)?.options).toEqual({ purpose: 'email' })
  })

  it.each([
    ['verify x'],
    ['verify x y --trust t'],
    ['verify x --trust t --trust u'],
    ['verify x --trust --for'],
    ['verify x --trust -'],
    ['verify x --trust t --help'],
    ['verify x --trust t --'],
    ['--trust t verify x'],
    ['sign x --trust t'],
  ])('leaves what is in doubt to commander: %s', (line) => {
    const found = plainWords(splitWords(line, new Map()), VERIFY)
    expect(found === undefined).toBe(line !== 'verify x --trust -')
  })

  it('is not asked for what it does not know', () => {
    expect(plainWords(['sign', 'x', '--as', 'a', '--type', 't'], SIGN)).toBeUndefined()
  })
})
