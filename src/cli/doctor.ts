/** `signet doctor`: what is broken, and what will be. @module cli/doctor (floor 8) */
import type { Command } from 'commander'
import { examine, type Finding } from '../agent/index.js'
import { StateError, StoreError, UsageError } from '../errors/index.js'
import { lookAt } from '../files/index.js'
import { parseDuration } from '../time/index.js'
import { configurationOf } from './agent.js'
import { examples } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { instant, table } from './table.js'

interface DoctorOptions {
  readonly config?: string
  readonly authority?: boolean
  readonly within?: string
}

export function registerDoctor(program: Command, cli: Invocation): void {
  program
    .command('doctor [directories...]')
    .summary('what will break when')
    .description(
      'Look at credential directories, at what an agent keeps and at an authority: what is broken, and when what will be. Changes nothing and asks nobody. Ends with 0 only if nothing is broken.',
    )
    .option('--config <file>', 'configuration of an agent: its directories, status and trust directory, too')
    .option('--authority', 'the authority of SIGNET_HOME, too; --home says as much')
    .option('--within <duration>', 'how long before its end something is soon (default: 14d, or a quarter of its life)')
    .addHelpText(
      'after',
      examples(
        'signet doctor /etc/signet/web',
        'signet doctor --config /etc/signet/agent.yaml --within 7d',
        'signet doctor --home /var/lib/signet --json',
      ),
    )
    .action(cli.action((directories: readonly string[], options: DoctorOptions) => run(cli, directories, options)))
}

async function run(cli: Invocation, directories: readonly string[], options: DoctorOptions): Promise<Outcome> {
  const { config, within } = options
  const isOfAuthority = options.authority === true || cli.isHomeGiven
  if (directories.length === 0 && config === undefined && !isOfAuthority) {
    throw new UsageError('ERR_USAGE', 'name a credential directory, --config, --home or --authority', {
      hint: 'signet doctor --help shows how',
    })
  }
  const paths = directories.map((directory) => cli.path(directory))
  for (const path of paths) requireThere(path)
  const findings = await examine({
    directories: paths,
    configuration: config === undefined ? undefined : configurationOf(cli, config),
    home: isOfAuthority ? cli.home : undefined,
    clock: cli.environment.clock,
    withinSeconds: within === undefined ? undefined : parseDuration(within),
  })
  const outcome = { data: { findings: findings.map(jsonOf), calendar: calendarOf(findings) }, text: textOf(findings) }
  const broken = findings.filter(({ severity }) => severity === 'broken')
  const [first] = broken
  if (first === undefined) return outcome
  const count = broken.length === 1 ? 'one thing is broken' : `${broken.length} things are broken`
  const error = new StateError('ERR_DOCTOR_BROKEN', `${count}, first ${first.subject}: ${first.message}`, {
    details: { broken: String(broken.length) },
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  })
  throw new RefusedOutcome(outcome, error)
}

/** What is named and is not there was misspelt; what a configuration names and is not there is broken. */
function requireThere(path: string): void {
  if (lookAt(path) !== undefined) return
  throw new StoreError('ERR_FILE_READ', `there is no ${path}`, {
    details: { path },
    hint: 'name a credential directory: the --out of signet issue',
  })
}

function jsonOf({ until, ...finding }: Finding): Record<string, unknown> {
  return { ...finding, until: until?.toISOString() ?? null }
}

/** Everything that ends, what ends first at the top. */
function calendarOf(findings: readonly Finding[]): readonly Record<string, unknown>[] {
  return findings
    .filter(({ until }) => until !== undefined)
    .toSorted((a, b) => (a.until?.getTime() ?? 0) - (b.until?.getTime() ?? 0))
    .map(({ until, what, subject, severity }) => ({ until: until?.toISOString(), what, subject, severity }))
}

function textOf(findings: readonly Finding[]): string {
  const rows = findings.map(({ severity, until, what, subject, message, hint }) => [
    severity,
    until === undefined ? '' : instant(until.toISOString()),
    what,
    subject,
    severity === 'ok' || hint === undefined ? message : `${message}: ${hint}`,
  ])
  return table(['state', 'until', 'what', 'where', 'finding'], rows)
}
