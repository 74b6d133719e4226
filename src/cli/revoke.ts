/** `signet revoke` and `signet crl …`. @module cli/revoke (floor 8) */
import type { Command } from 'commander'
import {
  currentCrls,
  latestCrl,
  openRootBundle,
  publishCrl,
  publishRootCrl,
  REVOCATION_REASON_CHOICES,
  type RevocationTarget,
  revokeCertificates,
} from '../authority/index.js'
import { EncodingError, UsageError } from '../errors/index.js'
import { parseDuration } from '../time/index.js'
import {
  type Crl,
  parseCertificates,
  parseCrls,
  parseHexText,
  parseSerialText,
  type RevocationReason,
} from '../x509/index.js'
import { choice, examples } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { facts, instant, table } from './table.js'

interface RevokeOptions {
  readonly serial?: string
  readonly cert?: string
  readonly keyId?: string
  readonly reason: RevocationReason
}

export function registerRevoke(program: Command, cli: Invocation): void {
  program
    .command('revoke [entity]')
    .summary('revoke certificates')
    .description(
      'Revoke all certificates of an entity, or one named by its serial number, file or key identifier. An unknown one is an error.',
    )
    .option('--serial <number>', 'serial number in hexadecimal, or dec: and a decimal number')
    .option('--cert <file>', 'file with the certificate')
    .option('--key-id <identifier>', 'key identifier in hexadecimal')
    .option('--reason <reason>', REVOCATION_REASON_CHOICES.join(', '), choice(REVOCATION_REASON_CHOICES), 'unspecified')
    .addHelpText(
      'after',
      examples(
        'signet revoke compute-07 --reason keyCompromise',
        'signet revoke --serial 4f3a…',
        'signet revoke --cert compute-07/tls/current/cert.pem',
      ),
    )
    .action(
      cli.action(async (entity: string | undefined, options: RevokeOptions) => {
        const target = await targetOf(cli, entity, options)
        const revoked = await cli.withAuthority(async (authority) =>
          revokeCertificates(authority, target, options.reason, await authority.now()),
        )
        const rows = revoked.map((item) => [item.serialNumber, item.profile, item.entityId ?? ''])
        return {
          data: {
            reason: options.reason,
            revoked: revoked.map(({ serialNumber, entityId, profile }) => ({ serialNumber, entityId, profile })),
          },
          text: `${table(['revoked', 'profile', 'entity'], rows)}\nOthers learn of it with the next signet crl publish and signet trust publish.`,
        }
      }),
    )
}

async function targetOf(
  cli: Invocation,
  entity: string | undefined,
  options: RevokeOptions,
): Promise<RevocationTarget> {
  const named = [entity, options.serial, options.cert, options.keyId].filter((item) => item !== undefined)
  if (named.length !== 1) {
    throw new UsageError('ERR_USAGE', 'name one entity, --serial, --cert or --key-id', { hint: 'signet revoke --help' })
  }
  if (entity !== undefined) return { kind: 'entity', id: entity }
  if (options.serial !== undefined) return { kind: 'serialNumber', serialNumber: parseSerialText(options.serial) }
  if (options.keyId !== undefined) return { kind: 'keyIdentifier', keyIdentifier: parseHexText(options.keyId) }
  const [certificate] = parseCertificates(await cli.readDocument(options.cert ?? ''))
  if (certificate === undefined) throw new EncodingError('ERR_CERTIFICATE_MALFORMED', 'there is no certificate')
  return { kind: 'fingerprint', fingerprint: certificate.fingerprint }
}

interface PublishOptions extends PassphraseOptions {
  readonly out: string
  readonly force?: boolean
  readonly validity?: string
  readonly root?: string
  readonly rootPassphraseFile?: string
}

export function registerCrl(program: Command, cli: Invocation): void {
  const crl = program
    .command('crl')
    .summary('certificate revocation lists')
    .description('Certificate revocation lists.')
    .addHelpText('after', examples('signet crl publish --out crls.pem', 'signet crl show'))
  passphraseOptions(
    crl
      .command('publish')
      .summary('publish what is revoked')
      .description('Make the next CRL of the issuing CA and write it, followed by the root CRL: servers need both.')
      .requiredOption('--out <file>', 'PEM file; one that is there is replaced')
      .option('--validity <duration>', 'how long the CRL is current (default: 7d)')
      .option('--root <dir>', 'the offline root bundle, to make the next root CRL, too')
      .option('--root-passphrase-file <file>', 'passphrase of the root key (default: that of the authority)'),
  )
    .addHelpText(
      'after',
      examples(
        'signet crl publish --out crls.pem --passphrase-file ~/passphrase',
        'signet crl publish --out crls.pem --root /media/usb/root',
      ),
    )
    .action(
      cli.action(async (options: PublishOptions) => {
        const crls = await cli.withAuthority(async (authority) => {
          const passphrase = await cli.authorityPassphrase(authority, options)
          const key = await authority.issuingKey(passphrase)
          const at = await authority.now()
          if (options.root !== undefined) {
            const rootPassphrase =
              options.rootPassphraseFile === undefined && passphrase !== undefined
                ? passphrase
                : await cli.passphrase(
                    {
                      ...(options.rootPassphraseFile === undefined
                        ? {}
                        : { passphraseFile: options.rootPassphraseFile }),
                    },
                    'passphrase of the root',
                  )
            const bundle = openRootBundle(cli.path(options.root), rootPassphrase)
            if (!bundle.certificate.equals(authority.root)) {
              throw new UsageError('ERR_CONFIG_INVALID', `${options.root} is the root bundle of another deployment`)
            }
            await publishRootCrl(authority, bundle.key, at)
          }
          await publishCrl(
            authority,
            key,
            at,
            undefined,
            options.validity === undefined ? undefined : parseDuration(options.validity),
          )
          return currentCrls(authority, key, at)
        })
        const path = cli.writeOutput(options.out, crls.map((item) => item.toPem()).join(''), true)
        return { data: { path, crls: crls.map(summary) }, text: `${crlTable(crls)}\nwritten to ${path}` }
      }),
    )
  crl
    .command('show [file]')
    .summary('show CRLs')
    .description('Show the CRLs of a file, or without one the newest of this authority. Signatures are not checked.')
    .addHelpText('after', examples('signet crl show', 'signet crl show crls.pem --json'))
    .action(
      cli.action(async (file: string | undefined) => {
        const crls = file === undefined ? await newestCrls(cli) : parseCrls(await cli.readDocument(file))
        const entries = crls.flatMap((item) => item.revokedCertificates)
        const rows = entries.map((entry) => [entry.serialNumber, instant(entry.revocationDate), entry.reason])
        return {
          data: { crls: crls.map((item) => ({ ...summary(item), revoked: item.revokedCertificates })) },
          text: `${crlTable(crls)}${rows.length === 0 ? '' : `\n\n${table(['revoked', 'since', 'reason'], rows)}`}`,
        }
      }),
    )
}

async function newestCrls(cli: Invocation): Promise<readonly Crl[]> {
  return cli.withAuthority(async (authority) => {
    const found = [await latestCrl(authority, authority.issuing), await latestCrl(authority, authority.root)]
    return found.filter((item) => item !== undefined)
  })
}

function summary(crl: Crl): Record<string, unknown> {
  return {
    issuer: crl.issuer.toString(),
    crlNumber: crl.crlNumber === undefined ? null : decimal(crl.crlNumber),
    thisUpdate: crl.thisUpdate.toISOString(),
    nextUpdate: crl.nextUpdate?.toISOString() ?? null,
    entries: crl.size,
  }
}

function crlTable(crls: readonly Crl[]): string {
  return crls
    .map((item) =>
      facts([
        ['issuer', item.issuer.toString()],
        ['number', item.crlNumber === undefined ? '' : decimal(item.crlNumber)],
        ['current', `${instant(item.thisUpdate)} to ${instant(item.currentUntil)}`],
        ['revoked', String(item.size)],
      ]),
    )
    .join('\n\n')
}

/** CRL numbers are counted, so people see them in decimal. */
function decimal(text: string): string {
  return BigInt(`0x${text}`).toString()
}
