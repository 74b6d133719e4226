/**
 * A broker of strangers, on loopback, for the tests of one file.
 */
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, expect } from 'vitest'

export interface ServerCommand {
  readonly program: string
  readonly words: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Where it runs, and leaves what it has to say when it dies. Default: here. */
  readonly directory?: string
  /** Whom it runs as. Default: who runs this. */
  readonly ids?: { readonly uid?: number; readonly gid?: number }
  /** What it prints when clients may come. */
  readonly ready: RegExp
}

export interface Server {
  /** Everything it printed so far. */
  readonly log: () => string
  readonly signal: (signal: NodeJS.Signals) => void
}

/** Longest start and longest farewell; the first of RabbitMQ takes 4 to 8 s on an idle machine. */
const START_MILLISECONDS = 90_000
const STOP_MILLISECONDS = 3_000

const farewells: (() => Promise<void>)[] = []
// Said while the tests are gathered: whoever starts a server later, in a test or a hook, could not have this said any more.
afterAll(async () => {
  await Promise.all(farewells.splice(0).map((stop) => stop()))
}, STOP_MILLISECONDS * 10)

/** Start a server and wait until it is ready. It ends, with all that it started, after the tests of the file. */
export async function startServer({
  program,
  words,
  environment,
  directory,
  ids,
  ready,
}: ServerCommand): Promise<Server> {
  let log = ''
  // A process group of its own: scripts start other programs.
  const child = spawn(program, words, {
    detached: true,
    ...ids,
    ...(directory === undefined ? {} : { cwd: directory }),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', ...environment },
  })
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // Nobody is left in the group.
    }
  }
  const onExit = (): void => kill('SIGKILL')
  process.once('exit', onExit)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isReady = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      kill('SIGKILL')
      reject(new Error(`${program} is not ready: ${log}`))
    }, START_MILLISECONDS)
    const listen = (data: Buffer): void => {
      log += data.toString('utf8')
      if (!ready.test(log)) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('error', reject)
    void ended.then(() => {
      clearTimeout(timer)
      reject(new Error(`${program} ended: ${log}`))
    })
  })
  farewells.push(async () => {
    kill('SIGTERM')
    const timer = setTimeout(() => kill('SIGKILL'), STOP_MILLISECONDS)
    await ended
    clearTimeout(timer)
    kill('SIGKILL')
    process.removeListener('exit', onExit)
  })
  await isReady
  return { log: () => log, signal: kill }
}

/** Ports on loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Poll for what a broker has done, on a machine that may be busy. */
export function eventually<T>(look: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { timeout: 20_000, interval: 20 })
}
