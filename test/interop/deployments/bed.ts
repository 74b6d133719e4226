/**
 * A model of `fixtures/deployments` on this machine: the same document, with the places of this machine in it.
 *
 * ```ts
 * const bed = await makeBed('proxy-loopback', { credentials: { 'proxy.cloud': world.credential } })
 * await bed.start('proxy')
 * await ask(bed.port('proxy'), world.visitors.first)
 * ```
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { type ConfiguredEndpoint, configureDeployment, parseDeployment } from '../../../src/channels/index.js'
import { temporaryFolder } from '../../support/temporary.js'
import { formatYaml, parseYaml } from '../../../src/yaml/index.js'
import { available, type Program } from '../programs.js'
import { freePorts, type Server, startServer } from '../brokers/server.js'

/** The tests of a model, where its programs are: what is set up among them would fail otherwise. */
export function describeModel(name: string, programs: readonly Program[], body: () => Promise<void>): void {
  if (available('openssl', ...programs)) describe(name, body)
  else describe.skip(name, () => it('is not tried', () => undefined))
}

/** What they print when clients may come. */
const READY: Readonly<Record<string, RegExp>> = { nginx: /start worker process/, haproxy: /Loading success/ }

interface Placed {
  listen?: Place | Place[]
  directory?: string
  state?: string
  kind?: string
  credentials?: Record<string, { directory: string; names?: string[] }>
}

interface Place {
  address?: string
  port?: number
  socket?: string
  owner?: string
  group?: string
}

export interface BedOptions {
  /** Credential directories, as `endpoint.domain`. */
  readonly credentials?: Readonly<Record<string, string>>
  /** The name that a server shall have, as `endpoint.domain`. Default: as documented. */
  readonly names?: Readonly<Record<string, string>>
  /** Who the service of a socket is on this machine. */
  readonly owner?: string
}

export interface Bed {
  readonly folder: string
  /** Of an endpoint: the first of its places, or another. */
  port(endpoint: string, index?: number): number
  socket(endpoint: string): string
  configured(endpoint: string): ConfiguredEndpoint
  /** Start the server of an endpoint, with the files that are generated for it. It ends after the tests of the file. */
  start(endpoint: string): Promise<Server>
}

export async function makeBed(model: string, options: BedOptions = {}): Promise<Bed> {
  const { credentials = {}, names = {}, owner = 'nobody' } = options
  const folder = temporaryFolder()
  chmodSync(folder, 0o711)
  const document = parseYaml(readFileSync(`fixtures/deployments/${model}/deployment.yaml`, 'utf8'), model) as never as {
    endpoints: Record<string, Placed>
  }
  for (const [name, endpoint] of Object.entries(document.endpoints)) {
    for (const place of [endpoint.listen ?? []].flat()) {
      if (place.socket === undefined) [place.address, place.port] = ['127.0.0.1', (await freePorts(1))[0] ?? 0]
      else [place.socket, place.owner] = [join(folder, name, 'service.sock'), owner]
    }
    if (endpoint.kind !== undefined) {
      endpoint.directory = join(folder, name)
      endpoint.state = join(folder, name, 'state')
    }
    for (const [domain, credential] of Object.entries(endpoint.credentials ?? {})) {
      credential.directory = credentials[`${name}.${domain}`] ?? credential.directory
      const own = names[`${name}.${domain}`]
      if (own !== undefined) credential.names = [own]
    }
  }
  const deployment = parseDeployment(formatYaml(document as never))
  const all = configureDeployment(deployment)
  const configured = (name: string): ConfiguredEndpoint => {
    const found = all.find(({ endpoint }) => endpoint === name)
    if (found === undefined) throw new Error(`${name} is not configured`)
    return found
  }
  return {
    folder,
    configured,
    port: (name, index = 0) => {
      const place = deployment.endpoints.get(name)?.listen[index]
      if (place === undefined || 'socket' in place) throw new Error(`${name} has no port`)
      return place.port
    },
    socket: (name) => {
      const place = deployment.endpoints.get(name)?.listen[0]
      if (place === undefined || !('socket' in place)) throw new Error(`${name} has no socket`)
      mkdirSync(dirname(place.socket), { recursive: true })
      return place.socket
    },
    start: async (name) => {
      const { kind, configuration, plan } = configured(name)
      mkdirSync(plan.state, { recursive: true })
      if (process.getuid?.() === 0) chownSync(plan.state, accountId('passwd', plan.user), 0)
      for (const { path, content, mode } of configuration.files) {
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, content, { mode })
      }
      const [program = '', ...words] = configuration.start
      return startServer({ program, words, ready: READY[kind] ?? /^/ })
    },
  }
}

export function accountId(database: 'passwd' | 'group', name: string): number {
  return Number(execFileSync('getent', [database, name], { encoding: 'utf8' }).split(':')[2])
}

/** Close it after the tests of the file. */
export function later(close: () => unknown): void {
  afterAll(async () => {
    await close()
  })
}
