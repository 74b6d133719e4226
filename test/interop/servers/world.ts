/**
 * Who knocks at the servers of these tests, and the credential directory of the server.
 *
 * OpenSSL and its like have no clock but that of the wall: see test/support/tls-pki.ts. Subjects are those that the
 * authority issues.
 */
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OID } from '../../../src/asn1/index.js'
import { subjectOf } from '../../../src/brokers/index.js'
import type { Admitted, GeneratedFile } from '../../../src/servers/index.js'
import { buildName } from '../../../src/x509/index.js'
import type { CertificateOptions } from '../../support/certificates.js'
import { temporaryFolder } from '../../support/temporary.js'
import { DOMAIN, type Files, type Leaf, LONG_PAST, makeTlsPki, pems, type TlsPki } from '../../support/tls-pki.js'

/** What a client brings to the handshake; it wants the server's name in its certificate. */
export interface ClientTls {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
  readonly servername: string
}

/** Everybody who knocks. The first three are let in. */
export interface Visitors {
  readonly first: ClientTls
  readonly second: ClientTls
  /** Who is revoked while the server runs. */
  readonly leaver: ClientTls
  readonly nobody: ClientTls
  /** With a certificate of the first's names, from an authority of the same names. */
  readonly foreign: ClientTls
  readonly expired: ClientTls
  /** Revoked before the server was started; a certificate of the first. */
  readonly revoked: ClientTls
  /** With a certificate for servers. */
  readonly wrongPurpose: ClientTls
  /** Registered, active, with a good certificate, and not let in. */
  readonly unmapped: ClientTls
}

const SERVICES = {
  'compute-07': 'compute',
  'compute-08': 'compute',
  'operator-01': 'operator',
  'api-01': 'api',
} as const
type EntityId = keyof typeof SERVICES

export const SERVER_NAME = 'localhost'
/** Whoever the server itself is. */
const SERVER: EntityId = 'api-01'

export interface TrialWorld {
  readonly pki: TlsPki
  /** For the files of the server. Others may go through it, and see nothing. */
  readonly folder: string
  /** The credential directory of the server. */
  readonly credential: string
  /** Those who are let in: the first, the second, the one who leaves. */
  readonly admitted: readonly [first: Admitted, second: Admitted, leaver: Admitted]
  readonly visitors: Visitors
  /** Somebody else with a good certificate of this authority: of this common name. */
  visitor(commonName: string): ClientTls
  /** A folder for what the server writes, which belongs to whoever it runs as. */
  state(user: string): string
  /** Write generated files to where they say, which is in the folder of this world. */
  install(files: readonly GeneratedFile[]): void
  /** A new version in the credential directory; its serial number. */
  deliver(change: Delivery): Promise<string>
}

export interface Delivery {
  /** Whether the server gets a new key and certificate. Default: those that it has. */
  readonly certificate?: 'renewed'
  /** Whether the key fits. */
  readonly pair?: 'broken'
  /** CRLs: who is on them. Default: whoever was so far. */
  readonly crls?: 'leaver-revoked' | 'expired'
}

/** @param group - Of whoever the server runs as, if it reads its key itself. Default: only root reads it. */
export async function makeTrialWorld(group?: string): Promise<TrialWorld> {
  const [pki, foreign] = [await makeTlsPki(), await makeTlsPki('foreign')]
  const folder = temporaryFolder()
  chmodSync(folder, 0o711)
  const leaf = (entity: EntityId, changes: CertificateOptions = {}, from = pki): Leaf =>
    from.leaf(entity, { subject: subjectName(entity), purposes: [OID.kpClientAuth], ...changes })
  const both = { purposes: [OID.kpServerAuth, OID.kpClientAuth] }
  const [revoked, leaver] = [leaf('compute-07'), leaf('operator-01')]
  let [server, listed, crlNumber] = [leaf(SERVER, both), [revoked], 1]
  const crlText = async (expired: boolean): Promise<string> =>
    pems(await pki.crls(listed, { crlNumber: ++crlNumber, ...(expired ? { nextUpdate: LONG_PAST.notAfter } : {}) }))
  const credential = pki.deliver(server, { crls: await crlText(false) })
  complete(credential, group)
  const asClient = (of: Leaf, from = pki): ClientTls => {
    const directory = from.deliver(of)
    const text = (name: string): string => readFileSync(join(directory, 'current', name), 'utf8')
    return {
      ca: pki.root.certificate.toPem(),
      cert: text('fullchain.pem'),
      key: text('key.pem'),
      servername: SERVER_NAME,
    }
  }
  return {
    pki,
    folder,
    credential,
    admitted: [
      admitted('compute-07', ['compute_node']),
      admitted('compute-08', ['compute_node']),
      admitted('operator-01', ['operator', 'reader']),
    ],
    visitors: {
      first: asClient(leaf('compute-07')),
      second: asClient(leaf('compute-08')),
      leaver: asClient(leaver),
      nobody: { ca: pki.root.certificate.toPem(), servername: SERVER_NAME },
      foreign: asClient(leaf('compute-07', {}, foreign), foreign),
      expired: asClient(leaf('compute-07', LONG_PAST)),
      revoked: asClient(revoked),
      wrongPurpose: asClient(leaf('compute-07', { purposes: [OID.kpServerAuth] })),
      unmapped: asClient(leaf('api-01')),
    },
    visitor: (commonName) => {
      const subject = buildName([
        [OID.organizationName, DOMAIN],
        [OID.organizationalUnitName, 'compute'],
        [OID.commonName, commonName],
      ])
      return asClient(leaf('compute-07', { subject }))
    },
    state: (user) => {
      const path = join(folder, 'state')
      mkdirSync(path)
      chownSync(path, accountId('passwd', user), 0)
      return path
    },
    install: (files) => {
      for (const { path, content, mode, group: readers } of files) {
        if (!path.startsWith(`${folder}/`)) throw new Error(`outside of the folder of the test: ${path}`)
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, content, { mode })
        if (process.getuid?.() === 0) chownSync(path, 0, accountId('group', readers))
        chmodSync(path, mode)
      }
    },
    deliver: async ({ certificate, pair, crls }) => {
      if (certificate === 'renewed') server = leaf(SERVER, both)
      if (crls === 'leaver-revoked') listed = [...listed, leaver]
      const files: Partial<Files> = {
        crls: await crlText(crls === 'expired'),
        ...(pair === 'broken'
          ? { key: readFileSync(join(pki.deliver(leaf(SERVER, both)), 'current/key.pem'), 'utf8') }
          : {}),
      }
      pki.redeliver(credential, server, files)
      complete(credential, group)
      return server.certificate.serialNumber
    },
  }
}

function subjectName(entity: EntityId): ReturnType<typeof buildName> {
  const { organization, organizationalUnit, commonName } = subjectOf({ entity, uri: uriOf(entity) })
  return buildName([
    [OID.organizationName, organization],
    [OID.organizationalUnitName, organizationalUnit],
    [OID.commonName, commonName],
  ])
}

function uriOf(entity: EntityId): string {
  return `spiffe://${DOMAIN}/${SERVICES[entity]}/${entity}`
}

function admitted(entity: EntityId, roles: readonly string[]): Admitted {
  const uri = uriOf(entity)
  return { entity, uri, roles, subject: subjectOf({ entity, uri }), dnsNames: [`${entity}.${DOMAIN}`] }
}

/** What a delivery has besides, and who may read it. */
function complete(credential: string, group: string | undefined): void {
  const current = join(credential, 'current')
  const text = (name: string): string => readFileSync(join(current, name), 'utf8')
  writeFileSync(join(current, 'combined.pem'), text('key.pem') + text('fullchain.pem'), { mode: 0o600 })
  mkdirSync(join(current, 'crls'), { mode: 0o755 })
  for (const crl of text('crls.pem').match(/-----BEGIN[^]*?-----END X509 CRL-----\n/g) ?? []) {
    const [hash = ''] = execFileSync('openssl', ['crl', '-hash', '-noout'], { input: crl, encoding: 'utf8' }).split(
      '\n',
    )
    writeFileSync(join(current, 'crls', `${hash}.r0`), crl)
  }
  chmodSync(dirname(credential), 0o711)
  if (group === undefined) return
  const gid = accountId('group', group)
  const versions = join(credential, 'versions')
  for (const path of [credential, versions, ...readdirSync(versions).map((name) => join(versions, name))]) {
    chownSync(path, 0, gid)
    chmodSync(path, 0o750)
  }
  for (const name of ['key.pem', 'combined.pem']) {
    chownSync(join(current, name), 0, gid)
    chmodSync(join(current, name), 0o640)
  }
}

/** Whom a client claims to be, where servers ask: who its certificate is of, or the first of those who are let in. */
export function claimedEntity({ admitted }: TrialWorld): (client: ClientTls) => string {
  return ({ cert }) => {
    const name = cert === undefined ? '' : (/^CN=(.*)$/m.exec(new X509Certificate(cert).subject)?.[1] ?? '')
    return admitted.some(({ entity }) => entity === name) ? name : admitted[0].entity
  }
}

function accountId(database: 'passwd' | 'group', name: string): number {
  return Number(execFileSync('getent', [database, name], { encoding: 'utf8' }).split(':')[2])
}
