/** `signet revoke`. @module cli/revoke (floor 8) */
import type { Command } from 'commander'
import {
  previewRevocation,
  REVOCATION_REASON_CHOICES,
  type RevocationPreview,
  type RevocationTarget,
  revokeCertificates,
} from '../authority/index.js'
import { EncodingError, UsageError } from '../errors/index.js'
import {
  formatGeneralName,
  parseCertificate,
  parseCertificates,
  parseHexText,
  parseSerialText,
  type RevocationReason,
} from '../x509/index.js'
import { choice, examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { instant, table } from './table.js'

interface RevokeOptions {
  readonly serial?: string
  readonly cert?: string
  readonly keyId?: string
  readonly reason: RevocationReason
  readonly preview?: boolean
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
    .option('--preview', 'only show what it would do')
    .addHelpText(
      'after',
      examples(
        'signet revoke compute-07 --preview',
        'signet revoke compute-07 --reason keyCompromise',
        'signet revoke --serial 4f3a…',
        'signet revoke --cert compute-07/tls/current/cert.pem',
      ),
    )
    .action(
      cli.action(async (entity: string | undefined, options: RevokeOptions) => {
        const target = await targetOf(cli, entity, options)
        if (options.preview === true) return preview(cli, target)
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

/** The blast radius: certificates, entities and their roles, and for how long others do not know. */
async function preview(cli: Invocation, target: RevocationTarget): Promise<Outcome> {
  const found = await cli.withAuthority(async (authority) =>
    previewRevocation(authority, target, await authority.now()),
  )
  const certificates = found.certificates.map(({ serialNumber, profile, entityId, notAfter, der }) => ({
    serialNumber,
    profile,
    entityId,
    notAfter,
    names: parseCertificate(der).subjectAltName.map(formatGeneralName),
  }))
  const entities = found.entities.map(({ entity, left }) => ({
    id: entity.id,
    state: entity.state,
    roles: entity.roles,
    left: left.map(({ serialNumber, profile, notAfter }) => ({ serialNumber, profile, notAfter })),
  }))
  const data = { preview: true, certificates, entities, staleUntil: found.staleUntil ?? null }
  return { data, text: previewText({ certificates, entities, staleUntil: found.staleUntil }) }
}

interface PreviewText {
  readonly certificates: readonly {
    readonly serialNumber: string
    readonly profile: string
    readonly notAfter: string
    readonly names: readonly string[]
  }[]
  readonly entities: readonly {
    readonly id: string
    readonly roles: readonly string[]
    readonly left: readonly { readonly profile: string }[]
  }[]
  readonly staleUntil: RevocationPreview['staleUntil']
}

function previewText({ certificates, entities, staleUntil }: PreviewText): string {
  const cut = certificates.map((item) => [
    item.serialNumber,
    item.profile,
    instant(item.notAfter),
    item.names.join(' '),
  ])
  const concerned = entities.map(({ id, roles, left }) => [
    id,
    roles.join(' '),
    left.length === 0 ? 'nothing: it is cut off' : left.map(({ profile }) => profile).join(' '),
  ])
  return [
    table(['would be revoked', 'profile', 'until', 'names'], cut),
    ...(concerned.length === 0 ? [] : [table(['entity', 'roles', 'left with'], concerned)]),
    staleUntil === undefined
      ? 'No CRL was published yet: receivers that ask for one refuse already.'
      : `Who gets no newer CRL believes them until ${instant(staleUntil)}. Nothing was changed.`,
  ].join('\n\n')
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
