/** `signet issue` and `signet renew`. @module cli/issue (floor 8) */
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  abandonStaleIntents,
  type Authority,
  currentCrls,
  ENTITY_PROFILES,
  issueCertificates,
  type IssuedCertificate,
  type IssueRequest,
  type IssuingAuthority,
  type KeySource,
  type Profile,
  profileNamed,
  PROFILES,
  renewCertificates,
} from '../authority/index.js'
import { deliverCredential, refuseForeign } from '../credential/index.js'
import { keyAlgorithmNamed } from '../crypto/index.js'
import { UsageError } from '../errors/index.js'
import { parseDuration } from '../time/index.js'
import { parseCertificationRequest } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { instant, table } from './table.js'

interface IssueOptions extends PassphraseOptions {
  readonly profile?: string
  readonly csr?: string
  readonly out?: string
  readonly validity?: string
  readonly keyAlgorithm: string
  readonly all?: boolean
}

/** A certificate to make and the folder that it goes to. */
interface Order {
  readonly request: IssueRequest
  readonly directory: string
}

/** Entities whose certificates share two commits with `--all`. */
const BATCH = 50

export function registerIssue(program: Command, cli: Invocation): void {
  const issue = program
    .command('issue [entity]')
    .summary('issue certificates to an entity')
    .description(
      'Issue certificates to a registered entity. Without --profile: a TLS certificate in DIR/tls and a signing certificate in DIR/signer. With it, or with --csr: one, in DIR.',
    )
    .option('--all', 'to every active entity, in DIR/ENTITY')
  options(issue)
    .addHelpText(
      'after',
      examples(
        'signet issue compute-07 --out compute-07 --passphrase-file ~/passphrase',
        'signet issue compute-07 --profile server --csr compute-07.csr --out compute-07-tls',
        'signet issue --all --out credentials',
      ),
    )
    .action(cli.action((entity: string | undefined, given: IssueOptions) => run(cli, entity, given, issueCertificates)))
  options(program.command('renew <entity>').summary('renew the certificates of an entity'))
    .description(
      'Issue the next certificates of an entity: the same identity, new keys. The old ones stay valid until they end.',
    )
    .addHelpText('after', examples('signet renew compute-07 --out compute-07 --passphrase-file ~/passphrase'))
    .action(cli.action((entity: string, given: IssueOptions) => run(cli, entity, given, renewCertificates)))
}

function options(command: Command): Command {
  return passphraseOptions(command)
    .option('--profile <name>', `one certificate of this profile: ${ENTITY_PROFILES.join(', ')}`)
    .option('--csr <file>', 'certification request of the key holder (default profile: peer)')
    .option('--out <dir>', 'credential directory (default: the name of the entity)')
    .option('--validity <duration>', 'life of the certificates, such as 24h or 30d (default: 30d)')
    .option('--key-algorithm <name>', 'keys to generate: p256, p384, ed25519, rsa2048, rsa3072, ml-dsa-65 …', 'p256')
}

async function run(
  cli: Invocation,
  entity: string | undefined,
  given: IssueOptions,
  make: (issuing: IssuingAuthority, requests: readonly IssueRequest[]) => Promise<readonly IssuedCertificate[]>,
): Promise<Outcome> {
  if ((entity === undefined) === (given.all !== true)) {
    throw new UsageError('ERR_USAGE', 'name one entity, or say --all', { hint: 'signet issue --help' })
  }
  if (given.all === true && given.csr !== undefined) throw new UsageError('ERR_USAGE', 'a request is for one entity')
  const keySource = await keySourceOf(cli, given)
  return cli.withAuthority(async (authority) => {
    const entities = entity === undefined ? await activeEntities(authority) : [entity]
    const batches = entities.map((id) => ordersFor(cli, id, given, keySource))
    for (const { directory } of batches.flat()) refuseForeign(directory)
    return fulfil(cli, authority, batches, given, make)
  })
}

async function activeEntities(authority: Authority): Promise<readonly string[]> {
  return (await authority.store.entities()).filter((item) => item.state === 'active').map((item) => item.id)
}

async function keySourceOf(cli: Invocation, given: IssueOptions): Promise<KeySource> {
  if (given.csr === undefined) return { kind: 'generate', algorithm: keyAlgorithmNamed(given.keyAlgorithm).name }
  return { kind: 'request', request: parseCertificationRequest(await cli.readDocument(given.csr)) }
}

function ordersFor(cli: Invocation, entity: string, given: IssueOptions, key: KeySource): readonly Order[] {
  const directory = given.all === true ? join(cli.path(given.out ?? '.'), entity) : cli.path(given.out ?? entity)
  const order = (profile: Profile, folder: string): Order => ({
    directory: folder,
    request: {
      entity,
      profile,
      key,
      ...(given.validity === undefined ? {} : { validitySeconds: parseDuration(given.validity) }),
    },
  })
  if (given.profile !== undefined) return [order(profileNamed(given.profile), directory)]
  if (key.kind === 'request') return [order(PROFILES.peer, directory)]
  return [order(PROFILES.peer, join(directory, 'tls')), order(PROFILES.signer, join(directory, 'signer'))]
}

async function fulfil(
  cli: Invocation,
  authority: Authority,
  perEntity: readonly (readonly Order[])[],
  given: IssueOptions,
  make: (issuing: IssuingAuthority, requests: readonly IssueRequest[]) => Promise<readonly IssuedCertificate[]>,
): Promise<Outcome> {
  const key = await authority.issuingKey(await cli.authorityPassphrase(authority, given))
  const at = await authority.now()
  await abandonStaleIntents(authority, at)
  const issuing: IssuingAuthority = { authority, key, at, crls: await currentCrls(authority, key, at) }
  const progress = cli.progress('issuing', perEntity.length)
  const delivered: Delivered[] = []
  for (let first = 0; first < perEntity.length; first += BATCH) {
    const orders = perEntity.slice(first, first + BATCH).flat()
    const certificates = await make(
      issuing,
      orders.map((order) => order.request),
    )
    for (const [index, order] of orders.entries())
      delivered.push(deliver(cli, issuing, order, certificates[index] as IssuedCertificate))
    progress.advance(Math.min(first + BATCH, perEntity.length))
  }
  progress.finish()
  if (delivered.some((item) => item.shortened)) {
    cli.note(`the issuing CA ends at ${instant(authority.issuing.notAfter)}: certificates were cut to that`)
  }
  const rows = delivered.map((item) => [
    item.entity,
    item.profile,
    item.serialNumber,
    instant(item.notAfter),
    item.directory,
  ])
  return { data: { certificates: delivered }, text: table(['entity', 'profile', 'serial number', 'until', 'in'], rows) }
}

interface Delivered {
  readonly entity: string
  readonly profile: string
  readonly serialNumber: string
  readonly keyIdentifier: string
  readonly fingerprint: string
  readonly uri: string
  readonly notBefore: string
  readonly notAfter: string
  readonly shortened: boolean
  /** The credential directory; the certificate is in its `current`. */
  readonly directory: string
}

function deliver(
  cli: Invocation,
  { authority, crls, at }: IssuingAuthority,
  { directory }: Order,
  issued: IssuedCertificate,
): Delivered {
  const { certificate, identity, profile, privateKey, shortened } = issued
  const credential = {
    certificate,
    chain: [authority.issuing],
    anchor: authority.root,
    crls,
    identity,
    profile: profile.name,
    purpose: profile.purposes[0] ?? ('allow-any' as const),
    ...(privateKey === undefined ? {} : { privateKey }),
  }
  try {
    deliverCredential(directory, credential, at)
  } catch (error) {
    const { serialNumber } = certificate
    cli.note(
      `the certificate ${serialNumber} is recorded and could not be delivered: signet revoke --serial ${serialNumber}`,
    )
    throw error
  }
  return {
    entity: identity.entity,
    profile: profile.name,
    serialNumber: certificate.serialNumber,
    keyIdentifier: certificate.keyIdentifier,
    fingerprint: certificate.fingerprint,
    uri: identity.uri,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    shortened,
    directory,
  }
}
