/** `signet config`: configurations of real servers. @module cli/config (floor 8) */
import { Argument, type Command } from 'commander'
import { BROKERS } from '../brokers/index.js'
import { UsageError } from '../errors/index.js'
import {
  CONFIG_FORMS,
  type ConfigForm,
  configureAs,
  SERVER_KINDS,
  type ServerConfiguration,
  type ServerFacts,
  serverKind,
  type ServerKind,
} from '../servers/index.js'
import { registerConfigPlan } from './config-plan.js'
import { checkConfiguration } from './config-check.js'
import { describeFiles, writeFiles } from './config-files.js'
import { planOf, type PlanWords } from './config-server.js'
import { choice, examples, repeatable } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { table } from './table.js'

interface ConfigOptions extends PlanWords {
  readonly list?: boolean
  readonly check?: readonly string[]
  readonly form: ConfigForm
  readonly out?: string
  readonly dryRun?: boolean
  readonly force?: boolean
}

export function registerConfig(program: Command, cli: Invocation): void {
  const names = SERVER_KINDS.map(({ name }) => name)
  const config = program
    .command('config')
    .summary('configurations of servers: nginx, PostgreSQL …')
    .description(
      'Write the whole configuration of a server that knows clients by our certificates, and lets in only whom you name; or say what is wrong with one that you have.',
    )
    .addArgument(new Argument('[server]', names.join(', ')))
    .option('--list', 'which servers there are, and how they behave')
    .option('--check <file...>', 'look for holes in these configuration files instead; of clients, too: config client')
    .option('--credential <dir>', "the server's credential directory, on its machine", '/etc/signet/tls')
    .option('--listen <place>', 'ADDRESS:PORT or unix:PATH (default: its usual port, everywhere)')
    .option('--socket-mode <mode>', 'of unix:PATH: 0600 or 0660')
    .option('--socket-owner <user>', 'of unix:PATH: its owner')
    .option('--socket-group <group>', 'of unix:PATH: who may connect with mode 0660')
    .option('--backend <place>', 'proxies hand on to http://127.0.0.1:PORT, unix:PATH or mtls://HOST:PORT')
    .option('--backend-name <name>', 'of mtls: what the certificate there must say (default: HOST)')
    .option('--backend-credential <dir>', 'of mtls: what the proxy shows there (default: --credential)')
    .option('--route <name=host:port>', 'hand connections on unopened, by server name; repeatable', repeatable)
    .option('--allow-role <role>', 'let in who holds it; repeatable', repeatable)
    .option('--allow-entity <id>', 'let in this one; repeatable', repeatable)
    .option('--policy <file>', 'brokers: what each may publish and consume, by this policy')
    .option('--pin-keys', 'NATS, which reads no CRLs: let in only keys of certificates that are good now')
    .option('--allow-tls12', 'speak TLS 1.2, too')
    .option('--config <dir>', 'where its files will be, on its machine')
    .option('--state <dir>', 'where it writes, on its machine')
    .option('--user <name>', 'whom it runs as')
    .option('--group <name>', 'and the group')
    .option('--form <form>', CONFIG_FORMS.join(', '), choice(CONFIG_FORMS), 'files')
    .option('--out <dir>', 'folder for the files, each below it by its whole path')
    .option('--force', 'replace files that are there')
    .option('--dry-run', 'print the files; where --out is there, what would change')
    .addHelpText(
      'after',
      examples(
        'signet config nginx --backend http://127.0.0.1:8080 --allow-role compute_node --out nginx --form systemd',
        'signet config haproxy --route api.cloud.example=10.0.0.7:8443 --dry-run',
        'signet config nginx --check /etc/nginx/nginx.conf /etc/nginx/conf.d/*.conf',
        'signet config nats --allow-role compute_node --policy policy.yaml --form systemd --out nats',
        'signet config --list',
      ),
    )
    .action(
      cli.action(async (server: string | undefined, options: ConfigOptions) => {
        if (options.list === true) return listOutcome()
        if (server === undefined) {
          throw new UsageError('ERR_USAGE', 'no server is named', {
            hint: `name one of ${names.join(', ')}, or --list`,
          })
        }
        if (server === 'client' && options.check !== undefined) return checkConfiguration(cli, server, options.check)
        if (!names.includes(server)) {
          throw new UsageError('ERR_USAGE', `not a server: ${JSON.stringify(server)}`, {
            hint: `name one of ${names.join(', ')}`,
          })
        }
        const kind = serverKind(server)
        if (options.check !== undefined) return checkConfiguration(cli, kind, options.check)
        const plan = await planOf(cli, kind, options)
        const configuration = configureAs(options.form, kind, plan)
        if (plan.permissions === undefined && BROKERS.some((name) => name === kind.name)) {
          cli.note('without --policy nobody may publish or consume anything')
        }
        return options.dryRun === true || options.out === undefined
          ? dryRun(cli, kind, configuration, options)
          : written(cli, kind, configuration, { ...options, out: options.out })
      }),
    )
  registerConfigPlan(config, cli)
}

function dryRun(
  cli: Invocation,
  kind: ServerKind,
  configuration: ServerConfiguration,
  options: ConfigOptions,
): Outcome {
  const root = options.out === undefined ? undefined : cli.path(options.out)
  const { text, files } = describeFiles(configuration.files, root)
  return {
    data: { server: kind.name, form: options.form, files, ...commandsOf(configuration) },
    text: [text, ...commandLines(configuration)].join('\n'),
  }
}

function written(
  cli: Invocation,
  kind: ServerKind,
  configuration: ServerConfiguration,
  { out, force, form }: ConfigOptions & { readonly out: string },
): Outcome {
  const files = writeFiles(configuration.files, cli.outputPath(out), force === true ? 'replace' : 'refuse')
  return {
    data: { server: kind.name, form, files, ...commandsOf(configuration) },
    text: [
      table(
        ['wrote', 'mode', 'owner'],
        files.map(({ written: path, mode, owner, group }) => [path, mode, `${owner}:${group}`]),
      ),
      ...commandLines(configuration),
    ].join('\n'),
  }
}

function commandsOf({ start, test, reload, notes }: ServerConfiguration): Record<string, unknown> {
  return { start, ...(test === undefined ? {} : { test }), reload, notes }
}

function commandLines({ start, test, reload, notes }: ServerConfiguration): readonly string[] {
  const line = (name: string, command: readonly string[]): string => `${name.padEnd(8)}${command.map(quoted).join(' ')}`
  return [
    line('start', start),
    ...(test === undefined ? [] : [line('test', test)]),
    ...reload.map((command) => line('reload', command)),
    ...notes.map((note) => `note: ${note}`),
  ]
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

function listOutcome(): Outcome {
  const rows = SERVER_KINDS.map(({ name, role, facts }) => [name, role, facts.version, ...factWords(facts)])
  return {
    data: { servers: SERVER_KINDS.map(({ name, title, role, facts }) => ({ name, title, role, ...facts })) },
    text: table(
      ['server', 'is a', 'as seen on', 'knows clients by', 'CRLs', 'new ones count', 'broken pair', 'who is connected'],
      rows,
    ),
  }
}

/** What {@link ServerFacts} say, for people. */
export function factWords({ identity, crls, crlsCount, brokenPair, disconnect }: ServerFacts): readonly string[] {
  return [
    { uri: 'URI', dns: 'DNS name', subject: 'subject', 'common-name': 'common name', none: 'nothing' }[identity],
    { 'every-ca': 'of every CA', 'issuing-ca': 'of the issuing CA', 'serials-only': 'serial numbers', none: 'none' }[
      crls
    ],
    { 'on-reload': 'after a reload', 'at-once': 'at once', never: 'never' }[crlsCount],
    { 'old-stays': 'the old one stays', outage: 'outage' }[brokenPair],
    disconnect === 'on-reload' ? 'until a reload' : disconnect === 'restart' ? 'until a restart' : 'until told to go',
  ]
}
