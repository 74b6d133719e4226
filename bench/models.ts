/**
 * What each model of docs/deployments costs: new connections with one request each, and requests on connections that stay,
 * side by side, through the programs and the files that signet writes for them.
 *
 * Clients and service share this process, and proxies have the rest of the machine: it is the difference between models that
 * counts.
 */
import { execFile, type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import {
  createServer as createClearServer,
  get as getClear,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { Agent, get, type RequestOptions } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { configureDeployment, parseDeployment } from '../dist/channels/index.js'
import { createMutualHttpsServer } from '../dist/tls/index.js'
import { formatYaml, parseYaml } from '../dist/yaml/index.js'

const MODELS = ['proxy-loopback', 'proxy-socket', 'passthrough', 're-encryption', 'inspection'] as const
/** As registered: what each server of a model is called. */
const NAME = 'api.cloud.example'
const DEFAULTS = { rounds: 5, sliceMilliseconds: 700 }
const CLIENTS = 4

export interface ModelBench {
  readonly model: string
  /** New connections in a second, each with one request: the median of rounds. */
  readonly handshakesPerSecond: number
  /** Requests in a second on connections that stay. */
  readonly requestsPerSecond: number
  /** Why it was not measured. */
  readonly skipped?: string
}

/** One way to the service. */
interface Way {
  readonly model: string
  readonly once: (agent: Agent | undefined) => Promise<void>
}

const run = promisify(execFile)

/** In each round, every model has its turn: a slice of time for new connections, and one for those that stay. */
export async function measureModels(
  folder: string,
  { rounds, sliceMilliseconds } = DEFAULTS,
): Promise<readonly ModelBench[]> {
  const bed = await makeBed(join(folder, 'models'))
  try {
    const ways: Way[] = [await bed.clear(), await bed.direct()]
    const skipped: ModelBench[] = []
    for (const model of MODELS) {
      try {
        ways.push(await bed.start(model))
      } catch (error) {
        skipped.push({ model, handshakesPerSecond: 0, requestsPerSecond: 0, skipped: String(error) })
      }
    }
    const samples = ways.map(() => ({ handshakes: [] as number[], requests: [] as number[] }))
    for (let round = 0; round < rounds; round++) {
      for (const [index, { once }] of ways.entries()) {
        samples[index]?.handshakes.push(await rate(() => once(undefined), sliceMilliseconds))
        const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
        samples[index]?.requests.push(await rate(() => once(agent), sliceMilliseconds))
        agent.destroy()
      }
    }
    const measured = ways.map(({ model }, index) => ({
      model,
      handshakesPerSecond: median(samples[index]?.handshakes ?? []),
      requestsPerSecond: median(samples[index]?.requests ?? []),
    }))
    return [...measured, ...skipped]
  } finally {
    bed.stop()
  }
}

export function printModels(results: readonly ModelBench[]): void {
  const direct = results.find(({ model }) => model === 'direct')
  const share = (ours: number, theirs: number): string =>
    `${Math.round(ours)}/s (${(ours / theirs).toFixed(2)} of direct)`
  for (const { model, handshakesPerSecond, requestsPerSecond, skipped } of results) {
    console.log(
      skipped === undefined
        ? `models ${model.padEnd(15)} new connections ${share(handshakesPerSecond, direct?.handshakesPerSecond ?? NaN)}, requests ${share(requestsPerSecond, direct?.requestsPerSecond ?? NaN)}`
        : `models ${model.padEnd(15)} not measured: ${skipped}`,
    )
  }
}

interface Bed {
  /** Without TLS and proxy: what cannot be avoided. */
  readonly clear: () => Promise<Way>
  /** Mutual TLS in the service. */
  readonly direct: () => Promise<Way>
  readonly start: (model: string) => Promise<Way>
  readonly stop: () => void
}

async function makeBed(folder: string): Promise<Bed> {
  mkdirSync(folder, { recursive: true })
  chmodSync(dirname(folder), 0o711)
  const credentials = await credentialsIn(folder)
  const file = (name: string): Buffer => readFileSync(join(credentials, 'compute-07/tls/current', name))
  const own = { ca: file('ca-bundle.pem'), cert: file('fullchain.pem'), key: file('key.pem'), servername: NAME }
  const service = join(credentials, 'api-01/tls')
  const children: ChildProcess[] = []
  const servers: { readonly close: () => unknown }[] = []

  const way = (model: string, port: number): Way => ({
    model,
    once: (agent) => asked(get, { ...own, host: '127.0.0.1', port, agent: agent ?? false, headers: { host: NAME } }),
  })
  const serveMutual = async (port: number): Promise<void> => {
    const quiet = (): void => undefined
    const made = createMutualHttpsServer(
      {
        credential: service,
        identify: 'allow-unregistered',
        allow: 'allow-any-identified',
        clock: { now: () => new Date() },
        listener: { refused: quiet, stale: quiet, peerRefused: quiet, peerClosed: quiet },
      },
      answer,
    )
    servers.push(made)
    await listening(made.server, port)
  }
  const serveClear = async (place: number | string): Promise<number> => {
    const server = createClearServer(answer)
    servers.push({ close: () => (server.closeAllConnections(), server.close()) })
    await listening(server, place)
    if (typeof place === 'string') chmodSync(place, 0o666)
    return typeof place === 'string' ? 0 : (server.address() as AddressInfo).port
  }
  return {
    clear: async () => {
      const port = await serveClear(0)
      return {
        model: 'clear',
        once: (agent) => asked(getClear, { host: '127.0.0.1', port, ...(agent === undefined ? { agent: false } : {}) }),
      }
    },
    direct: async () => {
      const port = await freePort()
      await serveMutual(port)
      return way('direct', port)
    },
    start: async (model) => {
      const { deployment, entry, end } = await placed(model, join(folder, model), service)
      if ('socket' in end.place) await serveClear(end.place.socket)
      else await (end.isClear ? serveClear(end.place.port) : serveMutual(end.place.port))
      for (const { plan, configuration } of configureDeployment(deployment)) {
        mkdirSync(plan.state, { recursive: true, mode: 0o777 })
        chmodSync(plan.state, 0o777)
        for (const { path, content, mode } of configuration.files) {
          mkdirSync(dirname(path), { recursive: true })
          writeFileSync(path, content, { mode })
        }
        const [program = '', ...words] = configuration.start
        children.push(await started(program, words))
      }
      return way(model, entry)
    },
    stop: () => {
      for (const child of children) if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      for (const { close } of servers) close()
    },
  }
}

async function credentialsIn(folder: string): Promise<string> {
  const path = (name: string): string => join(folder, name)
  writeFileSync(path('passphrase'), 'for a bench only, and gone with its folder\n', { mode: 0o600 })
  const env = { PATH: process.env['PATH'], SIGNET_HOME: path('home'), SIGNET_PASSPHRASE_FILE: path('passphrase') }
  const entities = {
    'compute-07': { kind: 'node', service: 'compute' },
    'api-01': { kind: 'service', service: 'api', dns: [NAME] },
  }
  writeFileSync(path('registry.yaml'), JSON.stringify({ version: 1, entities }))
  for (const words of [
    'init --domain cloud.example --root-out root',
    'apply registry.yaml',
    'issue --all --out credentials',
  ]) {
    await run(process.execPath, [resolve('bin/signet.js'), ...words.split(' ')], { cwd: folder, env })
  }
  return path('credentials')
}

type Place = { readonly address: string; readonly port: number } | { readonly socket: string }

interface Placed {
  readonly deployment: ReturnType<typeof parseDeployment>
  /** Where clients connect. */
  readonly entry: number
  /** Where the service listens. */
  readonly end: { readonly place: Place; readonly isClear: boolean }
}

/** The document of a model, with the places of this machine. */
async function placed(model: string, folder: string, credential: string): Promise<Placed> {
  mkdirSync(folder)
  chmodSync(folder, 0o711)
  chmodSync(dirname(folder), 0o711)
  interface Written {
    kind?: string
    directory?: string
    state?: string
    listen?: Record<string, unknown>
    credentials?: Record<string, { directory: string; names?: string[] }>
  }
  const text = readFileSync(resolve('fixtures/deployments', model, 'deployment.yaml'), 'utf8')
  const document = parseYaml(text, model) as never as { endpoints: Record<string, Written> }
  for (const [name, endpoint] of Object.entries(document.endpoints)) {
    if (endpoint.listen !== undefined) {
      endpoint.listen =
        'socket' in endpoint.listen
          ? { ...endpoint.listen, socket: join(folder, 'service.sock') }
          : { address: '127.0.0.1', port: await freePort() }
    }
    if (endpoint.kind !== undefined) {
      endpoint.directory = join(folder, name)
      endpoint.state = join(folder, name, 'state')
    }
    for (const own of Object.values(endpoint.credentials ?? {})) {
      own.directory = credential
      // The service that nobody asks here keeps its name.
      if (own.names !== undefined && name !== 'queue') own.names = [NAME]
    }
  }
  const deployment = parseDeployment(formatYaml(document as never))
  const hops = deployment.channels[0]?.hops ?? []
  const placeOf = (hop: (typeof hops)[number] | undefined): Place => {
    const place = deployment.endpoints.get(hop?.to ?? '')?.listen[0]
    if (place === undefined) throw new Error(`${model} leads nowhere`)
    return place
  }
  const entry = placeOf(hops[0])
  return {
    deployment,
    entry: 'port' in entry ? entry.port : 0,
    end: { place: placeOf(hops.at(-1)), isClear: hops.at(-1)?.tls === 'clear' },
  }
}

function answer(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain' }).end('here\n')
}

type Get = (options: RequestOptions, heard: (response: IncomingMessage) => void) => ReturnType<typeof getClear>

function asked(request: Get, options: RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      response.resume()
      response.once('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`HTTP ${response.statusCode ?? 0}`))
      })
    }).once('error', reject)
  })
}

/** How often in a second, by some clients at once. */
async function rate(once: () => Promise<void>, milliseconds: number): Promise<number> {
  await once()
  const start = process.hrtime.bigint()
  const end = start + BigInt(milliseconds) * 1_000_000n
  let count = 0
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (process.hrtime.bigint() < end) {
        await once()
        count++
      }
    }),
  )
  return count / (Number(process.hrtime.bigint() - start) / 1e9)
}

/** A proxy that has said that it is ready. */
async function started(program: string, words: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, words, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const hear = (data: Buffer): void => {
      log += data.toString()
      if (/start worker process|Loading success/.test(log)) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', reject)
    child.once('close', () => reject(new Error(`${program} ended: ${log}`)))
  })
  return child
}

async function listening(server: Server, place: number | string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (typeof place === 'string') server.listen(place, resolve)
    else server.listen(place, '127.0.0.1', resolve)
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await listening(server, 0)
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
