/**
 * All commands, as commander has them: whoever asks for help, makes a mistake, or calls a command that is not asked for
 * a thousand times a minute comes here.
 *
 * @module cli/program (floor 8)
 */
import { Command, CommanderError } from 'commander'
import { UsageError } from '../errors/index.js'
import { registerAgent } from './agent.js'
import { registerApply } from './apply.js'
import { registerAudit } from './audit.js'
import { registerCert } from './cert.js'
import { registerCms } from './cms.js'
import { registerCompare } from './compare.js'
import { registerCompletion } from './completion.js'
import { registerConfig } from './config.js'
import { registerCrl } from './crl.js'
import { GLOBAL_OPTIONS } from './declaration.js'
import { declareCommand, declareOptions } from './declare.js'
import { registerDecrypt } from './decrypt.js'
import { registerDoctor } from './doctor.js'
import { registerEncrypt } from './encrypt.js'
import { registerEntity } from './entity.js'
import { registerStateChanges } from './entity-state.js'
import { registerEnvelope } from './envelope.js'
import type { CliEnvironment } from './environment.js'
import { examples } from './help.js'
import { registerIdentity } from './identity.js'
import { registerInit } from './init.js'
import { type GlobalOptions, Invocation } from './invocation.js'
import { registerIssue } from './issue.js'
import { registerKeystone } from './keystone.js'
import { registerOcsp } from './ocsp.js'
import { registerPolicy } from './policy.js'
import { registerProbe } from './probe.js'
import { registerQuickstart } from './quickstart.js'
import { report } from './report.js'
import { registerRevoke } from './revoke.js'
import { registerRole } from './role.js'
import { registerRoot } from './root.js'
import { registerRotate } from './rotate.js'
import { registerRoute } from './route.js'
import { registerScope } from './scope.js'
import { SIGN } from './sign.js'
import { registerTrust } from './trust.js'
import { VERIFY } from './verify.js'
import { packageVersion } from './version.js'

/**
 * Run one command line.
 *
 * @param words - Without `node` and the script.
 * @returns The exit code. 0 only if the command did what it says.
 */
export async function runProgram(words: readonly string[], environment: CliEnvironment): Promise<number> {
  const program = buildProgram(environment)
  try {
    await program.parseAsync([...words], { from: 'user' })
    return 0
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error, words, environment)
    // --help and --version end this way, too.
    return error.exitCode === 0 ? 0 : report(usageError(error, program, words), words, environment)
  }
}

/** All commands. `.command()` hands settings down to each; `.addCommand()` would not. */
export function buildProgram(environment: CliEnvironment): Command {
  const program = new Command('signet')
    .description(
      "The certificate authority of a deployment: its nodes' certificates, identities and roles, and CMS-signed messages.",
    )
    .version(packageVersion(), '--version', 'print the version')
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
  declareOptions(program, GLOBAL_OPTIONS)
  const cli = new Invocation(environment, () => program.opts<GlobalOptions>())
  registerQuickstart(program, cli, runProgram)
  registerInit(program, cli)
  registerApply(program, cli)
  registerScope(program, cli)
  registerRole(program, cli)
  registerEntity(program, cli)
  registerStateChanges(program, cli, ['quarantine', 'release'])
  registerIssue(program, cli)
  registerRevoke(program, cli)
  registerRotate(program, cli)
  registerRoot(program, cli)
  registerCrl(program, cli)
  registerOcsp(program, cli)
  registerCert(program, cli)
  registerIdentity(program, cli)
  registerPolicy(program, cli)
  registerKeystone(program, cli)
  registerTrust(program, cli)
  registerConfig(program, cli)
  declareCommand(program, cli, SIGN)
  declareCommand(program, cli, VERIFY)
  registerRoute(program, cli)
  registerEnvelope(program, cli)
  registerEncrypt(program, cli)
  registerDecrypt(program, cli)
  registerCms(program, cli)
  registerProbe(program, cli)
  registerCompare(program, cli)
  registerAgent(program, cli)
  registerDoctor(program, cli)
  registerAudit(program, cli)
  registerCompletion(program, cli)
  return program
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
