/** `signet probe kit`: clients that servers must refuse. @module cli/probe-kit (floor 8) */
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  abandonStaleIntents,
  currentCrls,
  issueProbeKit,
  type IssuedCertificate,
  type IssuingAuthority,
  type ProbeKit,
  revokeOfKit,
} from '../authority/index.js'
import { refuseForeign } from '../credential/index.js'
import { keyAlgorithmNamed } from '../crypto/index.js'
import { KIT_FOLDERS } from '../probe/index.js'
import { examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { deliver } from './issue-delivery.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { instant, table } from './table.js'

interface KitOptions extends PassphraseOptions {
  readonly out: string
  readonly entity?: string
  readonly keyAlgorithm: string
}

export function registerProbeKit(probe: Command, cli: Invocation): void {
  const command = probe
    .command('kit')
    .summary('make clients that servers must refuse')
    .description(
      'Issue the clients that only an authority can make, each in a credential directory of its own: expired, revoked, for servers only, and of an entity that nobody knows. None of them can be used for anything.',
    )
    .requiredOption('--out <dir>', 'folder for the kit')
    .option('--entity <id>', 'issue the expired and the revoked one to this entity, not to signet-probe')
    .option('--key-algorithm <name>', 'keys to generate: p256, p384, ed25519, rsa2048 …', 'p256')
    .addHelpText(
      'after',
      examples(
        'signet probe kit --out probe-kit --entity billing --passphrase-file ~/passphrase',
        'signet crl publish --out crls.pem',
      ),
    )
  passphraseOptions(command).action(cli.action((options: KitOptions) => run(cli, options)))
}

async function run(cli: Invocation, options: KitOptions): Promise<Outcome> {
  const folder = cli.path(options.out)
  const algorithm = keyAlgorithmNamed(options.keyAlgorithm).name
  for (const name of Object.values(KIT_FOLDERS)) refuseForeign(join(folder, name))
  const rows = await cli.withAuthority(async (authority) => {
    const key = await authority.issuingKey(await cli.authorityPassphrase(authority, options))
    const at = await authority.now()
    await abandonStaleIntents(authority, at)
    const issuing = { authority, key, at, crls: await currentCrls(authority, key, at) }
    const kit = await issueProbeKit(issuing, algorithm, options.entity)
    const delivered = await deliverKit(cli, issuing, kit, folder)
    await revokeOfKit(authority, kit, at)
    return delivered
  })
  const cells = rows.map(({ client, entity, serialNumber, notAfter, directory }) => [
    client,
    entity,
    serialNumber,
    instant(notAfter),
    directory,
  ])
  return {
    data: { kit: folder, clients: rows },
    text: `${table(['client', 'entity', 'serial number', 'until', 'in'], cells)}
Servers learn that one is revoked with the next signet crl publish, once they have its CRL.
Next: signet probe HOST:PORT --credential DIR --kit ${folder}`,
  }
}

interface KitRow {
  readonly client: string
  readonly entity: string
  readonly serialNumber: string
  readonly notAfter: string
  readonly directory: string
}

async function deliverKit(
  cli: Invocation,
  issuing: IssuingAuthority,
  kit: ProbeKit,
  folder: string,
): Promise<readonly KitRow[]> {
  const clients = Object.entries(KIT_FOLDERS) as readonly (readonly [keyof ProbeKit, string])[]
  const issued: readonly IssuedCertificate[] = clients.map(([member]) => kit[member])
  const orders = clients.map(([member, name]) => ({
    directory: join(folder, name),
    request: {
      entity: kit[member].identity.entity,
      profile: kit[member].profile,
      key: { kind: 'generate', algorithm: 'p256' } as const,
    },
  }))
  return (await deliver(cli, issuing, orders, issued)).map(({ entity, serialNumber, notAfter, directory }, index) => ({
    client: clients[index]?.[1] ?? '',
    entity,
    serialNumber,
    notAfter,
    directory,
  }))
}
