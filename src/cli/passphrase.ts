/**
 * Passphrases come from a file, a file descriptor or a prompt; never from the command line or the environment, which
 * others can read.
 *
 * @module cli/passphrase (floor 8)
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { Command } from 'commander'
import { Passphrase } from '../crypto/index.js'
import { StoreError, UsageError } from '../errors/index.js'
import type { CliEnvironment } from './environment.js'

export interface PassphraseOptions {
  readonly passphraseFile?: string
  readonly passphraseFd?: string
}

/** What it takes to ask for one. */
interface Terminal {
  readonly environment: CliEnvironment
  path(path: string): string
  note(text: string): void
}

/** Give a command the options. */
export function passphraseOptions(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'file that holds the passphrase (or SIGNET_PASSPHRASE_FILE)')
    .option('--passphrase-fd <number>', 'open file descriptor to read the passphrase from')
}

/** A passphrase longer than this is a file named by mistake. */
const MAX_PASSPHRASE_BYTES = 4096

/**
 * Get a passphrase: from the option, else the file that `SIGNET_PASSPHRASE_FILE` names, else a prompt on a terminal.
 *
 * @throws {@link UsageError} `ERR_PASSPHRASE_REQUIRED` where none of these is there
 */
export async function obtainPassphrase(
  cli: Terminal,
  options: PassphraseOptions,
  what: string,
  twice: 'once' | 'twice',
): Promise<Passphrase> {
  if (options.passphraseFd !== undefined) return fromDescriptor(options.passphraseFd)
  const variable = cli.environment.variables['SIGNET_PASSPHRASE_FILE']
  const file = options.passphraseFile ?? (variable === '' ? undefined : variable)
  if (file !== undefined) return fromFile(cli, cli.path(file))
  const { stdin, stderr } = cli.environment
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new UsageError('ERR_PASSPHRASE_REQUIRED', `the ${what} is needed and was not given`, {
      hint: 'name a file that holds it: --passphrase-file, or SIGNET_PASSPHRASE_FILE',
    })
  }
  const first = await prompt(cli, `${what}: `)
  if (twice === 'twice' && (await prompt(cli, 'the same again: ')) !== first) {
    throw new UsageError('ERR_PASSPHRASE_REQUIRED', 'the two passphrases differ')
  }
  return new Passphrase(Buffer.from(first, 'utf8'))
}

function fromDescriptor(text: string): Passphrase {
  const descriptor = /^[0-9]{1,4}$/.test(text) ? Number(text) : -1
  try {
    return bounded(descriptor, `file descriptor ${text}`)
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    throw new UsageError('ERR_PASSPHRASE_REQUIRED', `cannot read the passphrase from file descriptor ${text}`, {
      cause,
    })
  }
}

/** Secrets that container platforms mount are readable by more than their owner: that is said, not refused. */
function fromFile(cli: Terminal, path: string): Passphrase {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw unreadable(path, cause)
  }
  try {
    const stats = fstatSync(descriptor)
    if (stats.isDirectory()) throw unreadable(path, { code: 'EISDIR' })
    if (stats.isFile() && (stats.mode & 0o077) !== 0)
      cli.note(`others can read the passphrase file ${path}; chmod 600 it`)
    return bounded(descriptor, path)
  } finally {
    closeSync(descriptor)
  }
}

/** Reads no further than a passphrase can be long: some files never end. */
function bounded(descriptor: number, source: string): Passphrase {
  const bytes = Buffer.alloc(MAX_PASSPHRASE_BYTES + 1)
  let filled = 0
  for (;;) {
    const count = readSync(descriptor, bytes, filled, bytes.length - filled, null)
    filled += count
    if (count === 0) return new Passphrase(bytes.subarray(0, filled))
    if (filled > MAX_PASSPHRASE_BYTES) {
      throw new UsageError('ERR_PASSPHRASE_REQUIRED', `what ${source} holds is too long for a passphrase`)
    }
  }
}

function unreadable(path: string, cause: unknown): StoreError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown'
  return new StoreError('ERR_FILE_READ', `cannot read the passphrase file ${path}: ${reason}`, {
    details: { path, reason },
    cause,
  })
}

/** Ask on the terminal without showing what is typed. */
function prompt(cli: Terminal, question: string): Promise<string> {
  const { stdin, stderr } = cli.environment
  stderr.write(question)
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: mute, terminal: true })
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => {
      stderr.write('\n')
      lines.close()
    })
    lines.once('line', (line) => {
      stderr.write('\n')
      resolve(line)
      lines.close()
    })
    // The end of the input, or of the line above, after which this says nothing more.
    lines.once('close', () => {
      reject(new UsageError('ERR_PASSPHRASE_REQUIRED', 'no passphrase was given'))
    })
  })
}
