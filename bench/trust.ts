/**
 * The trust directory: loading it, its memory, look-ups from 10 to 100,000 signers, applying a delta; and how long it
 * takes from a quarantine to the refusal at a receiver who watches a cache file, and at one who is fed deltas.
 */
import { hash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  Authority,
  bootstrap,
  currentCrls,
  issueCertificates,
  PROFILES,
  publishTrustDelta,
  publishTrustDirectory,
  registerEntity,
  setEntityState,
} from '../dist/authority/index.js'
import { MemoryKeyProvider, Passphrase } from '../dist/crypto/index.js'
import { signMessage, verifyMessage } from '../dist/message/index.js'
import {
  applyTrustDelta,
  openTrustCache,
  openTrustDelta,
  openTrustDirectory,
  signTrustDelta,
  signTrustDirectory,
  type TrustDirectory,
  watchTrustCache,
} from '../dist/trust/index.js'
import { parseCertificate } from '../dist/x509/index.js'

const SIZES = [10, 1_000, 10_000, 100_000]
const LOOKUPS = 200_000
const ROUNDS = 5

export interface TrustSize {
  readonly signers: number
  readonly bytes: number
  /** Verifying a directory, from its octets. */
  readonly loadMilliseconds: number
  /** SHA-256 of the same octets, which cannot be avoided. */
  readonly hashMilliseconds: number
  /** What it takes besides its octets. */
  readonly bytesPerSigner: number
  readonly lookupNanoseconds: number
  readonly deltaBytes: number
  /** Verifying a delta by which one signer goes, applying it, and verifying what comes of it. */
  readonly deltaMilliseconds: number
}

export interface TrustLatency {
  readonly signers: number
  /** Recording it, signing the next directory and its delta. */
  readonly publishMilliseconds: number
  /** From the quarantine to the refusal, all in all. */
  readonly watchMilliseconds: number
  readonly deltaMilliseconds: number
}

export interface TrustBench {
  readonly sizes: readonly TrustSize[]
  readonly latency: TrustLatency
}

const clock = { now: () => new Date() }

export async function measureTrust(folder: string): Promise<TrustBench> {
  const passphrase = new Passphrase(randomBytes(16))
  const home = join(folder, 'trust-home')
  await bootstrap(
    {
      home,
      rootDirectory: join(folder, 'trust-root'),
      trustDomain: 'cloud.example',
      domains: [],
      addressRanges: ['127.0.0.0/8'],
      algorithm: 'p256',
      passphrase,
    },
    clock,
  )
  const authority = await Authority.open(home, clock)
  const deployment = await deploymentOf(authority, passphrase)
  const sizes: TrustSize[] = []
  for (const size of SIZES) sizes.push(await measureSize(deployment, size))
  return { sizes, latency: await measureLatency(deployment, folder) }
}

type Deployment = Awaited<ReturnType<typeof deploymentOf>>

/** An authority with one signer. */
async function deploymentOf(authority: Authority, passphrase: Passphrase) {
  const at = await authority.now()
  const key = await authority.issuingKey(passphrase)
  const crls = await currentCrls(authority, key, at)
  await registerEntity(authority, { id: 'compute-07', kind: 'node', service: 'compute' }, at)
  const [issued] = await issueCertificates({ authority, key, at, crls }, [
    { entity: 'compute-07', profile: PROFILES.signer, key: { kind: 'generate', algorithm: 'p256' } },
  ])
  if (issued?.privateKey === undefined) throw new Error('no key')
  const publisher = { key: await authority.publisherKey(passphrase), certificate: authority.publisher }
  const signer = { key: new MemoryKeyProvider(issued.privateKey), certificate: issued.certificate }
  return { authority, at, crls, publisher, signer, pin: authority.root.fingerprint }
}

/** A directory of so many, in the form of those that are issued: each has the certificate of one, with a key identifier of its own. */
export async function directoryOf(
  { authority, at, crls, publisher, signer }: Deployment,
  size: number,
  sequence: number,
) {
  const { der, subjectKeyIdentifier } = signer.certificate
  const place = Buffer.from(der).indexOf(subjectKeyIdentifier ?? '')
  const signers = Array.from({ length: size }, (_, index) => {
    const own = Uint8Array.from(der)
    // The same for one number in every directory.
    for (let octet = 0; octet < 20; octet++) own[place + octet] = (index * 2654435761 * (octet + 1)) >>> (octet % 24)
    new DataView(own.buffer).setUint32(place, Math.imul(index + 1, 2654435761) >>> 0)
    const name = `compute-${index}`
    const uri = `spiffe://cloud.example/region-one/nova/compute/${name}`
    const identity = { entity: name, uri, scope: 'region-one/nova', service: 'compute', node: name }
    const held = { roles: ['compute_node'], grants: ['compute_node'], groups: [] }
    return { certificate: parseCertificate(own), identity: { ...identity, ...held } }
  })
  const header = {
    trustDomain: 'cloud.example',
    sequence,
    issuedAt: at,
    nextUpdate: new Date(at.getTime() + 86_400_000),
  }
  const { anchors, issuing } = authority
  const document = { ...header, anchors, authorities: [issuing], crls, signers: signers.slice(sequence - 1) }
  return signTrustDirectory(document, publisher)
}

async function measureSize(deployment: Deployment, size: number): Promise<TrustSize> {
  const request = { pin: deployment.pin, at: deployment.at, memory: 'allow-forgetting' } as const
  const [first, second] = [await directoryOf(deployment, size, 1), await directoryOf(deployment, size, 2)]
  const before = await memory()
  const directory = openTrustDirectory(first, request)
  const bytesPerSigner = ((await memory()) - before) / size
  const next = openTrustDirectory(second, request)
  const delta = await signTrustDelta(directory, next, second, deployment.publisher)
  return {
    signers: directory.size,
    bytes: first.length,
    loadMilliseconds: median(() => openTrustDirectory(first, request)),
    hashMilliseconds: median(() => hash('sha256', first)),
    bytesPerSigner: Math.round(bytesPerSigner),
    lookupNanoseconds: lookups(openTrustDirectory(first, request)),
    deltaBytes: delta.length,
    deltaMilliseconds: median(() => applyTrustDelta(directory, openTrustDelta(delta, request), request)),
  }
}

/** Of signers that are there, ever the same ten, and of as many that are not. */
function lookups(directory: TrustDirectory): number {
  const present = directory.signers
    .filter((_, index) => index % Math.ceil(directory.size / 10) === 0)
    .map(({ keyIdentifier }) => Buffer.from(keyIdentifier, 'hex'))
  const wanted = [...present, ...present.map(() => randomBytes(20))]
  const run = (): void => {
    for (let index = 0; index < LOOKUPS; index++) directory.find(wanted[index % wanted.length] ?? Buffer.of())
  }
  return Math.round((median(run) * 1e6) / LOOKUPS)
}

async function measureLatency(deployment: Deployment, folder: string): Promise<TrustLatency> {
  const { authority, at, crls, publisher, signer, pin } = deployment
  const publish = () => publishTrustDirectory(authority, publisher.key, crls, at)
  const places = ['watching', 'fed'].map((name) => join(folder, name))
  for (const place of places) mkdirSync(place)
  const [watching, fed] = places.map((place) => openTrustCache(join(place, 'trust.p7'), { pin, clock }))
  if (watching === undefined || fed === undefined) throw new Error('no caches')
  const first = await publish()
  for (const cache of [watching, fed]) await cache.update(first.der)
  const content = Buffer.from('{}')
  const message = await signMessage(content, signer, { type: 'a.b', destination: 'here', at, lifetimeSeconds: 3600 })
  /** Until this receiver refuses, from a start. */
  const refusal = async (cache: typeof fed, start: number): Promise<number> => {
    const policy = { destinations: ['here'], senders: 'allow-any-trusted', types: ['a.b'] } as const
    const rest = { maxAgeSeconds: 3600, replay: 'allow-unchecked', at: new Date() } as const
    try {
      await verifyMessage(message.der, content, { trust: cache.directory(), ...policy, ...rest })
    } catch {
      return performance.now() - start
    }
    throw new Error('a quarantined signer was believed')
  }
  let start = 0
  const told = new Promise<number>((resolve, reject) => {
    const watcher = watchTrustCache(watching, {
      changed: () => {
        watcher.close()
        refusal(watching, start).then(resolve, reject)
      },
    })
  })
  start = performance.now()
  await setEntityState(authority, 'compute-07', 'quarantined', at)
  const publication = await publish()
  const delta = await publishTrustDelta(authority, publisher.key, first.directory, publication)
  const publishMilliseconds = performance.now() - start
  await fed.update(delta)
  const byDelta = await refusal(fed, start)
  // Another process, which fetched it.
  await openTrustCache(watching.path, { pin, clock }).update(publication.der)
  // The watcher alone does not keep the process.
  const timer = setInterval(() => undefined, 1000)
  const byWatching = await told
  clearInterval(timer)
  return {
    signers: first.directory.size,
    publishMilliseconds: rounded(publishMilliseconds),
    watchMilliseconds: rounded(byWatching),
    deltaMilliseconds: rounded(byDelta),
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Settled: what is freed late, is freed by the third time. */
async function memory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function median(run: () => unknown): number {
  const samples = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return rounded(samples.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0)
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

export function printTrust({ sizes, latency }: TrustBench): void {
  for (const row of sizes) {
    console.log(
      `trust directory of ${String(row.signers).padStart(6)} (${(row.bytes / 1e6).toFixed(2)} MB): load ${row.loadMilliseconds} ms (SHA-256 alone ${row.hashMilliseconds} ms), ` +
        `${row.bytesPerSigner} bytes a signer besides its octets, look-up ${row.lookupNanoseconds} ns, ` +
        `delta of ${row.deltaBytes} bytes ${row.deltaMilliseconds} ms`,
    )
  }
  console.log(
    `quarantine to refusal: publish ${latency.publishMilliseconds} ms; in all ${latency.deltaMilliseconds} ms fed with the delta, ` +
      `${latency.watchMilliseconds} ms watching a cache that another process updates`,
  )
}
