/**
 * A small PKI for handshakes, with credential directories that tests change as they like.
 *
 * OpenSSL has no clock but that of the wall, so whatever shall be valid is valid from before these tests were written to
 * long after anybody runs them; what shall not be, never is. Ours is a {@link TestClock}.
 *
 * ```ts
 * const pki = await makeTlsPki()
 * const directory = pki.deliver(pki.leaf('api-01', { purposes: [OID.kpServerAuth] }))
 * await pki.revoke(node, directory)            // a CRL that lists it, in that directory
 * ```
 */
import { hash } from 'node:crypto'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OID } from '../../src/asn1/index.js'
import { encodePrivateKey } from '../../src/crypto/index.js'
import {
  defaultMappingText,
  entitiesOfDocument,
  type EntityLookup,
  type Mapping,
  parseMapping,
  parseRegistryDocument,
} from '../../src/identity/index.js'
import type { IdentitySource } from '../../src/tls/index.js'
import type { Crl } from '../../src/x509/index.js'
import {
  type CertificateOptions,
  commonName,
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOW,
  privateKeyFor,
  revoked,
} from './certificates.js'
import { temporaryFolder } from './temporary.js'

export const EVER = { notBefore: new Date('2026-11-01T00:00:00Z'), notAfter: new Date('2120-01-01T00:00:00Z') }
export const LONG_PAST = { notBefore: new Date('2026-11-01T00:00:00Z'), notAfter: new Date('2026-11-02T00:00:00Z') }
export const DOMAIN = 'cloud.example'

export const REGISTRY = `
version: 1
roles:
  compute_node:
  operator: [reader]
  reader:
entities:
  api-01: { kind: service, service: api, roles: [] }
  compute-07: { kind: node, service: compute, roles: [compute_node] }
  compute-08: { kind: node, service: compute, roles: [compute_node] }
  operator-01: { kind: operator, service: operator, roles: [operator] }
  retired-01: { kind: node, service: compute, state: retired }
`

const SERVICES: Readonly<Record<string, string>> = { api: 'api', compute: 'compute', operator: 'operator' }

export interface TlsPki {
  readonly root: Holder
  readonly issuing: Holder
  readonly identify: IdentitySource
  readonly mapping: Mapping
  readonly mappingText: string
  readonly entities: EntityLookup
  /** A certificate for both ends of an entity. */
  leaf(entity: string, changes?: CertificateOptions): Leaf
  /** A new credential directory with it. */
  deliver(leaf: Leaf, changes?: Partial<Files>): string
  /** A whole new version in a directory that is there. */
  redeliver(directory: string, leaf: Leaf, changes?: Partial<Files>): void
  /** CRLs of both CAs. */
  crls(listed?: readonly Leaf[], changes?: CrlChanges): Promise<readonly Crl[]>
}

export interface CrlChanges {
  readonly nextUpdate?: Date
  readonly crlNumber?: number
}

export interface Leaf extends Holder {
  readonly entity: string
}

/** What lies in a version; each may be made wrong. */
export interface Files {
  readonly key: string
  readonly fullchain: string
  readonly caBundle: string
  readonly crls: string
}

export async function makeTlsPki(owner = 'TLS'): Promise<TlsPki> {
  const folder = temporaryFolder()
  const ca = { ...EVER, ca: true }
  const names = { root: commonName('TLS Root'), issuing: commonName('TLS Issuing') }
  const root = makeCertificate({ ...ca, subject: names.root, key: keyFor(`${owner} root`), pathLength: 1 })
  const issuing = makeCertificate({
    ...ca,
    subject: names.issuing,
    key: keyFor(`${owner} ca`),
    issuer: root,
    pathLength: 0,
  })
  const crls: TlsPki['crls'] = async (listed = [], changes = {}) => {
    const dates = { thisUpdate: EVER.notBefore, nextUpdate: EVER.notAfter, ...changes }
    const entries = listed.map(({ certificate }) => revoked(certificate.serialNumber, 'keyCompromise'))
    return [
      await makeCrl({ issuer: issuing, revoked: entries, ...dates }),
      await makeCrl({ issuer: root, ...dates, nextUpdate: EVER.notAfter }),
    ]
  }
  const current = pems(await crls())
  const issuerKey = hash('sha256', issuing.certificate.spkiDer, 'hex')
  const mappingText = defaultMappingText(DOMAIN, issuerKey)
  const mapping = parseMapping(mappingText)
  const entities = entitiesOfDocument(parseRegistryDocument(REGISTRY), DOMAIN, NOW)
  let count = 0
  const files = ({ certificate, key }: Leaf, changes: Partial<Files>): Files => ({
    key: encodePrivateKey(ownerKeys.get(key) ?? privateKeyFor('nobody')),
    fullchain: certificate.toPem() + issuing.certificate.toPem(),
    caBundle: issuing.certificate.toPem() + root.certificate.toPem(),
    crls: current,
    ...changes,
  })
  const ownerKeys = new Map<unknown, ReturnType<typeof privateKeyFor>>()
  const redeliver: TlsPki['redeliver'] = (directory, leaf, changes = {}) => {
    const { key, fullchain, caBundle, crls: list } = files(leaf, changes)
    const version = join('versions', `v${count++}`)
    mkdirSync(join(directory, version), { recursive: true, mode: 0o700 })
    const write = (name: string, text: string, mode = 0o644): void => {
      writeFileSync(join(directory, version, name), text, { mode })
    }
    write('key.pem', key, 0o600)
    write('fullchain.pem', fullchain)
    write('ca-bundle.pem', caBundle)
    write('crls.pem', list)
    write('identity.json', JSON.stringify({ uri: `spiffe://${DOMAIN}/x/${leaf.entity}` }))
    symlinkSync(version, join(directory, '.next'))
    renameSync(join(directory, '.next'), join(directory, 'current'))
  }
  return {
    root,
    issuing,
    mapping,
    mappingText,
    entities,
    identify: { mapping, entities },
    leaf: (entity, changes = {}) => {
      const service = SERVICES[entity.replace(/-\d+$/, '')] ?? 'compute'
      const name = `${owner} ${entity} ${count++}`
      const key = changes.key ?? keyFor(name)
      if (changes.key === undefined) ownerKeys.set(key, privateKeyFor(name))
      const made = makeCertificate({
        ...EVER,
        subject: entity,
        issuer: issuing,
        purposes: [OID.kpServerAuth, OID.kpClientAuth],
        names: [
          { kind: 'dns', value: `${entity}.${DOMAIN}` },
          { kind: 'dns', value: 'localhost' },
          { kind: 'uri', value: `spiffe://${DOMAIN}/${service}/${entity}` },
        ],
        ...changes,
        key,
      })
      return { ...made, entity }
    },
    deliver: (leaf, changes = {}) => {
      const directory = join(folder, `credential-${count++}`)
      mkdirSync(directory, { mode: 0o700 })
      redeliver(directory, leaf, changes)
      return directory
    },
    redeliver,
    crls,
  }
}

export function pems(items: readonly { toPem(): string }[]): string {
  return items.map((item) => item.toPem()).join('')
}
