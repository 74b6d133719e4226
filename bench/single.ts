/** Rows with no strangers in them: mapping, the hash that every message costs. */
import { hash } from 'node:crypto'
import { parseMapping, resolveIdentity, RoleGraph } from '../dist/identity/index.js'
import { validatePath } from '../dist/path/index.js'
import type { BenchContext, Rows } from './context.ts'
import { CONTENT } from './deployment.ts'
import { measure, type Row } from './harness.ts'
import { certificateOf, holderOf, NOW } from './pki.ts'

export const SINGLE_ROWS: Rows = {
  'resolve by 100,000 rules': resolveRow,
  'hash 1 KiB': ({ rounds }, name) =>
    measure(name, { name: 'signet', run: () => hash('sha256', CONTENT, 'buffer') }, [], rounds),
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
