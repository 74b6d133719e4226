/**
 * Those who try to get in: a key and certificates, as a handshake wants them.
 *
 * @module probe/client (floor 7.3)
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { OID } from '../asn1/index.js'
import { loadCredential } from '../credential/index.js'
import { decodePrivateKey, encodePrivateKey, type Passphrase } from '../crypto/index.js'
import { StoreError } from '../errors/index.js'
import { decodeUtf8, readFileBytes, readSecretFile } from '../files/index.js'
import { type Certificate, type Crl, parseCrls } from '../x509/index.js'

interface KeyPair {
  readonly key: string
  readonly cert: string
}

/** Nothing of its key is printed by inspection or JSON. */
export class ProbeClient {
  readonly certificate: Certificate
  /** What it sends besides, issuer first. */
  readonly chain: readonly Certificate[]
  readonly #key: string

  /** @param keyPem - PKCS #8, not encrypted. */
  constructor(keyPem: string, certificate: Certificate, chain: readonly Certificate[]) {
    this.#key = keyPem
    this.certificate = certificate
    this.chain = chain
  }

  /** For the context of a handshake only. */
  keyPair(): KeyPair {
    return { key: this.#key, cert: [this.certificate, ...this.chain].map((item) => item.toPem()).join('') }
  }

  /** Its common name, as servers know users: the last one. */
  get commonName(): string {
    const attributes = this.certificate.subject.rdns.flat()
    return attributes.findLast(({ type }) => type === OID.commonName)?.text ?? ''
  }

  get uris(): readonly string[] {
    return this.certificate.subjectAltName.flatMap((name) => (name.kind === 'uri' ? [name.value] : []))
  }

  /** Whether a server that asks only for names takes both for one. */
  hasNamesOf(other: ProbeClient): boolean {
    return this.certificate.subject.equals(other.certificate.subject) && this.uris.join('\n') === other.uris.join('\n')
  }
}

/** A client, and whom it believes. */
export interface LoadedProbeClient {
  readonly client: ProbeClient
  /** What its credential directory says to trust: roots and what is below them. */
  readonly caBundle: readonly Certificate[]
  readonly crls: readonly Crl[]
}

/**
 * Load a client from a credential directory.
 *
 * Does not validate anything: certificates that do not hold are what most of these clients are for.
 *
 * @throws as {@link loadCredential}
 */
export function loadProbeClient(directory: string, passphrase?: Passphrase): LoadedProbeClient {
  const { certificate, chain, caBundle } = loadCredential(directory, passphrase)
  const folder = existsSync(join(directory, 'current')) ? join(directory, 'current') : directory
  const text = decodeUtf8(readSecretFile(join(folder, 'key.pem'), { maxBytes: 64 * 1024 }), 'the private key')
  const key = encodePrivateKey(decodePrivateKey(text, passphrase))
  const crls = join(folder, 'crls.pem')
  return {
    client: new ProbeClient(key, certificate, chain),
    caBundle,
    crls: existsSync(crls) ? parseCrls(readFileBytes(crls, { empty: 'allow' })) : [],
  }
}

/** The clients of a probe kit, each in a credential directory of its own. */
export const KIT_FOLDERS = {
  expired: 'expired',
  revoked: 'revoked',
  wrongPurpose: 'wrong-purpose',
  unmapped: 'unmapped',
} as const

export type KitClients = Readonly<Partial<Record<keyof typeof KIT_FOLDERS, ProbeClient>>>

/**
 * Load what there is of a probe kit.
 *
 * @throws {@link StoreError} `ERR_FILE_READ` where there is nothing of one
 * @throws as {@link loadProbeClient}
 */
export function loadProbeKit(directory: string): KitClients {
  const entries = Object.entries(KIT_FOLDERS).flatMap(([name, folder]) => {
    const path = join(directory, folder)
    return existsSync(path) ? [[name, loadProbeClient(path).client] as const] : []
  })
  if (entries.length > 0) return Object.fromEntries(entries)
  throw new StoreError('ERR_FILE_READ', `there is no probe kit in ${directory}`, {
    details: { path: directory },
    hint: 'signet probe kit --out DIRECTORY',
  })
}
