/**
 * From the command `signet quarantine` until every receiver refuses: 1, 8 and 32 processes that watch the file which
 * `signet trust publish` writes, and that are sent its delta as over a broker.
 *
 * Both commands are real ones, and so is the time that it takes to start them. How long a broker or a web server takes to
 * deliver is not in it.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { loadCredential } from '../dist/credential/index.js'
import { signMessage } from '../dist/message/index.js'
import type { Order, Report } from './quarantine-receiver.ts'

const RECEIVERS = [1, 8, 32]
const ROUNDS = 5
/** Besides the one that is lost. */
const SIGNERS = 50

export interface QuarantineBench {
  readonly receivers: number
  readonly rounds: number
  /** `signet quarantine`: from its start to its end. */
  readonly commandMilliseconds: Spread
  /** From the start of that to the end of `signet trust publish`. */
  readonly publishedMilliseconds: Spread
  /** From the start of the command to the refusal at the last receiver. */
  readonly watching: Spread
  readonly delta: Spread
}

interface Spread {
  readonly p50: number
  readonly max: number
}

const run = promisify(execFile)

export async function measureQuarantine(folder: string): Promise<readonly QuarantineBench[]> {
  const deployment = await deploymentIn(join(folder, 'quarantine'))
  const results: QuarantineBench[] = []
  for (const count of RECEIVERS) results.push(await measureFor(deployment, count))
  return results
}

interface Deployment {
  readonly path: (name: string) => string
  readonly signet: (words: string) => Promise<void>
  readonly pin: string
}

async function deploymentIn(folder: string): Promise<Deployment> {
  mkdirSync(folder)
  const path = (name: string): string => join(folder, name)
  writeFileSync(path('passphrase'), 'for a bench only, and gone with its folder\n', { mode: 0o600 })
  const environment = {
    PATH: process.env['PATH'],
    SIGNET_HOME: path('home'),
    SIGNET_PASSPHRASE_FILE: path('passphrase'),
  }
  const signet = async (words: string): Promise<void> => {
    await run(process.execPath, [resolve('bin/signet.js'), ...words.split(' ')], { cwd: folder, env: environment })
  }
  const ids = ['lost', ...Array.from({ length: SIGNERS }, (_, index) => `node-${index}`)]
  const entities = Object.fromEntries(ids.map((id) => [id, { kind: 'node', service: 'compute' }]))
  writeFileSync(path('deployment.yaml'), JSON.stringify({ version: 1, entities }))
  await signet('init --domain cloud.example --root-out root')
  await signet('apply deployment.yaml')
  await signet('issue --all --out credentials')
  await signet('trust publish --out trust.p7')
  const { caBundle } = loadCredential(path('credentials/lost/signer'))
  return { path, signet, pin: caBundle.at(-1)?.fingerprint ?? '' }
}

async function measureFor(deployment: Deployment, count: number): Promise<QuarantineBench> {
  const { path, signet, pin } = deployment
  const receivers = Array.from({ length: count }, (_, index) => {
    const own = path(`receiver-${count}-${index}`)
    mkdirSync(own)
    copyFileSync(path('trust.p7'), join(own, 'trust.p7'))
    return fork(new URL('quarantine-receiver.ts', import.meta.url), [path('trust.p7'), join(own, 'trust.p7'), pin])
  })
  try {
    const [content, at] = [Buffer.from('{}'), new Date()]
    const signer = loadCredential(path('credentials/lost/signer'))
    const { der } = await signMessage(content, signer, { type: 'a.b', destination: 'here', at, lifetimeSeconds: 3600 })
    const [document, text] = [Buffer.from(der).toString('base64'), content.toString('base64')]
    await told(receivers, 'believed', () => {
      send(receivers, { kind: 'message', der: document, content: text })
      return Promise.resolve()
    })
    const rounds: Round[] = []
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await oneRound(deployment, receivers))
      await told(receivers, 'believed', async () => {
        await signet('release lost')
        await publish(deployment, receivers)
      })
    }
    return {
      receivers: count,
      rounds: ROUNDS,
      commandMilliseconds: spread(rounds.map((round) => round.command)),
      publishedMilliseconds: spread(rounds.map((round) => round.published)),
      watching: spread(rounds.map((round) => round.watching)),
      delta: spread(rounds.map((round) => round.delta)),
    }
  } finally {
    for (const receiver of receivers) if (receiver.connected) receiver.disconnect()
  }
}

/** Milliseconds from the start of the command. */
interface Round {
  readonly command: number
  readonly published: number
  readonly watching: number
  readonly delta: number
}

async function oneRound(deployment: Deployment, receivers: readonly ChildProcess[]): Promise<Round> {
  const start = process.hrtime.bigint()
  const since = (instant: bigint): number => Number(instant - start) / 1e6
  let [command, published] = [0, 0]
  const last = await told(receivers, 'refused', async () => {
    await deployment.signet('quarantine lost')
    command = since(process.hrtime.bigint())
    await publish(deployment, receivers)
    published = since(process.hrtime.bigint())
  })
  return { command, published, watching: since(last.watching), delta: since(last.delta) }
}

/** The next directory, into the file that is watched, and its delta to everybody. */
async function publish({ path, signet }: Deployment, receivers: readonly ChildProcess[]): Promise<void> {
  copyFileSync(path('trust.p7'), path('before.p7'))
  await signet('trust publish --out trust.p7 --delta-from before.p7 --delta-out delta.p7')
  send(receivers, { kind: 'delta', der: readFileSync(path('delta.p7')).toString('base64') })
}

function send(receivers: readonly ChildProcess[], order: Order): void {
  for (const receiver of receivers) receiver.send(order)
}

/** Do something, and wait until each receiver has come to this verdict both ways. @returns When the last of them had. */
async function told(
  receivers: readonly ChildProcess[],
  verdict: Report['verdict'],
  work: () => Promise<void>,
): Promise<Readonly<Record<Report['way'], bigint>>> {
  const all = receivers.map(
    (receiver) =>
      new Promise<ReadonlyMap<Report['way'], bigint>>((resolvePromise, reject) => {
        const seen = new Map<Report['way'], bigint>()
        const onExit = (): void => reject(new Error('a receiver ended'))
        const listen = (report: Report): void => {
          if (report.verdict !== verdict) return
          if (!seen.has(report.way)) seen.set(report.way, BigInt(report.nanoseconds))
          if (seen.size < 2) return
          receiver.off('message', listen).off('exit', onExit)
          resolvePromise(seen)
        }
        receiver.on('message', listen).once('exit', onExit)
      }),
  )
  await work()
  const reports = await Promise.all(all)
  const lastOf = (way: Report['way']): bigint =>
    reports.map((seen) => seen.get(way) ?? 0n).reduce((a, b) => (a > b ? a : b), 0n)
  return { watching: lastOf('watching'), delta: lastOf('delta') }
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { p50: Math.round(sorted[sorted.length >> 1] ?? 0), max: Math.round(sorted.at(-1) ?? 0) }
}

export function printQuarantine(rows: readonly QuarantineBench[]): void {
  const text = ({ p50, max }: Spread): string => `p50 ${p50} ms max ${max} ms`
  for (const row of rows) {
    console.log(
      `quarantine, ${String(row.receivers).padStart(2)} receivers: last refusal ${text(row.watching)} watching a file, ` +
        `${text(row.delta)} by delta; of that the command ${text(row.commandMilliseconds)}, both commands ${text(row.publishedMilliseconds)}`,
    )
  }
}
