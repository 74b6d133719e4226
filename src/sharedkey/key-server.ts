/**
 * Kite's key server as a library: keys of names, tickets between two of them, groups and their keys.
 *
 * It holds every key, and so can read and forge whatever is protected by them.
 *
 * @module sharedkey/key-server (floor 7.1)
 */
import { randomBytes } from 'node:crypto'
import { SecretKey } from '../crypto/index.js'
import { DeniedError, StaleError, TrustError } from '../errors/index.js'
import type { ReplayStore } from '../message/index.js'
import { addSeconds, MINUTE } from '../time/index.js'
import { formatTimestamp, isMember, isName, type KeyName, parseKeyName, parseTimestamp, requireName } from './names.js'
import { type KeyStorage, sealKey, type StoredKey, type StoredKeys, unsealKey } from './key-storage.js'
import { encrypt, extractKey, KEY_OCTETS, macOf, malformed, requireMac } from './primitives.js'
import {
  encodeResponseMetadata,
  type Esek,
  type GroupKeyResponse,
  type NamedKey,
  parseRequest,
  type RequestMetadata,
  sealEsek,
  sessionKeys,
  type SignedRequest,
  type TicketResponse,
} from './tickets.js'

/** What a client asks of a key server; over a network, somebody carries requests and answers. */
export interface KeyService {
  issueTicket(request: SignedRequest, at: Date): Promise<unknown>
  issueGroupKey(request: SignedRequest, at: Date): Promise<unknown>
}

export interface KeyServerOptions {
  readonly storage: KeyStorage
  /** Seals the keys in the storage. */
  readonly masterKey: SecretKey
  /** Remembers requests; or does not look at their nonces, as Kite was built. */
  readonly replay: ReplayStore | 'allow-unchecked'
  /** Which source may talk to which destination. Default: any. */
  readonly authorize?: (source: string, destination: string) => boolean
  /** Default {@link DEFAULT_TICKET_SECONDS}. */
  readonly ticketSeconds?: number
  /** How long ago a request may have been made. Default {@link REQUEST_SECONDS}. */
  readonly requestSeconds?: number
  /** How far clocks may differ; or requests from the future are taken, as Kite was built. Default one minute. */
  readonly skewSeconds?: number | 'allow-future'
}

export const DEFAULT_TICKET_SECONDS = 15 * MINUTE
export const REQUEST_SECONDS = 5 * MINUTE
const DEFAULT_SKEW_SECONDS = MINUTE
const GROUP_KEY_SECONDS = 15 * MINUTE
/** With less time left, a group gets its next key. */
const GROUP_KEY_RESERVE_SECONDS = 2 * MINUTE
/** For so long an old key of a group is given out to who received a message under it. */
const GROUP_KEY_GRACE_SECONDS = 10 * MINUTE

export class KeyServer implements KeyService {
  readonly #options: KeyServerOptions
  #stored: StoredKeys

  /** @throws {@link StoreError} `ERR_SHAREDKEY_STORE` */
  constructor(options: KeyServerOptions) {
    this.#options = options
    this.#stored = options.storage.load()
  }

  /**
   * Give a name a key. The same key again is the same generation; another one is the next.
   *
   * Whoever calls this decides who may: the name alone makes somebody a member of a group.
   *
   * @throws {@link UsageError} `ERR_CONFIG_INVALID`
   */
  setKey(name: string, key: SecretKey): KeyName {
    requireName(name)
    if (key.use((bytes) => bytes.length) !== KEY_OCTETS) throw malformed(`the key has not ${KEY_OCTETS} octets`)
    const last = this.#last(name)
    if (last?.sealed !== undefined && same(this.#open(last).key, key)) return { name, generation: last.generation }
    const generation = (last?.generation ?? 0) + 1
    this.#replace(name, [{ name, generation, sealed: sealKey(this.#options.masterKey, name, key) }])
    return { name, generation }
  }

  /** Delete the key of a name: it gets no more tickets. What it has stays good until its tickets end. */
  deleteKey(name: string): void {
    const last = this.#last(name)
    if (last !== undefined) this.#replace(name, [{ name, generation: last.generation }])
  }

  /** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
  createGroup(name: string): void {
    requireName(name)
    if (!this.#stored.groups.includes(name)) this.#save({ groups: [...this.#stored.groups, name] })
  }

  deleteGroup(name: string): void {
    this.#save({ groups: this.#stored.groups.filter((group) => group !== name) })
    this.deleteKey(name)
  }

  /**
   * Issue a ticket for a source to a destination, which is a name or a group.
   *
   * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED` · {@link TrustError} `ERR_SHAREDKEY_UNKNOWN`,
   * `ERR_SHAREDKEY_MAC` · {@link StaleError} `ERR_MESSAGE_EXPIRED`, `ERR_MESSAGE_FROM_FUTURE`, `ERR_MESSAGE_REPLAYED` ·
   * {@link DeniedError} `ERR_SHAREDKEY_DENIED`
   */
  async issueTicket(request: SignedRequest, at: Date): Promise<TicketResponse> {
    const { source, fields } = await this.#authenticate(request, at)
    const { name } = parseDestination(fields.destination)
    if (this.#options.authorize?.(source.name, name) === false) throw denied(source.name, name)
    const group = this.#isGroup(name) ? this.#groupKey(name, at) : undefined
    const destination = group ?? this.#current(name)
    const ticketSeconds = this.#options.ticketSeconds ?? DEFAULT_TICKET_SECONDS
    // A ticket to a group ends with the group's key, which members get no longer than that and a little.
    const ttlSeconds = group === undefined ? ticketSeconds : Math.min(ticketSeconds, secondsUntil(group.expiration, at))
    const esek: Esek = {
      key: extractKey(randomBytes(KEY_OCTETS), source.key),
      timestamp: formatTimestamp(at),
      ttlSeconds,
    }
    const names = [source, destination].map(({ name: text, generation }) => `${text}:${generation}`)
    const keys = sessionKeys(esek, names[0] ?? '', names[1] ?? '')
    const plain = JSON.stringify({
      skey: keys.signing.use((bytes) => bytes.toString('base64')),
      ekey: keys.encryption.use((bytes) => bytes.toString('base64')),
      esek: sealEsek(esek, destination.key),
    })
    const metadata = encodeResponseMetadata({ source, destination, expiration: addSeconds(at, ttlSeconds) })
    const ticket = encrypt(source.key, Buffer.from(plain))
    return { metadata, ticket, signature: macOf(source.key, metadata + ticket) }
  }

  /**
   * Give a member the key of its group: the current one of `group`, that of `group:generation` while it is not long past.
   *
   * @throws as {@link issueTicket}; `ERR_SHAREDKEY_DENIED` for who is no member
   */
  async issueGroupKey(request: SignedRequest, at: Date): Promise<GroupKeyResponse> {
    const { source, fields } = await this.#authenticate(request, at)
    const { name, generation } = parseDestination(fields.destination)
    if (!this.#isGroup(name)) throw unknown(name)
    if (!isMember(source.name, name)) throw denied(source.name, name)
    const group = generation === undefined ? this.#groupKey(name, at) : this.#oldGroupKey(name, generation, at)
    const metadata = encodeResponseMetadata({ source, destination: group, expiration: group.expiration })
    const sealed = group.key.use((bytes) => encrypt(source.key, bytes))
    return { metadata, group_key: sealed, signature: macOf(source.key, metadata + sealed) }
  }

  /** The name that a request is from is used before the MAC; nothing else of it is. */
  async #authenticate(request: SignedRequest, at: Date): Promise<{ source: NamedKey; fields: RequestMetadata }> {
    const { metadata, signature, fields } = parseRequest(request)
    const source = this.#current(fields.source)
    requireMac(source.key, metadata, signature, 'the request')
    const { replay, requestSeconds = REQUEST_SECONDS, skewSeconds = DEFAULT_SKEW_SECONDS } = this.#options
    const skew = skewSeconds === 'allow-future' ? 0 : skewSeconds
    if (skewSeconds !== 'allow-future' && fields.timestamp > addSeconds(at, skew)) {
      throw new StaleError('ERR_MESSAGE_FROM_FUTURE', 'the request was made later than now')
    }
    const until = addSeconds(fields.timestamp, requestSeconds + skew)
    if (!(at <= until)) throw new StaleError('ERR_MESSAGE_EXPIRED', 'the request is too old')
    if (replay !== 'allow-unchecked') {
      const { destination, nonce } = fields
      const fresh = await replay.remember(
        { signer: source.name, destination, messageId: Buffer.from(nonce) },
        until,
        at,
      )
      if ((fresh as unknown) !== true) throw new StaleError('ERR_MESSAGE_REPLAYED', 'the request was made before')
    }
    return { source, fields }
  }

  #isGroup(name: string): boolean {
    return this.#stored.groups.includes(name)
  }

  #last(name: string): StoredKey | undefined {
    return this.#stored.keys.findLast((stored) => stored.name === name)
  }

  #current(name: string): NamedKey {
    const last = this.#last(name)
    if (last?.sealed === undefined || this.#isGroup(name)) throw unknown(name)
    return this.#open(last)
  }

  #open({ name, generation, sealed }: StoredKey): NamedKey {
    if (sealed === undefined) throw unknown(name)
    return { name, generation, key: unsealKey(this.#options.masterKey, name, sealed) }
  }

  #groupKey(name: string, at: Date): NamedKey & { readonly expiration: Date } {
    const last = this.#last(name)
    if (last?.expiration !== undefined) {
      const expiration = parseTimestamp(last.expiration)
      if (at < addSeconds(expiration, -GROUP_KEY_RESERVE_SECONDS)) return { ...this.#open(last), expiration }
    }
    const expiration = addSeconds(at, GROUP_KEY_SECONDS)
    const key = SecretKey.generate(KEY_OCTETS)
    const sealed = sealKey(this.#options.masterKey, name, key)
    const next = { name, generation: (last?.generation ?? 0) + 1, sealed, expiration: formatTimestamp(expiration) }
    this.#replace(name, [...this.#served(name, at), next])
    return { name, generation: next.generation, key, expiration }
  }

  #oldGroupKey(name: string, generation: number, at: Date): NamedKey & { readonly expiration: Date } {
    const found = this.#served(name, at).find((stored) => stored.generation === generation)
    if (found?.expiration === undefined) throw unknown(`${name}:${generation}`)
    return { ...this.#open(found), expiration: parseTimestamp(found.expiration) }
  }

  /** The keys of a group that are given out. */
  #served(name: string, at: Date): readonly StoredKey[] {
    return this.#stored.keys.filter(
      (stored) =>
        stored.name === name &&
        stored.expiration !== undefined &&
        at <= addSeconds(parseTimestamp(stored.expiration), GROUP_KEY_GRACE_SECONDS),
    )
  }

  #replace(name: string, keys: readonly StoredKey[]): void {
    this.#save({ keys: [...this.#stored.keys.filter((stored) => stored.name !== name), ...keys] })
  }

  /** What could not be written did not happen. */
  #save(changes: Partial<StoredKeys>): void {
    const next = { ...this.#stored, ...changes }
    this.#options.storage.save(next)
    this.#stored = next
  }
}

function parseDestination(text: string): { readonly name: string; readonly generation?: number } {
  if (isName(text)) return { name: text }
  return parseKeyName(text)
}

function secondsUntil(end: Date, at: Date): number {
  return Math.floor((end.getTime() - at.getTime()) / 1000)
}

function same(a: SecretKey, b: SecretKey): boolean {
  return a.use((left) => b.use((right) => left.equals(right)))
}

function unknown(name: string): TrustError {
  return new TrustError('ERR_SHAREDKEY_UNKNOWN', `the key server knows no key of ${name}`, { details: { name } })
}

function denied(source: string, destination: string): DeniedError {
  return new DeniedError('ERR_SHAREDKEY_DENIED', `${source} gets no key to ${destination}`, {
    details: { source, destination },
  })
}
