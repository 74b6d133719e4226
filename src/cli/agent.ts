/** `signet agent …`: keeps credential directories fresh. @module cli/agent (floor 8) */
import { randomInt } from 'node:crypto'
import { dirname } from 'node:path'
import { realpathSync } from 'node:fs'
import type { Command } from 'commander'
import {
  type AgentConfiguration,
  AgentControl,
  type AgentEnvironment,
  type AgentEvent,
  agentUnits,
  type AgentStatus,
  type LastError,
  openAgent,
  parseAgentConfiguration,
  readStatus,
  runAgent,
} from '../agent/index.js'
import { ERROR_CODES, SignetError, StateError } from '../errors/index.js'
import { readFileText } from '../files/index.js'
import { examples } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { facts, instant, table } from './table.js'

interface ConfigOption {
  readonly config: string
}

interface RunOptions extends ConfigOption {
  readonly once?: boolean
  readonly renew?: boolean
}

const CONFIG = ['--config <file>', 'the configuration: see docs/agent.md'] as const

export function registerAgent(program: Command, cli: Invocation): void {
  const agent = program
    .command('agent')
    .summary('keep credentials fresh')
    .description(
      'Keep credential directories fresh: renew, deliver CRLs, reload servers, and go back where that fails.',
    )
    .addHelpText('after', examples('signet agent --config agent.yaml', 'signet agent --config agent.yaml --once'))
  registerRun(agent, cli)
  registerStatus(agent, cli)
  registerUnits(agent, cli)
}

function registerRun(agent: Command, cli: Invocation): void {
  agent
    .command('run', { isDefault: true })
    .summary('the agent itself')
    .description(
      'Look at every credential of the configuration, and go on doing so until SIGTERM; SIGHUP reads the configuration again. With --once: once. It ends with 0 only if everything is fresh.',
    )
    .requiredOption(...CONFIG)
    .option('--once', 'look at everything once, for timers')
    .option('--renew', 'with --once: renew now, whatever the time')
    .addHelpText('after', examples('signet agent --config agent.yaml', 'signet agent run --config agent.yaml --once'))
    .action(
      cli.action(async ({ config, once, renew }: RunOptions) => {
        const load = (): AgentConfiguration => configurationOf(cli, config)
        if (once === true) return runOnce(cli, load(), renew === true ? 'now' : 'due')
        await runOn(cli, load)
        return undefined
      }),
    )
}

function environmentFor(cli: Invocation, listener: AgentEnvironment['listener']): AgentEnvironment {
  return { clock: cli.environment.clock, random: () => randomInt(2 ** 32) / 2 ** 32, listener }
}

async function runOnce(cli: Invocation, configuration: AgentConfiguration, renew: 'due' | 'now'): Promise<Outcome> {
  const events: AgentEvent[] = []
  const agent = openAgent(
    configuration,
    environmentFor(cli, (event) => events.push(event)),
  )
  try {
    const { status } = await agent.pass({ renew })
    const done = events.filter(({ event }) => event !== 'passed').map(wordsOf)
    const outcome = { data: { status, events }, text: [...done, statusText(status)].join('\n') }
    const first = firstError(status)
    if (first !== undefined) throw new RefusedOutcome(outcome, first)
    return outcome
  } finally {
    agent.close()
  }
}

async function runOn(cli: Invocation, load: () => AgentConfiguration): Promise<void> {
  const control = new AgentControl()
  const stop = (): void => {
    control.stop()
  }
  const reread = (): void => {
    control.reread()
  }
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reread)
  const { stdout } = cli.environment
  const listener = (event: AgentEvent): void => {
    const at = cli.now().toISOString()
    stdout.write(cli.json ? `${JSON.stringify({ schema: 1, at, ...event })}\n` : `${at} ${wordsOf(event)}\n`)
  }
  try {
    await runAgent(load, environmentFor(cli, listener), control)
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', reread)
  }
}

function registerStatus(agent: Command, cli: Invocation): void {
  agent
    .command('status')
    .summary('what it knows of each credential')
    .description('Show what the agent wrote into its status file. Ends with 0 only if everything was fresh then.')
    .requiredOption(...CONFIG)
    .addHelpText(
      'after',
      examples('signet agent status --config agent.yaml', 'signet agent status --config agent.yaml --json'),
    )
    .action(
      cli.action(({ config }: ConfigOption) => {
        const { status: path } = configurationOf(cli, config)
        const status = readStatus(path)
        if (status === undefined) {
          throw new StateError('ERR_AGENT_NO_STATUS', `the agent has not written ${path} yet`, {
            details: { path },
            hint: 'signet agent --config FILE --once',
          })
        }
        const outcome = { data: { status }, text: statusText(status) }
        const first = firstError(status)
        if (first !== undefined) throw new RefusedOutcome(outcome, first)
        return outcome
      }),
    )
}

function registerUnits(agent: Command, cli: Invocation): void {
  agent
    .command('units')
    .summary('systemd units for it')
    .description('Print units for systemd: a service that goes on, or one for a timer. Enable one of the two.')
    .requiredOption(...CONFIG)
    .option('--program <path>', 'the program that they start', '/usr/bin/signet')
    .addHelpText('after', examples('signet agent units --config /etc/signet/agent.yaml'))
    .action(
      cli.action(({ config, program }: ConfigOption & { readonly program: string }) => {
        const configuration = configurationOf(cli, config)
        const units = agentUnits({ configuration, file: cli.path(config), program: cli.path(program) })
        return {
          data: { units },
          text: units
            .map(({ name, content }) => `# ${name}\n${content}`)
            .join('\n')
            .trimEnd(),
        }
      }),
    )
}

/** Read a configuration of an agent. */
export function configurationOf(cli: Invocation, file: string): AgentConfiguration {
  const path = cli.path(file)
  const text = readFileText(path)
  return parseAgentConfiguration(text, dirname(realpathSync(path)))
}

const HEADINGS = ['directory', 'serial number', 'until', 'renewal', 'crl until', 'state']

function statusText({ at, trust, problems, credentials }: AgentStatus): string {
  const rows = credentials.map(({ directory, serialNumber, notAfter, renewAt, crlNextUpdate, lastError }) => [
    directory,
    serialNumber ?? '',
    ...[notAfter, renewAt, crlNextUpdate].map((time) => (time === null ? '' : instant(time))),
    lastError === null ? 'fresh' : `${lastError.message} [${lastError.code}]`,
  ])
  const head = facts([
    ['looked at', instant(at)],
    ['trust directory', trust === null ? '' : `${trust.sequence}, current to ${instant(trust.nextUpdate)}`],
    ...problems.map(({ what, message, code }) => [what, `${message} [${code}]`] as const),
  ])
  return `${head}\n\n${table(HEADINGS, rows)}`
}

function wordsOf(event: AgentEvent): string {
  switch (event.event) {
    case 'renewed':
      return `renewed ${event.directory}: ${event.serialNumber}, until ${instant(event.notAfter)}`
    case 'trust-delivered':
      return `delivered CRLs and CAs to ${event.directory}`
    case 'reloaded':
      return `reloaded for ${event.directory}`
    case 'rolled-back':
      return `went back to ${event.serialNumber} in ${event.directory}`
    case 'failed':
      return `failed ${event.directory}: ${event.error.message} [${event.error.code}]`
    case 'problem':
      return `problem with ${event.what}: ${event.error.message} [${event.error.code}]`
    case 'trust-directory':
      return `trust directory ${event.sequence}, current to ${instant(event.nextUpdate)}`
    case 'passed':
      return event.exitCode === 0 ? 'everything is fresh' : 'not everything is fresh'
    case 'configured':
      return `in charge of ${event.credentials} credential directories`
    case 'configuration-refused':
      return `the old configuration stays: ${event.error.message} [${event.error.code}]`
    case 'stopped':
      return 'stopped'
  }
}

/** The first error of a status, as what is thrown. */
function firstError({ problems, credentials }: AgentStatus): SignetError | undefined {
  const [first] = [...credentials.map(({ lastError }) => lastError), ...problems].filter((error) => error !== null)
  return first === undefined ? undefined : new RecordedError(first)
}

/** An error that was recorded when it happened. */
class RecordedError extends SignetError {
  constructor({ code, message, at }: LastError) {
    super(code in ERROR_CODES ? code : 'ERR_INTERNAL', message, { details: { at }, hint: 'signet agent status' })
  }
}
