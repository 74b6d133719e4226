/** `signet policy export`: a policy in the words of a broker. @module cli/policy-export (floor 8) */
import { join } from 'node:path'
import { Argument, type Command } from 'commander'
import { type Broker, BROKERS, exportFor, permissionsOf } from '../brokers/index.js'
import { PUBLIC_DIRECTORY_MODE, PUBLIC_MODE, writeDirectoryAtomic, writeNew } from '../files/index.js'
import { eachEntity, type Identity, identityOf, RoleGraph } from '../identity/index.js'
import { choice, examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { readPolicy } from './policy-file.js'

interface ExportCommandOptions {
  readonly out: string
  readonly credential?: string
  readonly config?: string
  readonly address?: string
  readonly port?: number
  readonly vhost?: string
  readonly exchange?: string
  readonly sharedExchange?: boolean
  readonly broker?: readonly string[]
}

export function registerPolicyExport(policy: Command, cli: Invocation): void {
  policy
    .command('export')
    .summary('the permissions of a broker')
    .description(
      'Write what a policy allows the registered entities in the words of a broker: users by certificate, what each may publish and consume.',
    )
    .addArgument(new Argument('<broker>', BROKERS.join(', ')).argParser(choice(BROKERS)))
    .argument('<policy>')
    .requiredOption('--out <dir>', 'new folder for the files')
    .option('--credential <dir>', "the broker's own credential, on its machine")
    .option('--config <dir>', 'where the files will be, on its machine')
    .option('--address <ip>', 'address that it listens at')
    .option('--port <port>', 'port that it listens at', Number)
    .option('--vhost <name>', 'RabbitMQ: virtual host')
    .option('--exchange <name>', 'RabbitMQ: exchange of the shared layout')
    .option('--shared-exchange', 'RabbitMQ: one exchange for all, queues declared by clients; see docs/brokers.md')
    .option('--broker <entity>', 'Kafka: an entity that is a broker itself; repeatable', repeatable)
    .addHelpText(
      'after',
      examples(
        'signet policy export rabbitmq policy.yaml --out rabbitmq',
        'signet policy export nats policy.yaml --out nats --port 4222 --credential /etc/signet/tls',
      ),
    )
    .action(
      cli.action(async (broker: Broker, file: string, options: ExportCommandOptions) => {
        const permissions = permissionsOf(readPolicy(cli, file), await activeIdentities(cli), {
          // Kafka has no wildcard for one segment.
          receivers: broker === 'kafka' ? 'named' : 'any',
        })
        const { files, notes } = exportFor(broker, permissions, {
          ...(options.credential === undefined ? {} : { credentialDirectory: options.credential }),
          ...(options.config === undefined ? {} : { configDirectory: options.config }),
          ...(options.address === undefined ? {} : { address: options.address }),
          ...(options.port === undefined ? {} : { port: options.port }),
          ...(options.vhost === undefined ? {} : { vhost: options.vhost }),
          ...(options.exchange === undefined ? {} : { exchange: options.exchange }),
          ...(options.sharedExchange === true ? { layout: 'allow-shared-exchange' as const } : {}),
          ...(options.broker === undefined ? {} : { brokers: options.broker }),
        })
        const directory = cli.path(options.out)
        writeDirectoryAtomic(directory, PUBLIC_DIRECTORY_MODE, (stage) => {
          for (const { name, content } of files) writeNew(join(stage, name), content, PUBLIC_MODE)
        })
        const paths = files.map(({ name }) => join(directory, name))
        return {
          data: { broker, users: permissions.users.length, files: paths, notes },
          text: [
            `${permissions.users.length} entities may talk to ${broker}`,
            ...paths.map((path) => `wrote ${path}`),
            ...notes.map((note) => `note: ${note}`),
          ].join('\n'),
        }
      }),
    )
}

async function activeIdentities(cli: Invocation): Promise<readonly Identity[]> {
  return cli.withAuthority(async ({ store }) => {
    const roles = new RoleGraph(await store.roles())
    const identities: Identity[] = []
    for await (const entity of eachEntity(store)) {
      if (entity.state === 'active') identities.push(identityOf(entity, roles))
    }
    return identities
  })
}
