/** `signet issue` and `signet renew`. @module cli/issue (floor 8) */
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
  renewCertificates,
} from '../authority/index.js'
import { UsageError } from '../errors/index.js'
import { refuseUnwritable } from '../files/index.js'
import { examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { issueToAll, noteShortened } from './issue-all.js'
import { deliver, HEADINGS, type IssueOptions, keySourceOf, ordersFor, refuseUnfit, rowOf } from './issue-delivery.js'
import { passphraseOptions } from './passphrase.js'
import { table } from './table.js'

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
        'signet issue db-01 --profile server --out /etc/signet/db-01 --group postgres',
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
    .option(
      '--group <name>',
      'group that may read the keys, too, or its number (default: that of the directory, if any)',
    )
    .option('--validity <duration>', 'life of the certificates, such as 24h or 30d (default: 30d)')
    .option('--key-algorithm <name>', 'keys to generate: p256, p384, ed25519, rsa2048, rsa3072, ml-dsa-65 …', 'p256')
}

async function run(
  cli: Invocation,
  entity: string | undefined,
  given: IssueOptions,
  make: (issuing: IssuingAuthority, requests: readonly IssueRequest[]) => Promise<readonly IssuedCertificate[]>,
): Promise<Outcome | undefined> {
  if ((entity === undefined) === (given.all !== true)) {
    throw new UsageError('ERR_USAGE', 'name one entity, or say --all', { hint: 'signet issue --help' })
  }
  if (given.all === true && given.csr !== undefined) throw new UsageError('ERR_USAGE', 'a request is for one entity')
  const keySource = await keySourceOf(cli, given)
  return cli.withAuthority(async (authority) => {
    const open = (): Promise<IssuingAuthority> => openIssuing(cli, authority, given)
    if (entity === undefined) {
      await issueToAll(cli, authority, given, keySource, open)
      return undefined
    }
    const orders = ordersFor(cli, entity, given, keySource)
    for (const order of orders) {
      refuseUnfit(order)
      refuseUnwritable(order.directory)
    }
    const issuing = await open()
    const issued = await make(
      issuing,
      orders.map(({ request }) => request),
    )
    const delivered = await deliver(cli, issuing, orders, issued)
    if (delivered.some(({ shortened }) => shortened)) noteShortened(cli, authority)
    return { data: { certificates: delivered }, text: table(HEADINGS, delivered.map(rowOf)) }
  })
}

async function openIssuing(cli: Invocation, authority: Authority, given: IssueOptions): Promise<IssuingAuthority> {
  const key = await authority.issuingKey(await cli.authorityPassphrase(authority, given))
  const at = await authority.now()
  await abandonStaleIntents(authority, at)
  return { authority, key, at, crls: await currentCrls(authority, key, at) }
}
