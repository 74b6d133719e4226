/**
 * The command line: builds the commands, runs one, turns what was thrown into words and an exit code.
 *
 * @module cli/main (floor 8)
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { EXIT_CODES, SignetError, type SignetErrorJson, UsageError } from '../errors/index.js'
import { registerApply } from './apply.js'
import { registerAudit } from './audit.js'
import { registerCert } from './cert.js'
import { registerCms } from './cms.js'
import { registerCompare } from './compare.js'
import { registerCompletion } from './completion.js'
import { registerCrl } from './crl.js'
import { registerDecrypt } from './decrypt.js'
import { registerEncrypt } from './encrypt.js'
import { registerEntity } from './entity.js'
import { registerStateChanges } from './entity-state.js'
import { registerEnvelope } from './envelope.js'
import type { CliEnvironment } from './environment.js'
import { examples } from './help.js'
import { registerIdentity } from './identity.js'
import { registerInit } from './init.js'
import { Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { registerIssue } from './issue.js'
import { registerKeystone } from './keystone.js'
import { registerOcsp } from './ocsp.js'
import { registerPolicy } from './policy.js'
import { registerQuickstart } from './quickstart.js'
import { registerRevoke } from './revoke.js'
import { registerRole } from './role.js'
import { registerRoute } from './route.js'
import { registerScope } from './scope.js'
import { registerSign } from './sign.js'
import { printable } from './table.js'
import { registerTrust } from './trust.js'
import { registerVerify } from './verify.js'

/**
 * Run one command line.
 *
 * @param words - Without `node` and the script.
 * @returns The exit code. 0 only if the command did what it says.
 */
export async function main(words: readonly string[], environment: CliEnvironment): Promise<number> {
  const program = buildProgram(environment)
  try {
    await program.parseAsync([...words], { from: 'user' })
    return 0
  } catch (error) {
    return report(error, program, words, environment)
  }
}

/** All commands. `.command()` hands settings down to each; `.addCommand()` would not. */
export function buildProgram(environment: CliEnvironment): Command {
  const program = new Command('signet')
    .description(
      "The certificate authority of a deployment: its nodes' certificates, identities and roles, and CMS-signed messages.",
    )
    .version(packageVersion(), '--version', 'print the version')
    .option('--home <dir>', 'folder of the authority (default: SIGNET_HOME, else ~/.signet)')
    .option('--json', 'print one JSON object, errors too')
    .showHelpAfterError('(signet --help)')
    .configureOutput({
      writeOut: (text) => void environment.stdout.write(text),
      // What is wrong is reported in one place, below.
      writeErr: () => undefined,
    })
    .exitOverride()
    .addHelpText(
      'after',
      examples('signet quickstart demo', 'signet init --domain cloud.example', 'signet verify --help'),
    )
  const cli = new Invocation(environment, program)
  registerQuickstart(program, cli, main)
  registerInit(program, cli)
  registerApply(program, cli)
  registerScope(program, cli)
  registerRole(program, cli)
  registerEntity(program, cli)
  registerStateChanges(program, cli, ['quarantine', 'release'])
  registerIssue(program, cli)
  registerRevoke(program, cli)
  registerCrl(program, cli)
  registerOcsp(program, cli)
  registerCert(program, cli)
  registerIdentity(program, cli)
  registerPolicy(program, cli)
  registerKeystone(program, cli)
  registerTrust(program, cli)
  registerSign(program, cli)
  registerVerify(program, cli)
  registerRoute(program, cli)
  registerEnvelope(program, cli)
  registerEncrypt(program, cli)
  registerDecrypt(program, cli)
  registerCms(program, cli)
  registerCompare(program, cli)
  registerAudit(program, cli)
  registerCompletion(program, cli)
  return program
}

function report(
  error: unknown,
  program: Command,
  words: readonly string[],
  environment: CliEnvironment,
  data: Outcome['data'] = {},
): number {
  if (error instanceof RefusedOutcome) {
    const { data, text } = error.outcome
    if (!words.includes('--json')) environment.stdout.write(`${text}\n`)
    return report(error.error, program, words, environment, data)
  }
  // --help and --version end this way, too.
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  const refusal = error instanceof CommanderError ? usageError(error, program, words) : error
  const failure: SignetErrorJson =
    refusal instanceof SignetError
      ? refusal.toJSON()
      : {
          code: 'ERR_INTERNAL',
          category: 'internal',
          exitCode: EXIT_CODES.internal,
          message: 'signet failed in a way that it should not',
          details: { error: refusal instanceof Error ? `${refusal.name}: ${refusal.message}` : typeof refusal },
          hint: 'please report this, with the command and without secrets',
        }
  if (words.includes('--json'))
    environment.stdout.write(`${JSON.stringify({ schema: 1, ok: false, error: failure, ...data })}\n`)
  const say = (line: string): void => void environment.stderr.write(`signet: ${printable(line)}\n`)
  say(`error: ${failure.message} [${failure.code}]`)
  if (failure.code === 'ERR_INTERNAL') say(`note: ${Object.values(failure.details).join(' ')}`)
  if (failure.hint !== undefined) say(`hint: ${failure.hint}`)
  return failure.exitCode
}

function usageError(error: CommanderError, program: Command, words: readonly string[]): UsageError {
  const isBare = error.code === 'commander.help'
  // The second line is what was meant, perhaps: (Did you mean issue?)
  const [message = '', guess = ''] = error.message.replace(/^error: /, '').split('\n')
  const path = commandPath(program, words)
  const help = path === '' ? 'signet --help lists the commands' : `signet ${path} --help shows how`
  return new UsageError(
    'ERR_USAGE',
    isBare ? 'a command is missing' : message.replace(/\.$/, '').replace('is invalid. ', 'is invalid: '),
    { hint: guess === '' ? help : `${guess.toLowerCase().replace(/[()]/g, '')} ${help}` },
  )
}

/** The command that these words name, as far as they name one. */
function commandPath(program: Command, words: readonly string[]): string {
  let command = program
  const path: string[] = []
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word)
    if (next === undefined) continue
    path.push(word)
    command = next
  }
  return path.join(' ')
}

function packageVersion(): string {
  const path = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
