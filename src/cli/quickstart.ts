/** `signet quickstart`: a whole small deployment in a folder, made by the commands that one would type. @module cli/quickstart (floor 8) */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { Command } from 'commander'
import { InternalError } from '../errors/index.js'
import {
  makeDirectory,
  PUBLIC_MODE,
  refuseExisting,
  SECRET_DIRECTORY_MODE,
  SECRET_MODE,
  writeFileAtomic,
} from '../files/index.js'
import type { CliEnvironment } from './environment.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'

/** One step: what it is for, and the words after `signet`. */
interface Step {
  readonly why: string
  readonly words: readonly string[]
}

const STEPS: readonly Step[] = [
  {
    why: 'an authority: root CA, issuing CA, registry',
    words: ['init', '--domain', 'cloud.example', '--root-out', 'root-offline'],
  },
  { why: 'who exists: a broker and three nodes, in two scopes', words: ['apply', 'deployment.yaml'] },
  { why: 'TLS and signing certificates for each', words: ['issue', '--all', '--out', 'credentials'] },
  { why: 'what is revoked, for TLS servers', words: ['crl', 'publish', '--out', 'crls.pem'] },
  { why: 'who may sign messages, for receivers', words: ['trust', 'publish', '--out', 'trust.p7'] },
  {
    why: 'a node signs a message',
    words: [
      'sign',
      'message.json',
      '--as',
      'credentials/compute-07/signer',
      '--type',
      'notify.instance.create.end',
      '--to',
      'notifications',
    ],
  },
  {
    why: 'a receiver verifies it',
    words: [
      'verify',
      'message.json.p7s',
      '--content',
      'message.json',
      '--for',
      'notifications',
      '--trust',
      'trust.p7',
      '--replay-store',
      'seen.db',
      '--bind',
      'publisher_id == service:node',
    ],
  },
]

const MESSAGE = {
  event_type: 'instance.create.end',
  publisher_id: 'compute:compute-07',
  priority: 'INFO',
  payload: { instance: '178b0921-8f85-4257-88b6-2e743b5a975c', state: 'active' },
}

const DEPLOYMENT = `# Who exists. Change it, then: signet apply deployment.yaml
version: 1
scopes:
  region-one: region
  region-one/nova: service
roles:
  broker:
  compute_node:
  conductor:
entities:
  broker-01:
    kind: broker
    scope: region-one
    roles: [broker]
    dns: [broker-01.cloud.example]
${['compute-07', 'compute-08'].map((id) => entity(id, 'node', 'compute', 'compute_node')).join('')}${entity('conductor-01', 'service', 'conductor', 'conductor')}`

function entity(id: string, kind: string, service: string, role: string): string {
  return `  ${id}:
    kind: ${kind}
    service: ${service}
    scope: region-one/nova
    roles: [${role}]
    dns: [${id}.cloud.example]
`
}

type Main = (words: readonly string[], environment: CliEnvironment) => Promise<number>

/** @param main - Runs a command line; handed in, because it is made of this file, too. */
export function registerQuickstart(program: Command, cli: Invocation, main: Main): void {
  program
    .command('quickstart [dir]')
    .summary('a whole small deployment to look at')
    .description(
      'Make a whole small deployment in a new folder: an authority, a broker, three nodes, one signed and verified message. Prints the commands that did it.',
    )
    .addHelpText('after', examples('signet quickstart demo'))
    .action(
      cli.action(async (given: string | undefined) => {
        const folder = cli.path(given ?? 'signet-quickstart')
        prepare(folder)
        const progress = cli.progress('quickstart', STEPS.length)
        const done: { command: string; output: string }[] = []
        for (const [index, step] of STEPS.entries()) {
          done.push({ command: commandLine(step.words), output: await run(cli, main, folder, step.words) })
          progress.advance(index + 1)
        }
        progress.finish()
        const session = done.map(({ command, output }, index) => `${heading(index)}$ ${command}\n${output}`).join('\n')
        return {
          data: { folder, steps: done },
          text: `${session}
It is all in ${folder}. To go on there:
  cd ${folder} && export SIGNET_HOME=$PWD/home SIGNET_PASSPHRASE_FILE=$PWD/passphrase
  signet revoke compute-07 --reason keyCompromise && signet trust publish --out trust.p7
  signet verify message.json.p7s --content message.json --for notifications --trust trust.p7`,
        }
      }),
    )
}

/** What a step is for, once for steps that follow each other. */
function heading(index: number): string {
  const why = STEPS[index]?.why ?? ''
  return why === STEPS[index - 1]?.why ? '' : `# ${why}\n`
}

function prepare(folder: string): void {
  refuseExisting(folder)
  makeDirectory(folder, SECRET_DIRECTORY_MODE)
  writeFileAtomic(join(folder, 'passphrase'), `${randomBytes(18).toString('base64url')}\n`, { mode: SECRET_MODE })
  writeFileAtomic(join(folder, 'deployment.yaml'), DEPLOYMENT, { mode: PUBLIC_MODE })
  writeFileAtomic(join(folder, 'message.json'), `${JSON.stringify(MESSAGE, null, 2)}\n`, { mode: PUBLIC_MODE })
}

async function run(cli: Invocation, main: Main, folder: string, words: readonly string[]): Promise<string> {
  const output = new PassThrough()
  const pieces: Buffer[] = []
  output.on('data', (piece: Buffer) => pieces.push(piece))
  const { environment } = cli
  const code = await main(words, {
    ...environment,
    stdout: output,
    stderr: output,
    directory: folder,
    variables: {
      ...environment.variables,
      SIGNET_HOME: join(folder, 'home'),
      SIGNET_PASSPHRASE_FILE: join(folder, 'passphrase'),
      SIGNET_PIN: '',
    },
  })
  const text = Buffer.concat(pieces).toString('utf8')
  if (code !== 0)
    throw new InternalError('ERR_INTERNAL', `quickstart: signet ${words.join(' ')} ended with ${code}: ${text}`)
  return text
}

function commandLine(words: readonly string[]): string {
  return `signet ${words.map((word) => (/^[\w./-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`
}
