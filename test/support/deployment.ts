/**
 * A small deployment in a temporary folder, made by the commands that an operator would type.
 *
 * ```ts
 * const cloud = await makeDeployment()                  // init, three entities, credentials, crls.pem
 * const node = cloud.credential('compute-07/tls')       // its files, and load() for the library
 * const { json } = await cloud.signet('entity show compute-07 --json')
 * const refused = await cloud.run(['verify', 'a b.p7s', '--trust', cloud.trustFile])
 * refused.code      // 4
 * refused.errorCode // 'ERR_CMS_SIGNATURE'
 * ```
 *
 * Call it at the top of a test file, outside of hooks, once: each opening of the authority's key takes 0.2 s. The
 * commands run in this process, through `main()`. The clock is that of the wall unless another is given, because the
 * programs of others have no other.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { Authority, HOME_FILES } from '../../src/authority/index.js'
import type { CliEnvironment } from '../../src/cli/environment.js'
import { main } from '../../src/cli/main.js'
import { loadCredential, type LoadedCredential } from '../../src/credential/index.js'
import { type KeyAlgorithmName, type KeyProvider, Passphrase } from '../../src/crypto/index.js'
import type { Clock } from '../../src/time/index.js'
import { type Certificate, type Crl, parseCertificates, parseCrls } from '../../src/x509/index.js'
import type { EntityKind } from '../../src/identity/index.js'
import { ensurePlaces } from './places.js'
import { temporaryFolder } from './temporary.js'

/** Words after `signet`: a list, or a text that is split at its spaces. */
export type Words = string | readonly string[]

export interface CliOptions {
  /** What the command reads from standard input. Default: nothing. */
  /** As it comes: whole, or in pieces. */
  readonly stdin?: string | Uint8Array | readonly string[]
  /** Environment variables beside those of the deployment; `undefined` takes one away. */
  readonly variables?: Readonly<Record<string, string | undefined>>
  /** Folder that relative paths start from. */
  readonly directory?: string
  readonly clock?: Clock
}

/** How a command ended. */
export interface CliResult {
  /** The exit code. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** What was printed with `--json`; empty without it. */
  readonly json: Readonly<Record<string, unknown>>
  /** `ERR_…` of a refusal. */
  readonly errorCode: string | undefined
}

/** The wall clock, for what strangers' programs shall believe. */
export const WALL_CLOCK: Clock = { now: () => new Date() }

/** Run one command line in this process. */
export async function runCli(words: Words, options: CliOptions = {}): Promise<CliResult> {
  const list = typeof words === 'string' ? words.split(' ').filter((word) => word !== '') : words
  const [stdout, stderr] = [collector(), collector()]
  const { stdin: input = '' } = options
  const pieces = typeof input === 'string' || input instanceof Uint8Array ? [input] : input
  const stdin = Readable.from(pieces.map((piece) => Buffer.from(piece)))
  const environment: CliEnvironment = {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    variables: options.variables ?? {},
    directory: options.directory ?? process.cwd(),
    clock: options.clock ?? WALL_CLOCK,
  }
  const code = await main(list, environment)
  const [out, error] = [stdout.text(), stderr.text()]
  return {
    code,
    stdout: out,
    stderr: error,
    json: list.includes('--json') ? (JSON.parse(out) as Record<string, unknown>) : {},
    errorCode: /\[(ERR_[A-Z0-9_]+)\]$/m.exec(error)?.[1],
  }
}

function collector(): { readonly stream: PassThrough; readonly text: () => string } {
  const pieces: Buffer[] = []
  const stream = new PassThrough()
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  return { stream, text: () => Buffer.concat(pieces).toString('utf8') }
}

/** Somebody to register. */
export interface EntityOptions {
  readonly id: string
  /** Default `node`. */
  readonly kind?: EntityKind
  /** Default: the id without its number. */
  readonly service?: string
  readonly scope?: string
  readonly roles?: readonly string[]
  /** Default: the id below the trust domain. */
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
}

/** Who exists unless a test says otherwise. */
export const ENTITIES: readonly EntityOptions[] = [
  { id: 'compute-07', scope: 'region-one/nova', roles: ['compute_node'] },
  { id: 'conductor-01', scope: 'region-one/nova', roles: ['conductor'] },
  { id: 'broker-01', scope: 'region-one', roles: ['broker'], ip: ['127.0.0.1', '::1'] },
]

export interface DeploymentOptions {
  /** Default `cloud.example`. */
  readonly trustDomain?: string
  /** Keys of the CAs. Default P-256. */
  readonly algorithm?: KeyAlgorithmName
  /** Default {@link ENTITIES}. */
  readonly entities?: readonly EntityOptions[]
  /** Default `'all'`: a TLS and a signing credential for each entity, in `credentials/ID/tls` and `…/signer`. */
  readonly issue?: 'all' | 'none'
  /** Default {@link WALL_CLOCK}. */
  readonly clock?: Clock
}

export interface IssueOptions {
  /** Default: a TLS credential in `tls` and a signing credential in `signer`. */
  readonly profile?: string
  readonly keyAlgorithm?: KeyAlgorithmName
  /** File of a certification request. */
  readonly csr?: string
  readonly validity?: string
}

/** Make a deployment: `signet init`, `entity add`, `issue --all`, `crl publish`. */
export async function makeDeployment(options: DeploymentOptions = {}): Promise<TestDeployment> {
  const deployment = new TestDeployment(temporaryFolder(), options)
  deployment.write('passphrase', 'correct horse battery staple\n', 0o600)
  await deployment.signet([
    'init',
    ...['--domain', deployment.trustDomain],
    ...['--algorithm', options.algorithm ?? 'p256'],
    ...['--root-out', deployment.rootDirectory],
  ])
  for (const entity of options.entities ?? ENTITIES) await deployment.add(entity)
  if (options.issue !== 'none') await deployment.signet('issue --all --out credentials')
  await deployment.publishCrls()
  return deployment
}

export class TestDeployment {
  /** Everything is in here; relative paths of commands start from it. */
  readonly folder: string
  /** The authority. */
  readonly home: string
  /** The offline bundle of the root. */
  readonly rootDirectory: string
  readonly passphraseFile: string
  readonly trustDomain: string
  /** The trust anchor. */
  readonly rootFile: string
  readonly issuingFile: string
  /** CRLs of the issuing CA and of the root, as {@link publishCrls} wrote them last. */
  readonly crlsFile: string
  /** The trust directory; there after {@link publishTrust}. */
  readonly trustFile: string
  readonly clock: Clock

  constructor(folder: string, options: DeploymentOptions = {}) {
    this.folder = folder
    this.home = join(folder, 'home')
    this.rootDirectory = join(folder, 'root-offline')
    this.passphraseFile = join(folder, 'passphrase')
    this.trustDomain = options.trustDomain ?? 'cloud.example'
    this.rootFile = join(this.home, HOME_FILES.root)
    this.issuingFile = join(this.home, HOME_FILES.issuing)
    this.crlsFile = join(folder, 'crls.pem')
    this.trustFile = join(folder, 'trust.p7')
    this.clock = options.clock ?? WALL_CLOCK
  }

  get root(): Certificate {
    return only(parseCertificates(readFileSync(this.rootFile)))
  }

  get issuing(): Certificate {
    return only(parseCertificates(readFileSync(this.issuingFile)))
  }

  /** What {@link crlsFile} holds now. */
  get crls(): readonly Crl[] {
    return parseCrls(readFileSync(this.crlsFile))
  }

  /** What receivers pin. */
  get pin(): string {
    return this.root.fingerprint
  }

  /** A path in the folder. */
  path(...names: readonly string[]): string {
    return resolve(this.folder, ...names)
  }

  /** Write a file in the folder. @returns Its path. */
  write(name: string, content: string | Uint8Array, mode = 0o644): string {
    const path = this.path(name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content, { mode })
    return path
  }

  /** Read a file in the folder. */
  read(name: string): Buffer {
    return readFileSync(this.path(name))
  }

  /** Run a command, however it ends. */
  async run(words: Words, options: CliOptions = {}): Promise<CliResult> {
    return runCli(words, {
      clock: this.clock,
      directory: this.folder,
      ...options,
      variables: {
        HOME: this.folder,
        SIGNET_HOME: this.home,
        SIGNET_PASSPHRASE_FILE: this.passphraseFile,
        ...options.variables,
      },
    })
  }

  /** Run a command that must succeed. */
  async signet(words: Words, options: CliOptions = {}): Promise<CliResult> {
    const result = await this.run(words, options)
    if (result.code === 0) return result
    const line = typeof words === 'string' ? words : words.join(' ')
    throw new Error(`signet ${line} ended with ${result.code}: ${result.stderr}`)
  }

  /** Register an entity. */
  async add(entity: EntityOptions): Promise<void> {
    const { id, scope, roles = [], ip = [], kind = 'node' } = entity
    const service = entity.service ?? id.replace(/-[0-9]+$/, '')
    await this.withStore((authority) => ensurePlaces(authority, entity, this.clock.now()))
    const dns = entity.dns ?? [`${id}.${this.trustDomain}`]
    const repeated = (flag: string, values: readonly string[]): string[] => values.flatMap((value) => [flag, value])
    await this.signet([
      ...['entity', 'add', id, '--kind', kind, '--service', service],
      ...(scope === undefined ? [] : ['--scope', scope]),
      ...repeated('--role', roles),
      ...repeated('--dns', dns),
      ...repeated('--ip', ip),
    ])
  }

  /** Issue to an entity, into `credentials/NAME`. With a profile or a request, that is the credential itself. */
  async issue(entity: string, name: string, options: IssueOptions = {}): Promise<CredentialFiles> {
    const { profile, keyAlgorithm, csr, validity } = options
    await this.signet([
      ...['issue', entity, '--out', join('credentials', name)],
      ...(profile === undefined ? [] : ['--profile', profile]),
      ...(keyAlgorithm === undefined ? [] : ['--key-algorithm', keyAlgorithm]),
      ...(csr === undefined ? [] : ['--csr', csr]),
      ...(validity === undefined ? [] : ['--validity', validity]),
    ])
    return this.credential(name)
  }

  /** The files of a credential in `credentials`: `compute-07/tls`. */
  credential(name: string): CredentialFiles {
    return credentialFiles(this.path('credentials', name))
  }

  /** Publish CRLs into {@link crlsFile}. */
  async publishCrls(): Promise<string> {
    await this.signet(['crl', 'publish', '--out', this.crlsFile])
    return this.crlsFile
  }

  /** Publish the trust directory into {@link trustFile}. */
  async publishTrust(): Promise<string> {
    await this.signet(['trust', 'publish', '--out', this.trustFile])
    return this.trustFile
  }

  /** Use the authority through the library, without its keys. */
  async withStore(work: (authority: Authority) => Promise<void>): Promise<void> {
    const authority = await Authority.open(this.home, this.clock)
    try {
      await work(authority)
    } finally {
      await authority.close()
    }
  }

  /** Use the authority through the library, with the key of the issuing CA. */
  async withAuthority<T>(work: (authority: Authority, issuingKey: KeyProvider) => Promise<T>): Promise<T> {
    const authority = await Authority.open(this.home, this.clock)
    try {
      return await work(authority, await authority.issuingKey(new Passphrase(readFileSync(this.passphraseFile))))
    } finally {
      await authority.close()
    }
  }
}

/** Paths of a credential's current version. */
export interface CredentialFiles {
  /** What `--as` and `--out` name. */
  readonly directory: string
  readonly key: string
  readonly certificate: string
  readonly chain: string
  readonly fullchain: string
  readonly caBundle: string
  readonly crls: string
  readonly identity: string
  /** Key and certificates for the library. */
  load(): LoadedCredential
}

export function credentialFiles(directory: string): CredentialFiles {
  const current = join(directory, 'current')
  return {
    directory,
    key: join(current, 'key.pem'),
    certificate: join(current, 'cert.pem'),
    chain: join(current, 'chain.pem'),
    fullchain: join(current, 'fullchain.pem'),
    caBundle: join(current, 'ca-bundle.pem'),
    crls: join(current, 'crls.pem'),
    identity: join(current, 'identity.json'),
    load: () => loadCredential(directory),
  }
}

function only<T>(items: readonly T[]): T {
  const [item, ...others] = items
  if (item === undefined || others.length > 0) throw new Error(`expected one, found ${items.length}`)
  return item
}
