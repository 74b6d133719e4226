/** `signet cert …`. @module cli/cert (floor 8) */
import { hash } from 'node:crypto'
import type { Command } from 'commander'
import { oidName } from '../asn1/index.js'
import { type Certificate, formatGeneralName, parseCertificates } from '../x509/index.js'
import { registerCertVerify } from './cert-verify.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { facts, instant, table } from './table.js'

export function registerCert(program: Command, cli: Invocation): void {
  const cert = program
    .command('cert')
    .summary('certificates')
    .description('Certificates: what was issued, what they say, whether to believe them.')
    .addHelpText('after', examples('signet cert list', 'signet cert verify compute-07/tls/current/cert.pem'))
  cert
    .command('list')
    .summary('list what this authority issued')
    .description('List the certificates that this authority issued, newest first.')
    .option('--entity <id>', 'only those of this entity')
    .addHelpText('after', examples('signet cert list', 'signet cert list --entity compute-07 --json'))
    .action(
      cli.action(async (options: { entity?: string }) => {
        const found = await cli.withAuthority((authority) => authority.store.certificates(options.entity))
        const certificates = found.map(({ certificate, revocation }) => ({
          serialNumber: certificate.serialNumber,
          entityId: certificate.entityId,
          profile: certificate.profile,
          keyIdentifier: certificate.keyIdentifier,
          fingerprint: certificate.fingerprint,
          notBefore: certificate.notBefore,
          notAfter: certificate.notAfter,
          revoked: revocation?.reason ?? null,
        }))
        const rows = certificates.map((item) => [
          item.serialNumber,
          item.entityId ?? '',
          item.profile,
          instant(item.notAfter),
          item.revoked ?? (Date.parse(item.notAfter) < cli.now().getTime() ? 'expired' : ''),
        ])
        return { data: { certificates }, text: table(['serial number', 'entity', 'profile', 'until', 'state'], rows) }
      }),
    )
  cert
    .command('show <file>')
    .summary('show a certificate')
    .description('Show what the certificates of a file say. Nothing is verified.')
    .addHelpText('after', examples('signet cert show compute-07/tls/current/cert.pem'))
    .action(
      cli.action(async (file: string) => {
        const certificates = parseCertificates(await cli.readDocument(file))
        return { data: { certificates: certificates.map(describe) }, text: certificates.map(describeText).join('\n\n') }
      }),
    )
  registerCertVerify(cert, cli)
}

function describe(certificate: Certificate): Record<string, unknown> {
  return {
    subject: certificate.subject.toString(),
    issuer: certificate.issuer.toString(),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    subjectAltName: certificate.subjectAltName.map(formatGeneralName),
    publicKey: certificate.publicKey.name,
    publicKeyDigest: hash('sha256', certificate.spkiDer, 'hex'),
    keyIdentifier: certificate.keyIdentifier,
    isCa: certificate.basicConstraints?.ca === true,
    keyUsage: [...(certificate.keyUsage ?? [])],
    extKeyUsage: [...(certificate.extKeyUsage ?? [])].map(oidName),
    signatureAlgorithm: oidName(certificate.signatureAlgorithm.oid),
    fingerprint: certificate.fingerprint,
  }
}

function describeText(certificate: Certificate): string {
  const value = describe(certificate)
  const text = (name: string): string => {
    const found = value[name]
    return Array.isArray(found) ? found.join(' ') : typeof found === 'string' ? found : ''
  }
  return facts([
    ['subject', text('subject')],
    ['issuer', text('issuer')],
    ['serial number', certificate.serialNumber],
    ['valid', `${instant(certificate.notBefore)} to ${instant(certificate.notAfter)}`],
    ['names', text('subjectAltName')],
    ['public key', `${text('publicKey')}, sha256 ${text('publicKeyDigest')}`],
    ['key identifier', certificate.keyIdentifier],
    ['CA', value['isCa'] === true ? 'yes' : 'no'],
    ['key usage', text('keyUsage')],
    ['purposes', text('extKeyUsage')],
    ['signed with', text('signatureAlgorithm')],
    ['fingerprint', certificate.fingerprint],
  ])
}
