/** CRLs: OpenSSL, GnuTLS and Node read in them what signet wrote. */
import { describe, expect, it } from 'vitest'
import { REVOCATION_REASON_CHOICES } from '../../src/authority/index.js'
import { makeDeployment } from '../support/deployment.js'
import { available, run, succeed } from './programs.js'

const hasOpenssl = available('openssl')
const hasCerttool = available('certtool')
/** An entity for each reason, one that is held, and one that is good. */
const entities = [...REVOCATION_REASON_CHOICES.keys(), 'held', 'good'].map((name) => ({ id: `node-${name}` }))
const cloud = await makeDeployment({ entities })
for (const [index, reason] of REVOCATION_REASON_CHOICES.entries()) {
  await cloud.signet(['revoke', `node-${index}`, '--reason', reason])
}
await cloud.signet('entity quarantine node-held')
await cloud.publishCrls()
const [crl, rootCrl] = cloud.crls
if (crl === undefined || rootCrl === undefined) throw new Error('there are not two CRLs')
const issuingFile = cloud.write('issuing.crl.pem', crl.toPem())
const rootFile = cloud.write('root.crl.pem', rootCrl.toPem())

/** As OpenSSL prints them; `unspecified` is left out of a CRL (RFC 5280 §5.3.1). */
const OPENSSL_REASONS: Readonly<Record<string, string>> = {
  unspecified: '',
  keyCompromise: 'Key Compromise',
  affiliationChanged: 'Affiliation Changed',
  superseded: 'Superseded',
  cessationOfOperation: 'Cessation Of Operation',
  privilegeWithdrawn: 'Privilege Withdrawn',
  certificateHold: 'Certificate Hold',
}

interface Entry {
  readonly serialNumber: string
  readonly date: number
  readonly reason: string
}

/** The entries that `openssl crl -text` prints. */
function entriesOf(text: string): readonly Entry[] {
  return text
    .split('Serial Number: ')
    .slice(1)
    .map((part) => ({
      serialNumber: (/^[0-9A-F]+/.exec(part)?.[0] ?? '').toLowerCase(),
      date: Date.parse(/Revocation Date: (.+)/.exec(part)?.[1] ?? ''),
      reason: /X509v3 CRL Reason Code: *\n\s+(.+)/.exec(part)?.[1] ?? '',
    }))
}

describe.skipIf(!hasOpenssl)('openssl crl', () => {
  const text = (file: string): string => succeed('openssl', ['crl', '-in', file, '-noout', '-text'])

  it('agrees on every entry: serial number, date and reason', () => {
    const entries = entriesOf(text(issuingFile))
    const reasons = [...REVOCATION_REASON_CHOICES, 'certificateHold']
    expect(entries.map(({ reason }) => reason).sort()).toEqual(
      reasons.flatMap((reason) => [OPENSSL_REASONS[reason], OPENSSL_REASONS[reason]]).sort(),
    )
    expect(entries).toEqual(
      crl.revokedCertificates.map(({ serialNumber, revocationDate, reason }) => ({
        serialNumber,
        date: revocationDate.getTime(),
        reason: OPENSSL_REASONS[reason],
      })),
    )
  })

  it('agrees on the number, which grows with each CRL', async () => {
    const numberOf = (file: string): number => Number(/X509v3 CRL Number: *\n\s+(\d+)/.exec(text(file))?.[1])
    expect(numberOf(issuingFile)).toBe(Number(crl.crlNumber))
    expect(numberOf(rootFile)).toBe(Number(rootCrl.crlNumber))
    await cloud.signet('crl publish --out next.pem')
    expect(numberOf(cloud.path('next.pem'))).toBe(Number(crl.crlNumber) + 1)
  })

  it('agrees on issuer and times, and finds the CRL of the root empty', () => {
    const words = ['-noout', '-issuer', '-lastupdate', '-nextupdate', '-nameopt', 'RFC2253']
    const printed = succeed('openssl', ['crl', '-in', issuingFile, ...words])
    const value = (name: string): string => new RegExp(`^${name}=(.+)$`, 'm').exec(printed)?.[1] ?? ''
    expect(value('issuer')).toBe('CN=signet issuing CA,O=cloud.example')
    expect(Date.parse(value('lastUpdate'))).toBe(crl.thisUpdate.getTime())
    expect(Date.parse(value('nextUpdate'))).toBe(crl.currentUntil.getTime())
    expect(text(rootFile)).toContain('No Revoked Certificates')
  })

  it('verifies each with the certificate of its issuer, and with no other', () => {
    const verify = (file: string, ca: string): string =>
      run('openssl', ['crl', '-in', file, '-noout', '-CAfile', ca]).output
    expect(verify(rootFile, cloud.rootFile)).toContain('verify OK')
    expect(verify(issuingFile, cloud.issuingFile)).toContain('verify OK')
    expect(verify(issuingFile, cloud.rootFile)).not.toContain('verify OK')
  })

  it('refuses everyone who is in it, and nobody else', () => {
    for (const { id } of entities) {
      const { certificate, chain } = cloud.credential(`${id}/tls`)
      const trust = ['-CAfile', cloud.rootFile, '-untrusted', chain, '-CRLfile', cloud.crlsFile]
      const { code, output } = run('openssl', ['verify', '-crl_check_all', ...trust, certificate])
      if (id === 'node-good') expect(code).toBe(0)
      else expect(output).toContain('certificate revoked')
    }
  })
})

describe.skipIf(!hasCerttool)('certtool --crl-info', () => {
  it('agrees on the entries and on their number', () => {
    const output = succeed('certtool', ['--crl-info', '--infile', issuingFile])
    const serials = [...output.matchAll(/Serial Number \(hex\): ([0-9a-f]+)/g)].map(([, serial]) => serial)
    expect(serials).toEqual(crl.revokedCertificates.map(({ serialNumber }) => serialNumber))
    expect(output).toContain(`Revoked certificates (${crl.revokedCertificates.length}):`)
  })

  it('verifies it with the certificate of its issuer', () => {
    const verify = ['--verify-crl', '--infile', issuingFile, '--verify-profile', 'low']
    expect(run('certtool', [...verify, '--load-ca-certificate', cloud.issuingFile])).toMatchObject({ code: 0 })
    expect(run('certtool', [...verify, '--load-ca-certificate', cloud.rootFile]).code).not.toBe(0)
  })
})
