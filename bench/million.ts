/** A CRL of a million entries: loading it, what memory that takes, looking up; OpenSSL on the same file. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCrl } from '../dist/x509/index.js'
import { holderOf, NOW, revokedCertificates } from './pki.ts'
import { type Run, runMeasured } from './process.ts'

const ENTRIES = 1_000_000
const LOOKUPS = 100_000

export interface Million {
  readonly entries: number
  readonly bytes: number
  readonly signet: { readonly seconds: number; readonly megabytes: number; readonly lookupsPerSecond: number }
  readonly openssl: { readonly seconds: number; readonly megabytes: number }
  /** OpenSSL's over ours; above 1 ours is better. */
  readonly ratios: { readonly load: number; readonly memory: number }
}

const LOAD = `
import { readFileSync } from 'node:fs'
import { parseCrl } from ${JSON.stringify(new URL('../dist/x509/index.js', import.meta.url).href)}
const bytes = new Uint8Array(readFileSync(process.argv[1]))
const start = performance.now()
const crl = parseCrl(bytes)
const loaded = performance.now()
for (let index = 0; index < ${LOOKUPS}; index++) crl.find((index + 0x1000000).toString(16).padStart(8, '0'))
process.stdout.write(JSON.stringify({ load: loaded - start, lookups: performance.now() - loaded, size: crl.size }))
`

export async function measureMillion(folder: string): Promise<Million> {
  const { key, certificate } = holderOf('root')
  const crl = await createCrl(
    {
      issuer: certificate.subject,
      authorityKeyIdentifier: certificate.subjectKeyIdentifier ?? new Uint8Array(),
      crlNumber: 1,
      thisUpdate: NOW,
      nextUpdate: new Date(NOW.getTime() + 86_400_000),
      revokedCertificates: revokedCertificates(ENTRIES),
    },
    key,
  )
  const path = join(folder, 'million.crl')
  writeFileSync(path, crl.der)
  const ours: Run[] = []
  const theirs: Run[] = []
  for (let round = 0; round < 3; round++) {
    ours.push(await runMeasured(process.execPath, ['--input-type=module', '-e', LOAD, path]))
    theirs.push(await runMeasured('openssl', ['crl', '-in', path, '-inform', 'DER', '-noout', '-hash']))
  }
  const [signet, openssl] = [median(ours), median(theirs)]
  const { lookups } = JSON.parse(signet.output) as { lookups: number }
  return {
    entries: ENTRIES,
    bytes: crl.der.length,
    signet: {
      seconds: rounded(signet.seconds),
      megabytes: Math.round(signet.megabytes),
      lookupsPerSecond: Math.round(LOOKUPS / (lookups / 1000)),
    },
    openssl: { seconds: rounded(openssl.seconds), megabytes: Math.round(openssl.megabytes) },
    ratios: {
      load: rounded(openssl.seconds / signet.seconds),
      memory: rounded(openssl.megabytes / signet.megabytes),
    },
  }
}

function median(runs: readonly Run[]): Run {
  const sorted = runs.toSorted((a, b) => a.seconds - b.seconds)
  return sorted[Math.floor(sorted.length / 2)] as Run
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

export function printMillion({ entries, bytes, signet, openssl, ratios }: Million): void {
  console.log(
    `CRL of ${entries} entries, ${Math.round(bytes / 1e6)} MB: signet ${signet.seconds} s, ${signet.megabytes} MB, ` +
      `${signet.lookupsPerSecond} look-ups/s; openssl ${openssl.seconds} s, ${openssl.megabytes} MB; ` +
      `${ratios.load} × openssl in time, ${ratios.memory} × in memory, both from process start to end`,
  )
}
