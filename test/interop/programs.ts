/**
 * Programs of strangers, started without a shell.
 *
 * ```ts
 * describe.skipIf(!available('openssl'))('…', () => {
 *   expect(run('openssl', ['verify', …])).toMatchObject({ code: 0 })
 * })
 * ```
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'

// Several starts of strangers' programs in one test, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 30_000 })

/** How to ask each program whether it is there; or that one only looks. */
const PROBES = {
  openssl: ['version'],
  certtool: ['--version'],
  ocsptool: ['--version'],
  cmsutil: [],
  certutil: [],
  pk12util: [],
  go: ['version'],
  keytool: ['-help'],
  java: ['-version'],
  javac: ['-version'],
  'nats-server': ['--version'],
  mosquitto: ['-h'],
  'redis-server': ['--version'],
  psql: ['--version'],
  mariadbd: ['--version'],
  etcd: ['--version'],
  etcdctl: ['version'],
  nginx: ['-v'],
  haproxy: ['-v'],
  stunnel4: ['-version'],
  // It knows no words: it would start.
  'rabbitmq-server': 'look',
} as const satisfies Record<string, readonly string[] | 'look'>

export type Program = keyof typeof PROBES

/** How a program ended. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Both outputs, for looking for words: programs do not agree on which they use. */
  readonly output: string
}

/** Whether these programs are installed. Where not, tests are skipped and say so; in CI they must be. */
export function available(...programs: readonly Program[]): boolean {
  const missing = programs.filter((program) => !isThere(program))
  if (missing.length === 0) return true
  if (process.env['CI'] === 'true') throw new Error(`not installed: ${missing.join(', ')}`)
  console.warn(`skipped: not installed: ${missing.join(', ')}`)
  return false
}

function isThere(program: Program): boolean {
  const words = PROBES[program]
  if (words !== 'look') return spawnSync(program, words).error === undefined
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)))
}

function peersFolder(): string {
  const peers = process.env['SIGNET_PEERS'] ?? ''
  return peers === '' ? join(homedir(), '.cache/signet-peers') : peers
}

/**
 * The Python that has Keystone and what it needs, oslo.policy among that: `keystone/install.sh` makes it. Where it is
 * missing, tests are skipped and say so; in CI it must be there.
 */
export function keystonePython(): string | undefined {
  const python = join(peersFolder(), 'keystone/bin/python')
  if (existsSync(python)) return python
  if (process.env['CI'] === 'true') throw new Error(`not installed: ${python} (test/interop/keystone/install.sh)`)
  console.warn(`skipped: not installed: ${python} (test/interop/keystone/install.sh)`)
  return undefined
}

/**
 * The class path of a Kafka broker: `kafka/install.sh` makes its folder. Where it or Java is missing, tests are skipped and
 * say so; in CI it must be there, unless `.ci/run` could not get it (`SIGNET_WITHOUT_KAFKA`).
 */
export function kafkaJars(): string | undefined {
  if (!available('java')) return undefined
  const folder = join(peersFolder(), 'kafka')
  // The pins are copied last.
  if (existsSync(join(folder, 'pom.xml'))) return join(folder, 'libs', '*')
  if (process.env['CI'] === 'true' && process.env['SIGNET_WITHOUT_KAFKA'] === undefined) {
    throw new Error(`not installed: ${folder} (test/interop/kafka/install.sh)`)
  }
  console.warn(`skipped: not installed: ${folder} (test/interop/kafka/install.sh)`)
  return undefined
}

/** Where Debian puts the jars of Bouncy Castle. */
const JARS = '/usr/share/java'

/**
 * The class path of Bouncy Castle (Debian's libbcpkix-java, or its jars in `bouncy-castle` of the folder of peers). Where
 * it or Java is missing, tests are skipped and say so; in CI it must be there.
 */
export function bouncyCastle(): string | undefined {
  if (!available('java', 'javac')) return undefined
  for (const folder of [join(peersFolder(), 'bouncy-castle'), JARS]) {
    const jars = ['bcprov', 'bcutil', 'bcpkix'].map((name) =>
      (existsSync(folder) ? readdirSync(folder) : []).find((file) => file.startsWith(name) && file.endsWith('.jar')),
    )
    if (jars.every((jar) => jar !== undefined)) return jars.map((jar) => join(folder, jar)).join(':')
  }
  if (process.env['CI'] === 'true') throw new Error('not installed: Bouncy Castle (libbcpkix-java)')
  console.warn('skipped: not installed: Bouncy Castle (libbcpkix-java)')
  return undefined
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly directory?: string
}

/** Run a program, however it ends. */
export function run(program: string, words: readonly string[], options: RunOptions = {}): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    // Verdicts in English.
    env: { ...process.env, LC_ALL: 'C', LANG: 'C' },
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    maxBuffer: 16 * 1024 * 1024,
    timeout: 180_000,
  })
  if (error !== undefined) throw error
  const [out, err] = [stdout.toString('utf8'), stderr.toString('utf8')]
  return { code: status, stdout: out, stderr: err, output: `${out}\n${err}` }
}

/** Run a program that must succeed. @returns What it printed. */
export function succeed(program: string, words: readonly string[], options: RunOptions = {}): string {
  const { code, stdout, output } = run(program, words, options)
  if (code !== 0) throw new Error(`${program} ${words.join(' ')} ended with ${String(code)}: ${output}`)
  return stdout
}

/** Whether this OpenSSL is at least of a version. */
export function opensslIsAtLeast(major: number, minor: number): boolean {
  const [, foundMajor, foundMinor] = /^OpenSSL (\d+)\.(\d+)\./.exec(run('openssl', ['version']).stdout) ?? []
  const found = Number(foundMajor) * 1000 + Number(foundMinor)
  return found >= major * 1000 + minor
}
