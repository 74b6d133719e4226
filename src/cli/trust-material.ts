/**
 * What a command shall believe: anchors, CRLs and OCSP responses from files, or those of this authority.
 *
 * @module cli/trust-material (floor 8)
 */
import { EncodingError, TrustError, UsageError } from '../errors/index.js'
import { type RevocationPolicy, validatePath, type ValidatedPath } from '../path/index.js'
import { type Certificate, type Crl, parseCertificates, parseCrls, parseOcspResponse } from '../x509/index.js'
import type { OptionDeclaration } from './declaration.js'
import type { Invocation } from './invocation.js'

/** Options that say what to believe. */
export interface TrustOptions {
  readonly ca?: readonly string[]
  readonly crl?: readonly string[]
  readonly ocsp?: readonly string[]
  readonly untrusted?: readonly string[]
  readonly at?: string
  readonly allowUncheckedRevocation?: boolean
}

/** The options that say what to believe. */
export const TRUST_OPTIONS: readonly OptionDeclaration[] = [
  {
    flags: '--ca <file>',
    description: 'trust anchors; repeatable (default: the root of this authority)',
    occurrence: 'repeatable',
  },
  {
    flags: '--crl <file>',
    description: 'CRLs; repeatable (default: the newest of this authority)',
    occurrence: 'repeatable',
  },
  { flags: '--ocsp <file>', description: 'OCSP responses in DER; repeatable', occurrence: 'repeatable' },
  { flags: '--untrusted <file>', description: 'certificates that may help; repeatable', occurrence: 'repeatable' },
  { flags: '--at <time>', description: 'instant, such as 2027-01-31T12:00:00Z (default: now)' },
  { flags: '--allow-unchecked-revocation', description: 'do not ask whether certificates are revoked' },
]

/** What the options name, read. */
export interface TrustMaterial {
  readonly anchors: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
  readonly revocation: RevocationPolicy
  readonly at: Date
}

/** The first certificate of a file, and those after it, which may help. */
export async function targetOf(
  cli: Invocation,
  file: string,
): Promise<{ readonly target: Certificate; readonly others: readonly Certificate[] }> {
  const [target, ...others] = parseCertificates(await cli.readDocument(file))
  if (target === undefined) throw new EncodingError('ERR_CERTIFICATE_MALFORMED', `there is no certificate in ${file}`)
  return { target, others }
}

/** Validate the first certificate of a file against anchors and CRLs from files, or those of this authority. */
export async function verifiedPath(cli: Invocation, file: string, options: TrustOptions): Promise<ValidatedPath> {
  const { target, others } = await targetOf(cli, file)
  const { anchors, intermediates, revocation, at } = await trustMaterial(cli, options)
  const path = validatePath(target, {
    anchors,
    intermediates: [...others, ...intermediates],
    at,
    purpose: 'allow-any',
    revocation,
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

export async function trustMaterial(cli: Invocation, options: TrustOptions): Promise<TrustMaterial> {
  const at = options.at === undefined ? cli.now() : parseInstant(options.at)
  const untrusted = await readAll(cli, options.untrusted, parseCertificates)
  const crls = await readAll(cli, options.crl, parseCrls)
  const ocspResponses = await readAll(cli, options.ocsp, (bytes) => [parseOcspResponse(bytes)])
  const revocation = (known: readonly Crl[]): RevocationPolicy =>
    options.allowUncheckedRevocation === true ? 'allow-unchecked' : { crls: known, ocspResponses }
  if (options.ca !== undefined) {
    const anchors = await readAll(cli, options.ca, parseCertificates)
    return { anchors, intermediates: untrusted, revocation: revocation(crls), at }
  }
  return cli.withAuthority(async (authority) => {
    const { latestCrl, latestDeltaCrl } = await import('../authority/index.js')
    const { anchors, authorities, root } = authority
    const own = authorities.flatMap((issuer) => [latestCrl(authority, issuer), latestDeltaCrl(authority, issuer)])
    const found = await Promise.all([...own, latestCrl(authority, root)])
    const known = found.filter((crl) => crl !== undefined)
    return {
      anchors,
      intermediates: [...untrusted, ...authorities],
      revocation: revocation(options.crl === undefined ? known : crls),
      at,
    }
  })
}

async function readAll<T>(
  cli: Invocation,
  files: readonly string[] = [],
  parse: (bytes: Uint8Array) => readonly T[],
): Promise<readonly T[]> {
  return (await Promise.all(files.map(async (name) => parse(await cli.readDocument(name))))).flat()
}

/** An instant as people write it: ISO 8601 with its time zone. */
export function parseInstant(text: string): Date {
  const isInForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text)
  const date = new Date(isInForm ? text : Number.NaN)
  // JavaScript takes 30 February for 2 March, and 24 o'clock for the next day: then the fields do not come back.
  const fields = text.slice(0, 16)
  if (Number.isNaN(date.getTime()) || !new Date(`${fields}Z`).toISOString().startsWith(fields)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not an instant: ${JSON.stringify(text)}`, {
      hint: 'write 2027-01-31T12:00:00Z',
    })
  }
  return date
}
