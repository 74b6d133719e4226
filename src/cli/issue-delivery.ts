/** What `signet issue` makes of an entity: which certificates, and where they go. @module cli/issue-delivery (floor 8) */
import { join } from 'node:path'
import {
  type IssuedCertificate,
  type IssueRequest,
  type IssuingAuthority,
  type KeySource,
  type Profile,
  profileNamed,
  PROFILES,
} from '../authority/index.js'
import {
  deliverCredentials,
  type Delivery,
  groupId,
  type Readers,
  readersOf,
  refuseForeign,
  refuseOfAnother,
} from '../credential/index.js'
import { keyAlgorithmNamed } from '../crypto/index.js'
import { parseDuration } from '../time/index.js'
import { parseCertificationRequest } from '../x509/index.js'
import type { Invocation } from './invocation.js'
import type { PassphraseOptions } from './passphrase.js'
import { instant } from './table.js'

export interface IssueOptions extends PassphraseOptions {
  readonly profile?: string
  readonly csr?: string
  readonly out?: string
  readonly validity?: string
  readonly keyAlgorithm: string
  readonly group?: string
  readonly all?: boolean
}

/** A certificate to make and the folder that it goes to. */
export interface Order {
  readonly request: IssueRequest
  readonly directory: string
  /** Default: those of the version that is there. */
  readonly readers?: Readers
}

export async function keySourceOf(cli: Invocation, given: IssueOptions): Promise<KeySource> {
  if (given.csr === undefined) return { kind: 'generate', algorithm: keyAlgorithmNamed(given.keyAlgorithm).name }
  return { kind: 'request', request: parseCertificationRequest(await cli.readDocument(given.csr)) }
}

export function ordersFor(cli: Invocation, entity: string, given: IssueOptions, key: KeySource): readonly Order[] {
  const directory = given.all === true ? join(cli.path(given.out ?? '.'), entity) : cli.path(given.out ?? entity)
  const readers = given.group === undefined ? {} : { readers: { gid: groupId(given.group) } }
  const order = (profile: Profile, folder: string): Order => ({
    directory: folder,
    ...readers,
    request: {
      entity,
      profile,
      key,
      ...(given.validity === undefined ? {} : { validitySeconds: parseDuration(given.validity) }),
    },
  })
  if (given.profile !== undefined) return [order(profileNamed(given.profile), directory)]
  if (key.kind === 'request') return [order(PROFILES.peer, directory)]
  return [order(PROFILES.peer, join(directory, 'tls')), order(PROFILES.signer, join(directory, 'signer'))]
}

/** Before anything is issued: a folder that holds something else, or is another entity's. */
export function refuseUnfit({ directory, request: { entity } }: Order): void {
  refuseForeign(directory)
  refuseOfAnother(directory, entity)
}

/** A certificate that was issued, and where it is. */
export interface Delivered {
  readonly entity: string
  readonly profile: string
  readonly serialNumber: string
  readonly keyIdentifier: string
  readonly fingerprint: string
  readonly uri: string
  readonly notBefore: string
  readonly notAfter: string
  readonly shortened: boolean
  /** The credential directory; the certificate is in its `current`. */
  readonly directory: string
}

export const HEADINGS = ['entity', 'profile', 'serial number', 'until', 'in']

export function rowOf({ entity, profile, serialNumber, notAfter, directory }: Delivered): readonly string[] {
  return [entity, profile, serialNumber, instant(notAfter), directory]
}

/** Write certificates that are recorded into their folders, and say which are not there when one cannot be. */
export async function deliver(
  cli: Invocation,
  { authority, crls, at }: IssuingAuthority,
  orders: readonly Pick<Order, 'directory' | 'readers'>[],
  issued: readonly IssuedCertificate[],
): Promise<readonly Delivered[]> {
  const { issuing, authorities, root } = authority
  const common = { chain: [issuing], furtherCas: authorities.slice(1), anchor: root, crls }
  const delivered: Delivered[] = []
  try {
    const deliveries = issued.map(({ certificate, identity, profile, key }, index): Delivery => {
      const { directory, readers = readersOf(directory) } = orders[index] as Pick<Order, 'directory' | 'readers'>
      const purpose = profile.purposes[0] ?? ('allow-any' as const)
      const credential = { ...common, certificate, identity, profile: profile.name, purpose }
      return { directory, readers, credential: key === undefined ? credential : { ...credential, privateKey: key } }
    })
    for await (const { directory } of deliverCredentials(deliveries, at)) {
      delivered.push(deliveredAs(issued[delivered.length] as IssuedCertificate, directory))
    }
    return delivered
  } catch (error) {
    for (const { certificate: missing } of issued.slice(delivered.length)) {
      const { serialNumber } = missing
      cli.note(
        `the certificate ${serialNumber} is recorded and could not be delivered: signet revoke --serial ${serialNumber}`,
      )
    }
    throw error
  }
}

function deliveredAs({ certificate, identity, profile, shortened }: IssuedCertificate, directory: string): Delivered {
  return {
    entity: identity.entity,
    profile: profile.name,
    serialNumber: certificate.serialNumber,
    keyIdentifier: certificate.keyIdentifier,
    fingerprint: certificate.fingerprint,
    uri: identity.uri,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    shortened,
    directory,
  }
}
