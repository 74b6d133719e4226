/**
 * `npm run bench [-- --only NAME] [-- --json FILE]`: what signet costs, how that grows (`growth`, `million`, `registry`, `trust`, `quarantine`), beside what cannot be avoided.
 *
 * Timings are never claims in tests; here they are printed as ratios measured in one run.
 */
import { hash, randomBytes, sign, verify } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  Authority,
  bootstrap,
  currentCrls,
  issueCertificates,
  publishTrustDirectory,
  registerEntity,
} from '../dist/authority/index.js'
import { MemoryKeyProvider, Passphrase } from '../dist/crypto/index.js'
import { parseMapping, resolveIdentity, RoleGraph, setRole } from '../dist/identity/index.js'
import { createReplayMemory, signMessage, verifyMessage } from '../dist/message/index.js'
import { PROFILES } from '../dist/authority/index.js'
import { coldBenches } from './cold.ts'
import { measureGrowth, printGrowth } from './growth.ts'
import { measure, printRow, type Row } from './harness.ts'
import { issuanceBenches, measureIssuanceMemory, printIssuanceMemory } from './issuance.ts'
import { measureMillion, printMillion } from './million.ts'
import { certificateOf, holderOf, NOW } from './pki.ts'
import { validatePath } from '../dist/path/index.js'
import { measureQuarantine, printQuarantine } from './quarantine.ts'
import { measureRegistry, printRegistry } from './registry.ts'
import { measureTrust, printTrust } from './trust.ts'

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } })
const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'))
const rows: Row[] = []

try {
  for (const [name, bench] of Object.entries({ ...(await benches()), ...coldBenches(folder) })) {
    if (values.only !== undefined && !name.includes(values.only)) continue
    const row = await bench(name)
    rows.push(row)
    printRow(row)
  }
  const isWanted = (name: string): boolean => values.only === undefined || name.includes(values.only)
  const growth = isWanted('growth') ? await measureGrowth() : []
  growth.forEach(printGrowth)
  const million = isWanted('million') ? await measureMillion(folder) : undefined
  if (million !== undefined) printMillion(million)
  const registry = isWanted('registry') ? await measureRegistry(folder) : undefined
  if (registry !== undefined) printRegistry(registry)
  const trust = isWanted('trust') ? await measureTrust(folder) : undefined
  if (trust !== undefined) printTrust(trust)
  const quarantine = isWanted('quarantine') ? await measureQuarantine(folder) : []
  printQuarantine(quarantine)
  const memory = isWanted('issuance memory') ? await measureIssuanceMemory(folder) : undefined
  if (memory !== undefined) printIssuanceMemory(memory)
  if (values.json !== undefined) {
    const parts = { million: million ?? null, registry: registry ?? null, trust: trust ?? null, quarantine }
    const all = { schema: 1, rows, growth, ...parts, issuanceMemory: memory ?? null }
    writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function benches(): Promise<Record<string, (name: string) => Promise<Row>>> {
  const clock = { now: () => new Date() }
  const passphrase = new Passphrase(randomBytes(16))
  const home = join(folder, 'home')
  await bootstrap(
    {
      home,
      rootDirectory: join(folder, 'root'),
      trustDomain: 'cloud.example',
      domains: [],
      addressRanges: ['127.0.0.0/8'],
      algorithm: 'p256',
      passphrase,
    },
    clock,
  )
  const authority = await Authority.open(home, clock)
  const at = await authority.now()
  await authority.store.transaction((transaction) => setRole(transaction, 'compute_node', [], at))
  const key = await authority.issuingKey(passphrase)
  const crls = await currentCrls(authority, key, at)
  const issuing = { authority, key, at, crls }
  const signerFor = async (algorithm: 'p256' | 'ed25519' | 'rsa2048' | 'ml-dsa-65') => {
    const id = `node-${algorithm}`
    await registerEntity(authority, { id, kind: 'node', service: 'compute' }, at)
    const [issued] = await issueCertificates(issuing, [
      { entity: id, profile: PROFILES.signer, key: { kind: 'generate', algorithm } },
    ])
    if (issued?.privateKey === undefined) throw new Error('no key')
    return {
      key: new MemoryKeyProvider(issued.privateKey),
      privateKey: issued.privateKey,
      certificate: issued.certificate,
    }
  }
  const content = Buffer.from(JSON.stringify({ publisher_id: 'compute:node', payload: 'x'.repeat(980) }))
  const result: Record<string, (name: string) => Promise<Row>> = {}
  for (const algorithm of ['p256', 'ed25519', 'rsa2048', 'ml-dsa-65'] as const) {
    const signer = await signerFor(algorithm)
    const digest = signer.key.signatureAlgorithm.digest
    const sample = randomBytes(300)
    const signature = sign(digest, sample, signer.privateKey)
    result[`verifyMessage ${algorithm}`] = async (name) => {
      const { directory } = await publishTrustDirectory(authority, await authority.publisherKey(passphrase), crls, at)
      const messages = await Promise.all(
        Array.from({ length: 2200 }, () =>
          signMessage(content, signer, { type: 'bench.run', destination: 'bench', at, lifetimeSeconds: 3600 }),
        ),
      )
      const replay = createReplayMemory()
      const policy = {
        trust: directory,
        destinations: ['bench'],
        senders: 'allow-any-trusted',
        types: ['bench.*'],
        maxAgeSeconds: 3600,
        replay,
        at,
      } as const
      let next = 0
      return measure(
        name,
        { name: 'signet', run: () => verifyMessage(messages[next++]?.der ?? new Uint8Array(), content, policy) },
        [
          {
            name: 'bare crypto.verify',
            run: () => verify(digest, sample, signer.certificate.publicKey.keyObject, signature),
          },
        ],
        2000,
      )
    }
    result[`signMessage ${algorithm}`] = (name) =>
      measure(
        name,
        { name: 'signet', run: () => signMessage(content, signer, { type: 'bench.run', destination: 'bench', at }) },
        [{ name: 'bare crypto.sign', run: () => sign(digest, sample, signer.privateKey) }],
        2000,
      )
  }
  Object.assign(result, await issuanceBenches(issuing, folder))
  result['resolve by 100,000 rules'] = async (name) => {
    const issuer = holderOf('issuer')
    const path = validatePath(certificateOf('n7', issuer, {}), {
      anchors: [issuer.certificate],
      at: NOW,
      purpose: 'allow-any',
      revocation: 'allow-unchecked',
    })
    const issuerKey = hash('sha256', issuer.certificate.spkiDer, 'hex')
    const mappingOf = (size: number) =>
      parseMapping(
        JSON.stringify({
          version: 1,
          trustDomain: 'cloud.example',
          rules: Array.from({ length: size }, (_, index) => ({
            name: `rule ${index}`,
            // The last is that which matches.
            when: { issuerKey, subject: { CN: index === size - 1 ? 'n7' : `m${index}` } },
            then: { service: 'compute', node: 'n7', roles: [] },
          })),
        }),
      )
    const nobody = () => Promise.resolve(undefined)
    const roles = new RoleGraph([])
    const entities = { entity: nobody, entityByUri: nobody, roleGraph: () => Promise.resolve(roles) }
    const [many, few] = [mappingOf(100_000), mappingOf(10)]
    return measure(
      name,
      { name: 'signet', run: () => resolveIdentity(path, many, entities) },
      [{ name: '10 rules', run: () => resolveIdentity(path, few, entities) }],
      2000,
    )
  }
  result['hash 1 KiB'] = (name) =>
    measure(name, { name: 'signet', run: () => hash('sha256', content, 'buffer') }, [], 2000)
  return result
}
