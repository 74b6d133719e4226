/** Issuing: in bulk, one by one, many at once, into files; what it takes from memory; beside what cannot be avoided. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, randomBytes, sign, webcrypto } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../dist/store/index.js'
import { Approver } from '../dist/authority/approve.js'
import {
  issueCertificates,
  issueInGroups,
  IssueQueue,
  type IssueRequest,
  type IssuingAuthority,
  PROFILES,
} from '../dist/authority/index.js'
import { deliverCredentials } from '../dist/credential/index.js'
import { encodePrivateKey, GeneratedKey } from '../dist/crypto/index.js'
import { entityFacts } from '../dist/store/index.js'
import { entityRecord, identityOf, RoleGraph } from '../dist/identity/index.js'
import { encodeSigned, generateSerial } from '../dist/x509/index.js'
import type { BenchContext, Rows } from './context.ts'
import { measure, type Row } from './harness.ts'
import { startPeers } from './peers.ts'

const ENTITIES = 5000
const BULK = 10_000
const TOGETHER = 64

type Bench = (name: string) => Promise<Row>

const NAMES = ['bulk', 'key and certificate alone', 'one by one', '64 at once', 'into credential directories'] as const

/** All of one deployment, which gets its entities when the first row is measured. */
const made = new WeakMap<BenchContext, Promise<Record<(typeof NAMES)[number], Bench>>>()

export const ISSUANCE_ROWS: Rows = Object.fromEntries(
  NAMES.map((row) => [
    `issuance, ${row}`,
    async (context: BenchContext, name: string) => {
      const found = made.get(context) ?? context.deployment().then(({ issuing }) => benches(context, issuing))
      made.set(context, found)
      return (await found)[row](name)
    },
  ]),
)

async function benches(
  { folder, peers }: BenchContext,
  issuing: IssuingAuthority,
): Promise<Record<(typeof NAMES)[number], Bench>> {
  const { authority, key, at, crls } = issuing
  const trustDomain = authority.deployment.trustDomain
  const entities = Array.from({ length: ENTITIES }, (_, index) => {
    const id = `bulk-${index}`
    const names = { dnsNames: [`${id}.${trustDomain}`] }
    return entityRecord({ id, kind: 'node', service: 'compute', roles: ['compute_node'], ...names }, trustDomain, at)
  })
  await authority.store.transaction(async (transaction) => {
    await transaction.insertEntities(entities)
    await transaction.logAll(at, 'entity.added', entities.map(entityFacts))
  })
  const request = (index: number): IssueRequest => ({
    entity: `bulk-${index % ENTITIES}`,
    profile: index % 2 === 0 ? PROFILES.peer : PROFILES.signer,
    key: { kind: 'generate', algorithm: 'p256' },
  })
  const requests = (count: number): IssueRequest[] => Array.from({ length: count }, (_, index) => request(index))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const tbs = randomBytes(500)
  const bare = (count: number) => ({
    name: 'bare key generation + sign',
    operations: count,
    run: () => {
      for (let index = 0; index < count; index++) {
        generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
        sign('sha256', tbs, privateKey)
      }
    },
  })
  const singly = (count: number) => async () => {
    for (const one of requests(count)) await issueCertificates(issuing, [one])
  }
  return {
    bulk: async (name) => {
      const ours = {
        name: 'signet',
        operations: BULK,
        run: async () => {
          for await (const group of issueInGroups(issuing, requests(BULK))) void group
        },
      }
      const builds = join(folder, 'builds')
      mkdirSync(builds, { recursive: true })
      const { residents, skipped } = await startPeers(['issue'], folder, builds, peers)
      try {
        const row = await measure(name, ours, [bare(BULK), ...residents], 5, { skipped })
        return { ...row, versions: Object.fromEntries(residents.map((resident) => [resident.name, resident.version])) }
      } finally {
        for (const resident of residents) resident.close()
      }
    },
    'key and certificate alone': async (name) =>
      measure(
        name,
        { name: 'signet', operations: 50, run: keyAndCertificate(issuing) },
        [
          { name: '@peculiar/x509', operations: 50, run: await peculiar(privateKey) },
          { name: 'openssl req -CA', run: openssl(folder, privateKey) },
          bare(50),
        ],
        20,
      ),
    'one by one': (name) =>
      measure(name, { name: 'signet', operations: 20, run: singly(20) }, [bareCommits(folder), bare(20)], 20),
    '64 at once': (name) => {
      const queue = new IssueQueue(() => Promise.resolve(issuing))
      const together = () => Promise.all(requests(TOGETHER).map((one) => queue.issue(one)))
      return measure(
        name,
        { name: 'signet', operations: TOGETHER, run: together },
        [{ name: 'one by one', operations: TOGETHER, run: singly(TOGETHER) }],
        20,
      )
    },
    'into credential directories': (name) => {
      const out = mkdtempSync(join(folder, 'out-'))
      let folders = 0
      const common = { chain: [authority.issuing], anchor: authority.root, crls, profile: 'peer', purpose: 'server' }
      return measure(
        name,
        {
          name: 'signet',
          operations: 100,
          run: async () => {
            const peers = requests(200).filter(({ profile }) => profile === PROFILES.peer)
            for await (const group of issueInGroups(issuing, peers, 100)) {
              const deliveries = group.map(({ certificate, identity, key: made }) => {
                const secret = made === undefined ? {} : { privateKey: made }
                const credential = { ...common, purpose: 'server', certificate, identity, ...secret } as const
                return { directory: join(out, String(folders++)), credential }
              })
              for await (const delivered of deliverCredentials(deliveries, at)) void delivered
            }
          },
        },
        [],
        5,
      )
    },
  }

  function keyAndCertificate({ authority: { issuing: certificate, deployment } }: IssuingAuthority): () => void {
    const { signatureAlgorithm } = key
    const issuer = { certificate, signatureAlgorithm, organization: deployment.trustDomain }
    const [entity] = entities
    if (entity === undefined) throw new Error('there are entities')
    const { dnsNames, ipAddresses } = entity
    const identity = identityOf(entity, new RoleGraph([]))
    return () => {
      const approver = new Approver(issuer, at)
      for (let index = 0; index < 50; index++) {
        const { publicKey } = GeneratedKey.generate('p256')
        const serialNumberOctets = generateSerial()
        const whom = { profile: PROFILES.peer, identity, dnsNames, ipAddresses }
        const tbsDer = approver.approve({ ...whom, publicKey, serialNumberOctets }).take()
        encodeSigned(tbsDer, signatureAlgorithm, key.sign(tbsDer) as Uint8Array)
      }
    }
  }
}

/** The same key and certificate by @peculiar/x509, with the WebCrypto of Node. */
async function peculiar(issuerKey: KeyObject): Promise<() => Promise<void>> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as never)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const pkcs8 = issuerKey.export({ format: 'der', type: 'pkcs8' })
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
  return async () => {
    for (let index = 0; index < 50; index++) {
      const { publicKey } = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      await x509.X509CertificateGenerator.create({
        serialNumber: randomBytes(20).toString('hex'),
        subject: 'O=cloud.example,OU=compute,CN=bulk-0',
        issuer: 'CN=Issuing CA,O=cloud.example',
        notBefore: new Date(),
        notAfter: new Date(Date.now() + 86_400_000),
        signingAlgorithm: algorithm,
        publicKey: publicKey as never,
        signingKey: signingKey as never,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']),
          await x509.SubjectKeyIdentifierExtension.create(publicKey as never, false, webcrypto as never),
          new x509.AuthorityKeyIdentifierExtension('00112233445566778899aabbccddeeff00112233'),
          new x509.SubjectAlternativeNameExtension([
            { type: 'url', value: 'spiffe://cloud.example/compute/bulk-0' },
            { type: 'dns', value: 'bulk-0.cloud.example' },
          ]),
        ],
      })
    }
  }
}

/** OpenSSL's command, which makes key and certificate in one process each. */
function openssl(folder: string, issuerKey: KeyObject): () => void {
  const place = join(folder, 'openssl')
  mkdirSync(place, { recursive: true })
  const [ca, caKey] = [join(place, 'ca.pem'), join(place, 'ca.key')]
  writeFileSync(caKey, encodePrivateKey(issuerKey))
  const run = (...words: string[]): void => void execFileSync('openssl', words, { stdio: 'ignore' })
  run('req', '-x509', '-new', '-key', caKey, '-subj', '/CN=CA', '-out', ca)
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(place, 'key.pem')]
  return () => {
    run('req', '-x509', ...made, '-CA', ca, '-CAkey', caKey, '-subj', '/CN=bulk-0', '-out', join(place, 'cert.pem'))
  }
}

/** Two durable commits of one row: what no certificate can do without. */
function bareCommits(folder: string): { name: string; operations: number; run: () => void } {
  const database = openDatabase(join(mkdtempSync(join(folder, 'commits-')), 'commits.db'))
  database.exec('create table row (name text primary key)')
  const insert = database.prepare('insert into row values (?)')
  return {
    name: 'two bare commits',
    operations: 20,
    run: () => {
      for (let index = 0; index < 40; index++) insert.run(randomBytes(20).toString('hex'))
    },
  }
}
