/** `signet config plan`: every channel of a deployment, and what is wrong with it. @module cli/config-plan (floor 8) */
import type { Command } from 'commander'
import {
  type ChannelPlan,
  channelsSvg,
  configureDeployment,
  type Deployment,
  parseDeployment,
  type PlannedHop,
  planChannels,
} from '../channels/index.js'
import { DeniedError, UsageError } from '../errors/index.js'
import { readFileText, refuseExisting } from '../files/index.js'
import { writeFiles } from './config-files.js'
import { examples } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { table } from './table.js'

interface PlanOptions {
  readonly picture?: string
  readonly out?: string
  readonly force?: boolean
}

export function registerConfigPlan(config: Command, cli: Invocation): void {
  config
    .command('plan <deployment>')
    .summary('every channel of a deployment, and what is wrong with it')
    .description(
      'List the channels that a deployment.yaml describes: what is encrypted, who decrypts it, whose certificates count. Exit code 0 only if none of them has a hole.',
    )
    .option('--picture <file>', 'draw them into this SVG file')
    .option(
      '--out <dir>',
      'folder for the configurations of all servers, each below its name; not where there is a hole',
    )
    .option('--force', 'replace files that are there')
    .addHelpText(
      'after',
      examples(
        'signet config plan deployment.yaml',
        'signet config plan deployment.yaml --picture channels.svg --out configurations',
      ),
    )
    .action(
      cli.action((file: string, own: PlanOptions) => {
        const options = { ...own, ...optionsOf(config) }
        const deployment = parseDeployment(readFileText(cli.path(file)))
        const plan = planChannels(deployment)
        const holes = plan.findings.filter(({ severity }) => severity === 'hole').length
        const written = [
          ...drawn(cli, plan, deployment, options),
          ...(holes === 0 ? configured(cli, deployment, options) : []),
        ]
        const outcome = outcomeOf(plan, written)
        if (holes === 0) return outcome
        throw new RefusedOutcome(
          outcome,
          new DeniedError(
            'ERR_CHANNEL_HOLE',
            `the channels of this deployment have ${holes === 1 ? 'a hole' : `${holes} holes`}`,
            {
              hint: 'each is listed with what closes it: docs/deployments/README.md',
            },
          ),
        )
      }),
    )
}

/** Options that `signet config` has, too, end there, wherever they are written. Those that mean nothing here are refused. */
function optionsOf(config: Command): PlanOptions {
  const given = Object.entries(config.opts()).filter(([name]) => config.getOptionValueSource(name) === 'cli')
  const foreign = config.options.find(
    (option) =>
      !['out', 'force'].includes(option.attributeName()) && given.some(([name]) => name === option.attributeName()),
  )
  if (foreign === undefined) return Object.fromEntries(given)
  throw new UsageError('ERR_USAGE', `unknown option '${foreign.long ?? foreign.flags}'`, {
    hint: 'signet config plan --help shows how',
  })
}

function drawn(
  cli: Invocation,
  plan: ChannelPlan,
  deployment: Deployment,
  { picture, force }: PlanOptions,
): readonly string[] {
  return picture === undefined ? [] : [cli.writeOutput(picture, channelsSvg(plan, deployment), force)]
}

function configured(cli: Invocation, deployment: Deployment, { out, force }: PlanOptions): readonly string[] {
  if (out === undefined) return []
  const root = cli.outputPath(out)
  const existing = force === true ? 'replace' : 'refuse'
  if (existing === 'refuse') refuseExisting(root)
  // All of them are made before any is written.
  return configureDeployment(deployment).flatMap(({ endpoint, configuration }) =>
    writeFiles(configuration.files, `${root}/${endpoint}`, existing).map(({ written }) => written),
  )
}

function outcomeOf(plan: ChannelPlan, written: readonly string[]): Outcome {
  const rows = plan.channels.flatMap(({ name, hops }) =>
    hops.map((hop, index) => [index === 0 ? name : '', `${hop.from} → ${hop.to}`, hop.network, ...protectionOf(hop)]),
  )
  const findings = plan.findings.map(({ severity, code, where, message, hint }) => [
    severity,
    code,
    where,
    message,
    hint,
  ])
  return {
    data: { ...plan, written },
    text: [
      table(['channel', 'hop', 'network', 'tls', 'decrypted at', 'server', 'client', 'name checked'], rows),
      '',
      findings.length === 0 ? 'nothing found' : table(['severity', 'finding', 'where', 'what', 'what to do'], findings),
      ...written.map((path) => `wrote ${path}`),
    ].join('\n'),
  }
}

function protectionOf(hop: PlannedHop): readonly string[] {
  const { tls, decryptedAt, serverCertificate, clientCertificate, hostName } = hop
  return [
    tls,
    decryptedAt ?? 'not encrypted',
    serverCertificate?.domain ?? '-',
    clientCertificate?.domain ?? '-',
    hostName ?? '-',
  ]
}
