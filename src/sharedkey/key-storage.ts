/**
 * Where a key server keeps its keys: in memory, or in a file of one process.
 *
 * Keys are there only sealed under the master key, which is kept elsewhere.
 *
 * @module sharedkey/key-storage (floor 7.1)
 */
import { existsSync } from 'node:fs'
import { SecretKey } from '../crypto/index.js'
import { isSignetError, StoreError } from '../errors/index.js'
import { decodeUtf8, readSecretFile, SECRET_MODE, writeFileAtomic } from '../files/index.js'
import { parseFields, requireFields, textField } from './fields.js'
import { formatTimestamp, isName, parseTimestamp } from './names.js'
import { deriveKeys, decrypt, encrypt, KEY_OCTETS, keyFromBase64, macOf, malformed, requireMac } from './primitives.js'

/** One generation of a name's key. */
export interface StoredKey {
  readonly name: string
  readonly generation: number
  /** The key, encrypted and with a MAC; absent once it was deleted, so that its generation is never given again. */
  readonly sealed?: SealedKey
  /** Of the key of a group. */
  readonly expiration?: string
}

export interface SealedKey {
  readonly key: string
  readonly mac: string
}

export interface StoredKeys {
  readonly keys: readonly StoredKey[]
  readonly groups: readonly string[]
}

export interface KeyStorage {
  load(): StoredKeys
  save(keys: StoredKeys): void
}

export const NO_KEYS: StoredKeys = { keys: [], groups: [] }

/** Keys that end with the process. */
export function createKeyMemory(): KeyStorage {
  let kept = NO_KEYS
  return { load: () => kept, save: (keys) => void (kept = keys) }
}

/**
 * Keys in a JSON file that only its owner can read. Where nothing is, there are no keys yet.
 *
 * @throws {@link StoreError} `ERR_SHAREDKEY_STORE` for a file that is there but cannot be used
 */
export function openKeyStorage(path: string): KeyStorage {
  return {
    load: () => guarded(path, () => (existsSync(path) ? parseStoredKeys(readText(path)) : NO_KEYS)),
    save: (keys) =>
      guarded(path, () => {
        writeFileAtomic(path, `${JSON.stringify(keys)}\n`, { mode: SECRET_MODE, existing: 'replace' })
      }),
  }
}

/**
 * Read the master key of a key server: 16 octets in base64, in a file that only its owner can read.
 *
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS` · {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function readMasterKey(path: string): SecretKey {
  return keyFromBase64(decodeUtf8(readSecretFile(path, { maxBytes: 1024 }), path).trim(), 'the master key')
}

/** Seal a key under the master key and its name. */
export function sealKey(master: SecretKey, name: string, key: SecretKey): SealedKey {
  const [encryption, signing] = storageKeys(master, name)
  const sealed = key.use((bytes) => encrypt(encryption, bytes))
  return { key: sealed, mac: macOf(signing, sealed) }
}

/**
 * Open a sealed key.
 *
 * @throws {@link StoreError} `ERR_SHAREDKEY_STORE`
 */
export function unsealKey(master: SecretKey, name: string, { key, mac }: SealedKey): SecretKey {
  try {
    const [encryption, signing] = storageKeys(master, name)
    requireMac(signing, key, mac, 'the stored key')
    const octets = decrypt(encryption, key)
    if (octets.length !== KEY_OCTETS) throw malformed('the stored key has another length')
    return new SecretKey(octets)
  } catch (cause) {
    throw unusable(`the key of ${name} cannot be opened`, cause)
  }
}

/** For what is stored, the first half encrypts: the reverse of a session. */
function storageKeys(master: SecretKey, name: string): readonly [encryption: SecretKey, signing: SecretKey] {
  const { signing: first, encryption: second } = deriveKeys(master, name)
  return [first, second]
}

function readText(path: string): string {
  return decodeUtf8(readSecretFile(path), path)
}

function parseStoredKeys(text: string): StoredKeys {
  const { keys, groups } = parseFields(text, ['keys', 'groups'], 'the file')
  if (!Array.isArray(keys) || !Array.isArray(groups)) throw malformed('the file has no keys')
  return { keys: keys.map(parseStoredKey), groups: groups.map((group: unknown) => requireText(group)) }
}

function parseStoredKey(value: unknown): StoredKey {
  const what = 'a stored key'
  const fields = requireFields(value, ['name', 'generation', 'sealed?', 'expiration?'], what)
  const { name, generation, sealed, expiration } = fields
  if (typeof generation !== 'number' || !Number.isInteger(generation)) throw malformed(`${what} has no generation`)
  return {
    name: requireText(name),
    generation,
    ...(sealed === undefined ? {} : { sealed: parseSealed(sealed, what) }),
    ...(expiration === undefined
      ? {}
      : { expiration: formatTimestamp(parseTimestamp(textField(fields, 'expiration', what))) }),
  }
}

function requireText(name: unknown): string {
  if (typeof name !== 'string' || !isName(name)) throw malformed('what is stored has no name')
  return name
}

function parseSealed(value: unknown, what: string): SealedKey {
  const fields = requireFields(value, ['key', 'mac'], what)
  return { key: textField(fields, 'key', what), mac: textField(fields, 'mac', what) }
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw unusable(`the keys in ${path} cannot be used`, cause)
  }
}

function unusable(message: string, cause: unknown): unknown {
  if (!isSignetError(cause)) return cause
  return new StoreError('ERR_SHAREDKEY_STORE', `${message}: ${cause.message}`, {
    hint: 'use the master key and the file that belong together; without them every node needs a new key',
    cause,
  })
}
