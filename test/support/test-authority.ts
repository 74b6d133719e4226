/** Authorities for tests. Making one takes a second (its keys are encrypted), so a file makes one and copies it. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import {
  Authority,
  bootstrap,
  type Bootstrapped,
  type BootstrapRequest,
  currentCrls,
  DEFAULT_ADDRESS_RANGES,
  type IssuingAuthority,
  registerEntity,
} from '../../src/authority/index.js'
import {
  decodePrivateKey,
  encodePrivateKey,
  type KeyProvider,
  MemoryKeyProvider,
  Passphrase,
} from '../../src/crypto/index.js'
import type { EntityRequest } from '../../src/identity/index.js'
import type { EntityRecord } from '../../src/store/index.js'
import { type Clock } from '../../src/time/index.js'
import { NOW } from './certificates.js'
import { ensurePlaces } from './places.js'
import { temporaryFolder } from './temporary.js'

export const TRUST_DOMAIN = 'cloud.example'
export const PASSPHRASE_TEXT = 'correct horse battery staple'
export const PASSPHRASE = new Passphrase(Buffer.from(PASSPHRASE_TEXT))

/** A clock that stands still until it is set. */
export class TestClock implements Clock {
  #instant: Date

  constructor(instant: Date = NOW) {
    this.#instant = instant
  }

  now(): Date {
    return this.#instant
  }

  set(instant: Date): void {
    this.#instant = instant
  }
}

export function bootstrapRequest(home: string, changes: Partial<BootstrapRequest> = {}): BootstrapRequest {
  return {
    home,
    rootDirectory: join(home, 'root-offline'),
    trustDomain: TRUST_DOMAIN,
    domains: [],
    addressRanges: DEFAULT_ADDRESS_RANGES,
    algorithm: 'p256',
    passphrase: PASSPHRASE,
    ...changes,
  }
}

/** An authority of a test, open, with its keys in memory. */
export interface TestAuthority {
  readonly home: string
  readonly authority: Authority
  readonly clock: TestClock
  readonly key: KeyProvider
  readonly publisherKey: KeyProvider
  /** What issuing takes, at the time of the clock, with current CRLs. */
  readonly issuing: (changes?: Partial<IssuingAuthority>) => Promise<IssuingAuthority>
  readonly register: (id: string, changes?: Partial<EntityRequest>) => Promise<EntityRecord>
}

export interface Template {
  readonly home: string
  readonly made: Bootstrapped
  readonly keys: { readonly key: MemoryKeyProvider; readonly publisherKey: MemoryKeyProvider; readonly keyPem: string }
  /** A home of its own, with what the template has in it. */
  copyHome(): string
  /** The same, open. Closed when the tests of the file are done. */
  open(): Promise<TestAuthority>
}

/** Make the authority that the tests of a file copy. */
export async function makeTemplate(changes: Partial<BootstrapRequest> = {}): Promise<Template> {
  const folder = temporaryFolder()
  const home = join(folder, 'home')
  const made = await bootstrap(bootstrapRequest(home, changes), new TestClock())
  const pem = (name: string): string => readFileSync(join(home, name), 'utf8')
  const opened = decodePrivateKey(pem('issuing-ca.key.pem'), PASSPHRASE)
  const keys = {
    key: new MemoryKeyProvider(opened),
    publisherKey: new MemoryKeyProvider(decodePrivateKey(pem('trust-publisher.key.pem'), PASSPHRASE)),
    keyPem: encodePrivateKey(opened),
  }
  let copies = 0
  const copyHome = (): string => {
    const copy = join(folder, `copy-${copies++}`)
    cpSync(home, copy, { recursive: true })
    return copy
  }
  const open: Authority[] = []
  afterAll(async () => {
    for (const authority of open) await authority.close()
  })
  return {
    home,
    made,
    keys,
    copyHome,
    open: async () => {
      const opening = await openHome(copyHome(), keys)
      open.push(opening.authority)
      return opening
    },
  }
}

/** Open a home whose keys are known. */
export async function openHome(
  home: string,
  keys: Pick<TestAuthority, 'key' | 'publisherKey'>,
  clock: TestClock = new TestClock(),
): Promise<TestAuthority> {
  const authority = await Authority.open(home, clock)
  const { key, publisherKey } = keys
  return {
    home,
    authority,
    clock,
    key,
    publisherKey,
    issuing: async (changes = {}) => {
      const at = changes.at ?? clock.now()
      return { authority, key, at, crls: changes.crls ?? (await currentCrls(authority, key, at)), ...changes }
    },
    register: async (id, changes = {}) => {
      await ensurePlaces(authority, changes, clock.now())
      const dnsNames = [`${id}.${TRUST_DOMAIN}`]
      return registerEntity(authority, { id, kind: 'node', service: 'compute', dnsNames, ...changes }, clock.now())
    },
  }
}

/** Write the passphrase where the command line can read it. */
export function passphraseFile(folder: string): string {
  const path = join(folder, 'passphrase')
  writeFileSync(path, `${PASSPHRASE_TEXT}\n`, { mode: 0o600 })
  return path
}
