/** `signet entity …`: the registry. @module cli/entity (floor 8) */
import type { Command } from 'commander'
import { registerEntity as register } from '../authority/index.js'
import { ENTITY_KINDS, type EntityKind, requireEntity } from '../identity/index.js'
import type { CertificateStatus, EntityEvent, EntityRecord } from '../store/index.js'
import { registerFind } from './entity-find.js'
import { registerList } from './entity-list.js'
import { registerStateChanges } from './entity-state.js'
import { choice, examples, repeatable } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { facts, instant, table } from './table.js'

interface AddOptions {
  readonly kind: EntityKind
  readonly scope?: string
  readonly service?: string
  readonly node?: string
  readonly role?: readonly string[]
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly alias?: readonly string[]
}

export function registerEntity(program: Command, cli: Invocation): void {
  const entity = program
    .command('entity')
    .summary('who exists: the registry')
    .description('The registry of entities: who exists, with which names and roles.')
    .addHelpText('after', examples('signet entity list', 'signet entity add --help'))
  entity
    .command('add <id>')
    .summary('register an entity')
    .description('Register an entity. Its roles come from here, never from whoever asks for a certificate.')
    .requiredOption('--kind <kind>', `what sort of thing it is: ${ENTITY_KINDS.join(', ')}`, choice(ENTITY_KINDS))
    .option('--scope <path>', 'where it belongs, outermost first: region-one/nova')
    .option('--service <name>', 'service in its identity (default: the kind)')
    .option('--node <name>', 'node in its identity (default: the id)')
    .option(
      '--role <role>',
      'a role: ROLE, ROLE@SCOPE, ROLE@SCOPE/* below it, ROLE@SCOPE/** both; repeatable',
      repeatable,
    )
    .option('--dns <name>', 'a host name; repeatable', repeatable)
    .option('--ip <address>', 'an IP address; repeatable', repeatable)
    .option('--alias <name>', 'its name in another system: kite:compute.compute-07; repeatable', repeatable)
    .addHelpText(
      'after',
      examples(
        'signet entity add compute-07 --kind node --service compute --scope region-one/nova --role compute_node --dns compute-07.cloud.example',
      ),
    )
    .action(
      cli.action(async (id: string, options: AddOptions) => {
        const added = await cli.withAuthority(async (authority) =>
          register(
            authority,
            {
              id,
              kind: options.kind,
              ...(options.scope === undefined ? {} : { scope: options.scope }),
              ...(options.service === undefined ? {} : { service: options.service }),
              ...(options.node === undefined ? {} : { node: options.node }),
              roles: options.role ?? [],
              dnsNames: options.dns ?? [],
              ipAddresses: options.ip ?? [],
              aliases: options.alias ?? [],
            },
            await authority.now(),
          ),
        )
        return { data: { entity: added }, text: `registered ${added.id} as ${added.uri}` }
      }),
    )
  registerFind(entity, cli)
  registerList(entity, cli)
  entity
    .command('show <id>')
    .summary('show an entity, its certificates and its history')
    .description('Show an entity, its certificates, and what happened to it.')
    .addHelpText('after', examples('signet entity show compute-07', 'signet entity show compute-07 --json'))
    .action(
      cli.action(async (id: string) =>
        cli.withAuthority(async (authority) =>
          shown(
            await requireEntity(authority.store, id),
            await authority.store.certificates(id),
            await authority.store.entityEvents(id),
          ),
        ),
      ),
    )
  registerStateChanges(entity, cli, ['quarantine', 'release', 'retire'])
}

function shown(
  entity: EntityRecord,
  certificates: readonly CertificateStatus[],
  history: readonly EntityEvent[],
): Outcome {
  const list = certificates.map(({ certificate, revocation }) => ({
    serialNumber: certificate.serialNumber,
    profile: certificate.profile,
    keyIdentifier: certificate.keyIdentifier,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    revoked: revocation?.reason ?? null,
  }))
  const rows = list.map((item) => [item.serialNumber, item.profile, instant(item.notAfter), item.revoked ?? ''])
  return {
    data: { entity, certificates: list, history },
    text: `${facts([
      ['entity', entity.id],
      ['identity', entity.uri],
      ['kind', entity.kind],
      ['roles', entity.roles.join(' ')],
      ['host names', [...entity.dnsNames, ...entity.ipAddresses].join(' ')],
      ['other names', entity.aliases.join(' ')],
      ['state', entity.state],
      ['registered', instant(entity.createdAt)],
    ])}${rows.length === 0 ? '' : `\n\n${table(['serial number', 'profile', 'until', 'revoked'], rows)}`}\n\n${table(
      ['when', 'what happened'],
      history.map(({ at, event }) => [instant(at), event]),
    )}`,
  }
}
