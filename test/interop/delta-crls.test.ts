/** Delta CRLs: what OpenSSL and GnuTLS make of those that signet publishes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseCrls } from '../../src/x509/index.js'
import { makeDeployment } from '../support/deployment.js'
import { available, run, succeed } from './programs.js'

const hasOpenssl = available('openssl')
const hasCerttool = available('certtool')

// OpenSSL chooses between CRLs by thisUpdate: the delta is to be minutes newer, and of the past still.
const clock = { minutesAgo: 20, now: () => new Date(Date.now() - clock.minutesAgo * 60_000) }
const cloud = await makeDeployment({
  entities: ['good', 'before', 'after', 'lifted'].map((name) => ({ id: `node-${name}` })),
  clock,
})
clock.minutesAgo = 10
await cloud.signet('revoke node-before --reason keyCompromise')
await cloud.signet('entity quarantine node-lifted')
await cloud.signet('crl publish --out-dir pub --out full.pem')
clock.minutesAgo = 5
await cloud.signet('revoke node-after --reason superseded')
await cloud.signet('entity release node-lifted')
await cloud.signet('crl publish --out-dir pub --out servers.pem --delta')
clock.minutesAgo = 0
const { keyIdentifier } = cloud.issuing
const deltaFile = cloud.path('pub', `${keyIdentifier}.delta.crl`)
const fullFile = cloud.path('pub', `${keyIdentifier}.crl`)
const [full] = parseCrls(readFileSync(fullFile))
const [delta] = parseCrls(readFileSync(deltaFile))
if (full === undefined || delta === undefined) throw new Error('there are two')
writeFileSync(cloud.path('all.pem'), readFileSync(cloud.path('servers.pem'), 'utf8') + delta.toPem())
const serialOf = (name: string): string => cloud.credential(`node-${name}/tls`).load().certificate.serialNumber

describe.skipIf(!hasOpenssl)('openssl', () => {
  it('reads number, base and entries of a delta, and verifies it', () => {
    const words = ['crl', '-inform', 'DER', '-noout', '-text', '-CAfile', cloud.issuingFile]
    const { output } = run('openssl', [...words, '-in', deltaFile])
    expect(output).toContain('verify OK')
    expect(Number(/X509v3 CRL Number: *\n +(\d+)/.exec(output)?.[1])).toBe(Number(`0x${delta.crlNumber ?? ''}`))
    expect(Number(/Delta CRL Indicator: critical *\n +(\d+)/.exec(output)?.[1])).toBe(
      Number(`0x${full.crlNumber ?? ''}`),
    )
    const entries = output.split('Serial Number: ').slice(1)
    const reasonOf = (name: string): string | undefined =>
      entries.find((entry) => entry.toLowerCase().startsWith(serialOf(name)))?.match(/Reason Code: *\n +(.+)/)?.[1]
    expect([reasonOf('after'), reasonOf('lifted'), reasonOf('before')]).toEqual([
      'Superseded',
      'Remove From CRL',
      undefined,
    ])
  })

  const verify = (name: string, crls: string, ...words: readonly string[]): string => {
    const { certificate, chain } = cloud.credential(`node-${name}/tls`)
    const trust = ['-CAfile', cloud.rootFile, '-untrusted', chain, '-CRLfile', cloud.path(crls)]
    const { code, output } = run('openssl', ['verify', '-crl_check_all', ...words, ...trust, certificate])
    return code === 0 ? 'good' : (/certificate revoked/.exec(output)?.[0] ?? output)
  }

  it('is told what the full CRL says by the file for servers, where no delta CRL is', () => {
    expect(readFileSync(cloud.path('servers.pem'))).toEqual(readFileSync(cloud.path('full.pem')))
    for (const words of [[], ['-use_deltas'], ['-use_deltas', '-extended_crl']]) {
      expect(verify('good', 'servers.pem', ...words)).toBe('good')
      expect(verify('before', 'servers.pem', ...words)).toBe('certificate revoked')
      expect(verify('lifted', 'servers.pem', ...words)).toBe('certificate revoked')
    }
  })

  it('takes a newer delta CRL for the full one, unless told of extended CRLs: that is why none is in that file', () => {
    expect(verify('before', 'all.pem')).toBe('good')
    expect(verify('before', 'all.pem', '-use_deltas')).toBe('good')
    expect(verify('before', 'all.pem', '-use_deltas', '-extended_crl')).toBe('certificate revoked')
  })

  it('looks for a delta only where a certificate or full CRL names one (freshestCRL), and ours do not', () => {
    // signet has no address to name: who serves CRLs is the deployment's to say. For OpenSSL, publish full ones.
    expect(full.extensions.has('2.5.29.46')).toBe(false)
    expect(verify('after', 'all.pem', '-use_deltas', '-extended_crl')).toBe('good')
    expect(verify('lifted', 'all.pem', '-use_deltas', '-extended_crl')).toBe('certificate revoked')
  })
})

describe.skipIf(!hasCerttool)('certtool', () => {
  it('reads number and entries of a delta', () => {
    const output = succeed('certtool', ['--crl-info', '--inder', '--infile', deltaFile])
    expect(output).toContain(`Revoked certificates (${delta.size})`)
    const serials = [...output.matchAll(/Serial Number \(hex\): ([0-9a-f]+)/g)].map(([, serial]) => serial)
    expect(serials).toEqual(delta.revokedCertificates.map(({ serialNumber }) => serialNumber))
  })
})

describe('signet', () => {
  it('sees what changed, where it has both', async () => {
    const verify = async (name: string, ...crls: readonly string[]): Promise<string | undefined> => {
      const words = crls.flatMap((file) => ['--crl', cloud.path(file)])
      const file = cloud.credential(`node-${name}/tls`).fullchain
      return (await cloud.run(['cert', 'verify', file, '--ca', cloud.rootFile, ...words])).errorCode
    }
    expect(await verify('good', 'all.pem')).toBeUndefined()
    expect(await verify('before', 'all.pem')).toBe('ERR_REVOKED')
    expect(await verify('after', 'full.pem')).toBeUndefined()
    expect(await verify('after', 'all.pem')).toBe('ERR_REVOKED')
    expect(await verify('lifted', 'full.pem')).toBe('ERR_REVOKED')
    expect(await verify('lifted', 'all.pem')).toBeUndefined()
  })
})
