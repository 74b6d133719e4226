/** Rows with no strangers in them: issuance, mapping, the hash that every message costs, the start of the command. */
import { execFileSync } from 'node:child_process'
import { hash, randomBytes, sign } from 'node:crypto'
import { issueCertificates, PROFILES, registerEntity } from '../dist/authority/index.js'
import { generatePrivateKey } from '../dist/crypto/index.js'
import { parseMapping, resolveIdentity, RoleGraph } from '../dist/identity/index.js'
import { validatePath } from '../dist/path/index.js'
import type { BenchContext, Rows } from './context.ts'
import { CONTENT } from './deployment.ts'
import { measure, type Row } from './harness.ts'
import { certificateOf, holderOf, NOW } from './pki.ts'

export const SINGLE_ROWS: Rows = {
  'issue, batches of 50': issueRow,
  'resolve by 100,000 rules': resolveRow,
  'hash 1 KiB': ({ rounds }, name) =>
    measure(name, { name: 'signet', run: () => hash('sha256', CONTENT, 'buffer') }, [], rounds),
  'cold start: signet --version': ({ rounds }, name) =>
    measure(
      name,
      { name: 'signet', run: () => execFileSync(process.execPath, ['bin/signet.js', '--version']) },
      [{ name: 'node -e 0', run: () => execFileSync(process.execPath, ['-e', '0']) }],
      rounds,
    ),
}

async function issueRow({ deployment, rounds }: BenchContext, name: string): Promise<Row> {
  const { authority, at, issuing } = await deployment()
  const requests = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const id = `bulk-${index}`
      await registerEntity(authority, { id, kind: 'node', service: 'compute' }, at)
      return { entity: id, profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } } as const
    }),
  )
  const bareKey = generatePrivateKey('p256')
  const tbs = randomBytes(500)
  const bare = (): void => {
    for (let index = 0; index < 50; index++) {
      generatePrivateKey('p256')
      sign('sha256', tbs, bareKey)
    }
  }
  return measure(
    name,
    { name: 'signet', operations: 50, run: () => issueCertificates(issuing, requests) },
    [{ name: 'bare key generation + sign', operations: 50, run: bare }],
    rounds,
  )
}

async function resolveRow({ rounds }: BenchContext, name: string): Promise<Row> {
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
    rounds,
  )
}
