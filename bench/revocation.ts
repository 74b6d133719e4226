/**
 * From `signet revoke` to refusal: the commands, and then each server that is installed, as test/interop/servers tries it.
 *
 * Each run starts every server, with the files that signet writes; so the tests are run, and told to take times instead.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchContext } from './context.ts'
import { quantile, rounded } from './harness.ts'

const RUNS = 3

export interface RevocationBench {
  /** `signet revoke` and `signet crl publish`, as one starts them by hand. */
  readonly commandMilliseconds: number
  /** From the new CRL in the credential directory, the words that make the server take it up included. */
  readonly servers: readonly ServerTimes[]
}

export interface ServerTimes {
  readonly server: string
  readonly refusedMilliseconds: number
  /** Of a connection from before; absent where only a restart ends it. */
  readonly closedMilliseconds?: number
}

interface Line {
  readonly server: string
  readonly refused?: number
  readonly closed?: number
}

export function measureRevocation({ folder }: BenchContext): RevocationBench {
  const file = join(folder, 'revocation-times')
  for (let run = 0; run < RUNS; run++) {
    const words = ['node_modules/vitest/vitest.mjs', 'run', '--dir', 'test', 'test/interop/servers', '-t', 'is timed']
    spawnSync(process.execPath, words, { env: { ...process.env, SIGNET_REVOCATION_TIMES: file }, stdio: 'ignore' })
  }
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const lines = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
  const names = [...new Set(lines.map(({ server }) => server))].toSorted()
  return {
    commandMilliseconds: commands(join(folder, 'revocation')),
    servers: names.flatMap((server) =>
      timesOf(
        server,
        lines.filter((line) => line.server === server),
      ),
    ),
  }
}

function timesOf(server: string, lines: readonly Line[]): readonly ServerTimes[] {
  const median = (values: readonly (number | undefined)[]): number | undefined => {
    const known = values.filter((value) => value !== undefined)
    return known.length === 0 ? undefined : rounded(quantile(known, 0.5))
  }
  const [refused, closed] = [median(lines.map((line) => line.refused)), median(lines.map((line) => line.closed))]
  if (refused === undefined) return []
  return [{ server, refusedMilliseconds: refused, ...(closed === undefined ? {} : { closedMilliseconds: closed }) }]
}

/** In a deployment of its own, of which one certificate after the other is revoked. */
function commands(folder: string): number {
  const signet = (...words: readonly string[]): void => {
    const env = {
      ...process.env,
      SIGNET_HOME: join(folder, 'home'),
      SIGNET_PASSPHRASE_FILE: join(folder, 'passphrase'),
    }
    const { status, stderr } = spawnSync(process.execPath, ['bin/signet.js', ...words], { env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`signet ${words.join(' ')} ended with ${status}: ${stderr}`)
  }
  signet('quickstart', folder)
  const samples = ['broker-01', 'compute-07', 'compute-08'].map((entity) => {
    const certificate = join(folder, 'credentials', entity, 'tls/current/cert.pem')
    const start = performance.now()
    signet('revoke', '--cert', certificate, '--reason', 'keyCompromise')
    signet('crl', 'publish', '--out', join(folder, 'crls.pem'))
    return performance.now() - start
  })
  return rounded(quantile(samples, 0.5))
}

export function printRevocation({ commandMilliseconds, servers }: RevocationBench): void {
  console.log(`revocation: signet revoke and signet crl publish ${commandMilliseconds} ms, and then`)
  for (const { server, refusedMilliseconds, closedMilliseconds } of servers) {
    const closed = closedMilliseconds === undefined ? 'only by a restart' : `after ${closedMilliseconds} ms`
    console.log(`  ${server.padEnd(20)} refused after ${refusedMilliseconds} ms, live connections closed ${closed}`)
  }
}
