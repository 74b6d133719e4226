/** `signet cert …`. @module cli/cert (floor 8) */
import { hash } from 'node:crypto'
import type { Command } from 'commander'
import { latestCrl } from '../authority/index.js'
import { oidName } from '../asn1/index.js'
import { EncodingError, TrustError, UsageError } from '../errors/index.js'
import {
  type Purpose,
  purposeNamed,
  PURPOSES,
  type RevocationPolicy,
  validatePath,
  type ValidatedPath,
} from '../path/index.js'
import {
  type Certificate,
  compareSecondOpinion,
  type Crl,
  formatGeneralName,
  parseCertificates,
  parseCrls,
} from '../x509/index.js'
import { examples, repeatable } from './help.js'
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
  registerVerify(cert, cli)
}

interface VerifyOptions extends TrustOptions {
  readonly secondOpinion?: boolean
}

function registerVerify(cert: Command, cli: Invocation): void {
  cert
    .command('verify <file>')
    .summary('verify a certificate')
    .description(
      'Verify the first certificate of a file: its path to a trust anchor, purpose, revocation. Further certificates of the file may help.',
    )
    .option('--ca <file>', 'trust anchors; repeatable (default: the root of this authority)', repeatable)
    .option('--crl <file>', 'CRLs; repeatable (default: the newest of this authority)', repeatable)
    .option('--untrusted <file>', 'certificates that may help; repeatable', repeatable)
    .option('--purpose <name>', `${Object.keys(PURPOSES).join(', ')} (default: any)`)
    .option('--host <name>', 'host name or IP address that it must be for')
    .option('--at <time>', 'instant, such as 2027-01-31T12:00:00Z (default: now)')
    .option('--allow-unchecked-revocation', 'do not ask whether it is revoked')
    .option('--second-opinion', 'have a second implementation read every certificate of the path')
    .addHelpText(
      'after',
      examples(
        'signet cert verify compute-07/tls/current/cert.pem --purpose server --host compute-07.cloud.example',
        'signet cert verify node.pem --ca root.pem --crl crls.pem',
      ),
    )
    .action(
      cli.action(async (file: string, options: VerifyOptions) => {
        const path = await verifiedPath(cli, file, options)
        if (options.secondOpinion === true) {
          for (const [index, certificate] of path.certificates.entries()) {
            await compareSecondOpinion(certificate, path.certificates[index + 1] ?? certificate)
          }
        }
        return {
          data: {
            verified: true,
            revocation: path.revocation,
            at: path.at.toISOString(),
            path: path.certificates.map((item) => ({
              subject: item.subject.toString(),
              fingerprint: item.fingerprint,
            })),
          },
          text: `verified: ${path.target.subject.toString()}\n${path.certificates
            .slice(1)
            .map((item) => `  issued by ${item.subject.toString()}`)
            .join('\n')}\nrevocation: ${path.revocation}`,
        }
      }),
    )
}

/** Options that say what to believe; shared with `identity resolve`. */
export interface TrustOptions {
  readonly ca?: readonly string[]
  readonly crl?: readonly string[]
  readonly untrusted?: readonly string[]
  readonly purpose?: string
  readonly host?: string
  readonly at?: string
  readonly allowUncheckedRevocation?: boolean
}

/** Validate the first certificate of a file against anchors and CRLs from files, or those of this authority. */
export async function verifiedPath(cli: Invocation, file: string, options: TrustOptions): Promise<ValidatedPath> {
  const [target, ...others] = parseCertificates(await cli.readDocument(file))
  if (target === undefined) throw new EncodingError('ERR_CERTIFICATE_MALFORMED', `there is no certificate in ${file}`)
  const { anchors, intermediates, crls } = await trustMaterial(cli, options)
  const path = validatePath(target, {
    anchors,
    intermediates: [...others, ...intermediates],
    at: options.at === undefined ? cli.now() : parseInstant(options.at),
    purpose: purposeOf(options.purpose),
    revocation: revocationOf(options, crls),
    ...(options.host === undefined ? {} : { hostName: options.host }),
  })
  await refuseRevokedHere(cli, [path.target], options, path.at)
  return path
}

/**
 * Between `signet revoke` and the next CRL, the authority itself knows better than its newest CRL.
 *
 * @throws {@link TrustError} `ERR_REVOKED`
 */
export async function refuseRevokedHere(
  cli: Invocation,
  certificates: readonly Certificate[],
  options: TrustOptions,
  at: Date,
): Promise<void> {
  if (options.ca !== undefined || options.crl !== undefined || options.allowUncheckedRevocation === true) return
  await cli.withAuthority(async ({ store }) => {
    for (const { fingerprint, subject } of certificates) {
      const status = await store.certificateByFingerprint(fingerprint)
      const entity = await store.entity(status?.certificate.entityId ?? '')
      const hold = entity?.state === 'quarantined' ? entity.updatedAt : undefined
      const since = status?.revocation?.revokedAt ?? hold
      if (since === undefined || Date.parse(since) > at.getTime()) continue
      const what = status?.revocation === undefined ? 'on hold' : 'revoked'
      throw new TrustError('ERR_REVOKED', `the certificate of ${subject.toString()} is ${what}`, {
        details: { reason: status?.revocation?.reason ?? 'certificateHold', since },
        hint: 'others learn of it with the next signet crl publish',
      })
    }
  })
}

export async function trustMaterial(
  cli: Invocation,
  options: TrustOptions,
): Promise<{ anchors: readonly Certificate[]; intermediates: readonly Certificate[]; crls: readonly Crl[] }> {
  const certificates = async (files: readonly string[] = []): Promise<readonly Certificate[]> =>
    (await Promise.all(files.map(async (name) => parseCertificates(await cli.readDocument(name))))).flat()
  const untrusted = await certificates(options.untrusted)
  const crls = (
    await Promise.all((options.crl ?? []).map(async (name) => parseCrls(await cli.readDocument(name))))
  ).flat()
  if (options.ca !== undefined) return { anchors: await certificates(options.ca), intermediates: untrusted, crls }
  return cli.withAuthority(async (authority) => {
    const own = [await latestCrl(authority, authority.issuing), await latestCrl(authority, authority.root)]
    return {
      anchors: authority.anchors,
      intermediates: [...untrusted, authority.issuing],
      crls: options.crl === undefined ? own.filter((crl) => crl !== undefined) : crls,
    }
  })
}

export function revocationOf(options: TrustOptions, crls: readonly Crl[]): RevocationPolicy {
  return options.allowUncheckedRevocation === true ? 'allow-unchecked' : { crls }
}

function purposeOf(name: string | undefined): Purpose {
  return name === undefined ? 'allow-any' : purposeNamed(name)
}

/** An instant as people write it: ISO 8601 with its time zone. */
export function parseInstant(text: string): Date {
  const date = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text)
    ? new Date(text)
    : new Date(Number.NaN)
  if (Number.isNaN(date.getTime())) {
    throw new UsageError('ERR_CONFIG_INVALID', `not an instant: ${JSON.stringify(text)}`, {
      hint: 'write 2027-01-31T12:00:00Z',
    })
  }
  return date
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
