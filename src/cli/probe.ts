/** `signet probe`. @module cli/probe (floor 8) */
import type { Command } from 'commander'
import { UsageError } from '../errors/index.js'
import { parseJsonPath } from '../json/index.js'
import {
  beginSessions,
  DEFAULT_PROBE_SECONDS,
  type KitClients,
  type LoadedProbeClient,
  loadProbeClient,
  loadProbeKit,
  loadSessions,
  parsePlace,
  parseQuestion,
  PRELUDES,
  type PreludeName,
  PROBE_CASES,
  type ProbeCase,
  type ProbeOptions,
  type ProbeRow,
  probeServer,
  type ProbeTarget,
  type Question,
  QUESTIONS,
  requireSound,
  saveSessions,
  type ServerTrust,
  usualPrelude,
  usualQuestion,
} from '../probe/index.js'
import { type Certificate, parseCertificates, parseCrls } from '../x509/index.js'
import { choice, examples, repeatable } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { registerProbeKit } from './probe-kit.js'
import { table } from './table.js'

interface ServerOptions {
  readonly credential: string
  readonly ca?: readonly string[]
  readonly crl?: readonly string[]
  readonly name?: string
  readonly starttls?: PreludeName | 'none'
  readonly ask?: string
  readonly identityHeader?: string
  readonly identityJson?: string
  readonly identity?: string
  readonly kit?: string
  readonly expired?: string
  readonly revoked?: string
  readonly wrongPurpose?: string
  readonly unmapped?: string
  readonly session?: string
  readonly saveSession?: string
  readonly spoofAs?: string
  readonly allow?: readonly string[]
  readonly timeout: string
  readonly requireAll?: boolean
}

export function registerProbe(program: Command, cli: Invocation): void {
  const probe = program
    .command('probe')
    .summary('play clients against a TLS server, and say what it accepts')
    .description(
      'Play clients against any TLS server: signet probe HOST:PORT --credential DIR. Ends with 0 only if the good client was accepted, and nobody who must be refused.',
    )
    .addHelpText('after', examples(...EXAMPLES, 'signet probe kit --out probe-kit'))
  registerServer(probe, cli)
  registerProbeKit(probe, cli)
}

const EXAMPLES = [
  'signet probe api.cloud.example:443 --credential billing --kit probe-kit --ask http:/status --identity-header x-client-identity',
  'signet probe db.cloud.example:5432 --credential billing --ask postgres:svc_billing',
  'signet probe api.cloud.example:443 --credential victim --save-session victim.session',
  'signet probe api.cloud.example:443 --credential billing --session victim.session',
]

function registerServer(probe: Command, cli: Invocation): void {
  probe
    .command('server <server>', { isDefault: true })
    .summary('probe a server; the word server may be left out')
    .description(
      'Play clients against a server, host:port or unix:/path: the good one of --credential, strangers with its names, and those of a probe kit. Of cases for which there is no client it says that they were not tested.',
    )
    .requiredOption('--credential <dir>', 'credential directory of the good client')
    .option(
      '--ca <file>',
      "who may have issued the server's certificate; repeatable (default: its ca-bundle.pem)",
      repeatable,
    )
    .option('--crl <file>', "CRLs for the server's certificate; repeatable (default: its crls.pem)", repeatable)
    .option('--name <name>', 'name of the server (default: the host)')
    .option(
      '--starttls <protocol>',
      `what is said before TLS: ${PRELUDES.join(', ')} or none (default: by --ask and port)`,
      choice([...PRELUDES, 'none']),
    )
    .option(
      '--ask <question>',
      `${QUESTIONS.join(', ')}; http:/path, postgres:user/database, mysql:user (default: by port)`,
    )
    .option('--identity-header <name>', 'HTTP: header of the answer that says whom the server takes the client for')
    .option('--identity-json <path>', 'HTTP: field of the answer that says it: user.name')
    .option('--identity <text>', 'for whom the server must take the good client')
    .option('--kit <dir>', 'probe kit: signet probe kit')
    .option('--expired <dir>', 'credential directory of an expired client')
    .option('--revoked <dir>', 'credential directory of a revoked client')
    .option('--wrong-purpose <dir>', 'credential directory of a client whose certificate is for servers only')
    .option('--unmapped <dir>', 'credential directory of a client that nobody knows')
    .option('--save-session <file>', 'only shake hands, and keep the sessions: before a revocation')
    .option('--session <file>', 'sessions of somebody who was revoked since')
    .option('--spoof-as <name>', 'HTTP: whom spoofed headers claim to be (default: somebody whom nobody knows)')
    .option('--allow <case>', `accepted on purpose; repeatable: ${refusable().join(', ')}`, repeatable)
    .option('--timeout <seconds>', 'time limit of each step of a try', String(DEFAULT_PROBE_SECONDS))
    .option('--require-all', 'a case that is not tested is a failure, too')
    .addHelpText('after', examples(...EXAMPLES))
    .action(cli.action((server: string, options: ServerOptions) => run(cli, server, options)))
}

async function run(cli: Invocation, server: string, options: ServerOptions): Promise<Outcome> {
  const good = loadProbeClient(cli.path(options.credential))
  const { target, question } = targetOf(server, options)
  const common = { question, timeoutSeconds: seconds(options.timeout) }
  if (options.saveSession !== undefined) return save(cli, target, good, common, options.saveSession)
  const names = Object.keys(PROBE_CASES).length
  const progress = cli.progress('probing', names)
  let done = 0
  const allow = (options.allow ?? []).map(caseNamed)
  const clients = {
    good: good.client,
    ...kitOf(cli, options),
    ...(options.session === undefined ? {} : { sessions: loadSessions(cli.path(options.session)) }),
  }
  const probe: ProbeOptions = {
    ...common,
    trust: await trustOf(cli, good, options),
    at: cli.now(),
    allow,
    watch: () => progress.advance(++done),
    ...(options.identity === undefined ? {} : { identity: options.identity }),
    ...(options.spoofAs === undefined ? {} : { spoofAs: options.spoofAs }),
  }
  let rows: readonly ProbeRow[]
  try {
    rows = await probeServer(target, clients, probe)
  } finally {
    progress.finish()
  }
  const outcome = { data: { server, rows }, text: textOf(rows) }
  try {
    requireSound(rows, options.requireAll === true ? 'refuse' : 'allow')
  } catch (error) {
    throw new RefusedOutcome(outcome, error)
  }
  return outcome
}

async function save(
  cli: Invocation,
  target: ProbeTarget,
  { client }: LoadedProbeClient,
  options: Pick<ProbeOptions, 'question' | 'timeoutSeconds'>,
  file: string,
): Promise<Outcome> {
  const path = cli.outputPath(file)
  const sessions = await beginSessions(target, client, options)
  saveSessions(path, sessions)
  const { forms, fingerprint } = sessions
  return {
    data: { sessions: forms, fingerprint, file: path },
    text: `sessions of ${client.certificate.subject.toString()}: ${forms.length === 0 ? 'the server gives none' : forms.join(', ')}
They are secret, in ${path}. Revoke serial number ${client.certificate.serialNumber}, let the server have the CRL, then: signet probe … --session ${file}`,
  }
}

function targetOf(server: string, options: ServerOptions): { target: ProbeTarget; question: Question } {
  const place = parsePlace(server)
  const asked = options.ask === undefined ? usualQuestion(place) : parseQuestion(options.ask)
  const { identityHeader, identityJson, name } = options
  if (identityHeader !== undefined && identityJson !== undefined) {
    throw new UsageError('ERR_USAGE', 'the identity is in a header or in JSON, not in both')
  }
  if ((identityHeader ?? identityJson) !== undefined && asked.protocol !== 'http') {
    throw new UsageError(
      'ERR_USAGE',
      `where the identity is, is asked of HTTP only; ${asked.protocol} says it or does not`,
    )
  }
  const question: Question = {
    ...asked,
    ...(identityHeader === undefined ? {} : { identity: { header: identityHeader } }),
    ...(identityJson === undefined ? {} : { identity: { json: parseJsonPath(identityJson) } }),
  }
  const prelude = options.starttls ?? usualPrelude(place, question) ?? 'none'
  const target = {
    ...place,
    ...(name === undefined ? {} : { serverName: name }),
    ...(prelude === 'none' ? {} : { starttls: prelude }),
  }
  return { target, question }
}

async function trustOf(cli: Invocation, good: LoadedProbeClient, options: ServerOptions): Promise<ServerTrust> {
  const read = async <T>(files: readonly string[], parse: (bytes: Uint8Array) => readonly T[]): Promise<readonly T[]> =>
    (await Promise.all(files.map(async (file) => parse(await cli.readDocument(file))))).flat()
  const bundle: readonly Certificate[] =
    options.ca === undefined ? good.caBundle : await read(options.ca, parseCertificates)
  const isRoot = ({ issuer, subject }: Certificate): boolean => issuer.equals(subject)
  return {
    anchors: bundle.filter(isRoot),
    intermediates: bundle.filter((ca) => !isRoot(ca)),
    crls: options.crl === undefined ? good.crls : await read(options.crl, parseCrls),
  }
}

function kitOf(cli: Invocation, options: ServerOptions): KitClients {
  const named = (['expired', 'revoked', 'wrongPurpose', 'unmapped'] as const).flatMap((member) => {
    const directory = options[member]
    return directory === undefined ? [] : [[member, loadProbeClient(cli.path(directory)).client] as const]
  })
  return { ...(options.kit === undefined ? {} : loadProbeKit(cli.path(options.kit))), ...Object.fromEntries(named) }
}

function refusable(): readonly ProbeCase[] {
  return (Object.keys(PROBE_CASES) as ProbeCase[]).filter((name) =>
    ['refused', 'ignored'].includes(PROBE_CASES[name].expected),
  )
}

function caseNamed(name: string): ProbeCase {
  const found = refusable().find((known) => known === name)
  if (found !== undefined) return found
  throw new UsageError('ERR_CONFIG_INVALID', `nothing of the name ${JSON.stringify(name)} can be accepted on purpose`, {
    hint: `choose one of ${refusable().join(', ')}`,
  })
}

function seconds(text: string): number {
  if (/^\d{1,3}(?:\.\d{1,3})?$/.test(text)) return Number(text)
  throw new UsageError('ERR_CONFIG_INVALID', `not a time limit in seconds: ${JSON.stringify(text)}`, {
    hint: 'write a number such as 5 or 0.5',
  })
}

const VERDICTS: Readonly<Record<ProbeRow['verdict'], string>> = {
  ok: 'ok',
  hole: 'HOLE',
  fault: 'FAULT',
  allowed: 'allowed',
  'not-tested': 'not tested',
}

function textOf(rows: readonly ProbeRow[]): string {
  const cells = rows.map((row) => [
    VERDICTS[row.verdict],
    row.case,
    row.about,
    row.expected === 'either' ? 'accepted or not' : row.expected,
    row.happened,
    row.identity ?? (row.happened.startsWith('accepted') ? 'not reported' : ''),
  ])
  const count = (verdict: ProbeRow['verdict']): number => rows.filter((row) => row.verdict === verdict).length
  return `${table(['verdict', 'case', 'who comes', 'expected', 'happened', 'taken for'], cells)}
${count('hole')} holes, ${count('fault')} faults, ${count('not-tested')} not tested.`
}
