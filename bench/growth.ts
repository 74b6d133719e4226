/**
 * How cost grows with the input: each dimension doubled three times. Twice the input may cost at most 2.5 times as much.
 */
import { createCrl, parseCertificate, parseCrl, type Certificate } from '../dist/x509/index.js'
import { validatePath } from '../dist/path/index.js'
import { certificateOf, hierarchyWith, holderOf, NOW, revokedCertificates } from './pki.ts'

export interface Growth {
  readonly name: string
  readonly sizes: readonly number[]
  readonly milliseconds: readonly number[]
  /** Of the doublings, that which cost most. */
  readonly worst: number
}

type Dimension = (size: number) => Promise<() => unknown> | (() => unknown)

const DIMENSIONS: Readonly<Record<string, readonly [first: number, dimension: Dimension]>> = {
  'names of the end entity': [
    250,
    (size) => {
      const names = Array.from({ length: size }, (_, index) => `n${index}.cloud.example`)
      return validating(hierarchyWith({ names, permitted: ['cloud.example'] }))
    },
  ],
  'name constraints of the CA': [
    250,
    (size) => {
      const permitted = Array.from({ length: size }, (_, index) => `d${index}.example`)
      return validating(hierarchyWith({ names: [`n.d${size - 1}.example`], permitted }))
    },
  ],
  'RDNs of the names': [
    3,
    (size) =>
      validating(
        hierarchyWith({ names: ['n.cloud.example'], permitted: ['cloud.example'], organizationalUnits: size }),
      ),
  ],
  'certificate policies': [
    100,
    (size) => {
      const policies = Array.from({ length: size }, (_, index) => `2.25.1.${index}`)
      return validating(hierarchyWith({ names: ['n.cloud.example'], permitted: ['cloud.example'], policies }))
    },
  ],
  'CAs of one name': [
    25,
    (size) => {
      const { anchors, intermediates, target } = hierarchyWith({
        names: ['n.cloud.example'],
        permitted: ['cloud.example'],
        keyIdentifiers: 'absent',
      })
      const root = holderOf('root')
      const others = Array.from({ length: size }, (_, index) =>
        certificateOf('issuing', root, { key: holderOf(`other ${index}`), ca: true, keyIdentifiers: 'absent' }),
      )
      return validating({ anchors, target, intermediates: [...others, ...intermediates] })
    },
  ],
  'CRL entries, read': [
    125_000,
    async (size) => {
      const { der } = await crlOf(size)
      return () => parseCrl(der)
    },
  ],
  'CRL entries, looked up': [
    125_000,
    async (size) => {
      const crl = parseCrl((await crlOf(size)).der)
      const [first] = crl.revokedCertificates
      return () => {
        for (let index = 0; index < 1000; index++) crl.find(first?.serialNumber ?? '')
      }
    },
  ],
}

/** Every signature is verified anew: certificates are parsed anew for each run. */
function validating(request: {
  readonly anchors: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
  readonly target: Certificate
}): () => unknown {
  const fresh = (certificates: readonly Certificate[]): Certificate[] =>
    certificates.map(({ der }) => parseCertificate(der))
  return () =>
    validatePath(parseCertificate(request.target.der), {
      anchors: fresh(request.anchors),
      intermediates: fresh(request.intermediates),
      at: NOW,
      purpose: 'allow-any',
      revocation: 'allow-unchecked',
    })
}

function crlOf(size: number): ReturnType<typeof createCrl> {
  const { key, certificate } = holderOf('root')
  return createCrl(
    {
      issuer: certificate.subject,
      authorityKeyIdentifier: certificate.subjectKeyIdentifier ?? new Uint8Array(),
      crlNumber: 1,
      thisUpdate: NOW,
      nextUpdate: new Date(NOW.getTime() + 86_400_000),
      revokedCertificates: revokedCertificates(size),
    },
    key,
  )
}

const DOUBLINGS = 3
const ROUNDS = 9

export async function measureGrowth(): Promise<readonly Growth[]> {
  const rows: Growth[] = []
  for (const [name, [first, dimension]] of Object.entries(DIMENSIONS)) {
    const sizes = Array.from({ length: DOUBLINGS + 1 }, (_, index) => first * 2 ** index)
    const runs: (() => unknown)[] = []
    for (const size of sizes) runs.push(await dimension(size))
    const samples = sizes.map(() => [] as number[])
    // In turn, so that what else the machine does hits every size alike.
    for (let round = 0; round < ROUNDS + 3; round++) {
      for (const [index, run] of runs.entries()) {
        const start = performance.now()
        await run()
        if (round >= 3) samples[index]?.push(performance.now() - start)
      }
    }
    const milliseconds = samples.map((list) => list.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0)
    const ratios = milliseconds.slice(1).map((value, index) => value / (milliseconds[index] ?? 1))
    rows.push({ name, sizes, milliseconds: milliseconds.map(rounded), worst: rounded(Math.max(...ratios)) })
  }
  return rows
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

export function printGrowth({ name, sizes, milliseconds, worst }: Growth): void {
  const steps = sizes.map((size, index) => `${size}: ${milliseconds[index]} ms`)
  console.log(`${name.padEnd(32)} ${steps.join('  ')}  doubling at most × ${worst}`)
}
