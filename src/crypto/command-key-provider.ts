/**
 * A key that another program keeps: an HSM tool, an agent, a remote signer.
 *
 * The program is started without a shell, with the arguments given, one word more, and nothing of our environment but
 * `PATH` and `HOME`:
 *
 * - `public-key`: it prints the SubjectPublicKeyInfo in PEM;
 * - `sign` and the name of the signature algorithm: it reads the octets to sign from standard input, and prints the
 *   signature in base64.
 *
 * Each signature is verified before it is used, so a broken program cannot make a broken certificate.
 *
 * @module crypto/command-key-provider (floor 2)
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { decodeBase64, parsePemBlock } from '../asn1/index.js'
import { isSignetError, StoreError, UsageError } from '../errors/index.js'
import type { SignatureAlgorithm } from './algorithms.js'
import type { KeyProvider } from './key-provider.js'
import { defaultSignature, parsePublicKey, type PublicKey } from './public-key.js'
import { verifySignature } from './signature.js'

/** How long the program may take for one answer. */
const TIMEOUT_MILLISECONDS = 60_000
const MAX_ANSWER_BYTES = 64 * 1024

export class CommandKeyProvider implements KeyProvider {
  readonly publicKey: PublicKey
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly #command: readonly string[]

  private constructor(command: readonly string[], publicKey: PublicKey) {
    this.#command = command
    this.publicKey = publicKey
    this.signatureAlgorithm = defaultSignature(publicKey)
  }

  /**
   * Ask the program for its public key.
   *
   * @param command - The program and its first arguments; at least the program.
   * @throws {@link StoreError} `ERR_KEY_PROVIDER`
   */
  static async open(command: readonly string[]): Promise<CommandKeyProvider> {
    const answer = await run(command, ['public-key'], new Uint8Array())
    try {
      return new CommandKeyProvider(command, parsePublicKey(parsePemBlock(answer, 'PUBLIC KEY').der))
    } catch (cause) {
      throw failure(command, 'it did not print a public key in PEM', cause)
    }
  }

  async sign(data: Uint8Array): Promise<Uint8Array> {
    const answer = await run(this.#command, ['sign', this.signatureAlgorithm.name], data)
    let signature: Uint8Array
    try {
      signature = decodeBase64(answer.replace(/\s+/g, ''))
    } catch (cause) {
      throw failure(this.#command, 'it did not print a signature in base64', cause)
    }
    if (!verifySignature(this.signatureAlgorithm, this.publicKey, data, signature)) {
      throw failure(this.#command, 'its signature does not verify with its public key')
    }
    return signature
  }
}

function run(command: readonly string[], words: readonly string[], input: Uint8Array): Promise<string> {
  const [program, ...firstArguments] = command
  if (program === undefined || program === '') {
    throw new UsageError('ERR_CONFIG_INVALID', 'the key command is empty')
  }
  return new Promise((resolve, reject) => {
    let child: ReturnType<typeof start>
    try {
      child = start(program, [...firstArguments, ...words])
    } catch (cause) {
      // What no program can be given at all, such as a NUL in an argument, is thrown and not emitted.
      throw failure(command, 'it cannot be started', cause)
    }
    const pieces: Buffer[] = []
    let length = 0
    child.stdout.on('data', (piece: Buffer) => {
      length += piece.length
      if (length > MAX_ANSWER_BYTES) child.kill('SIGKILL')
      else pieces.push(piece)
    })
    child.on('error', (cause) => {
      reject(failure(command, 'it cannot be started', cause))
    })
    // A program that answers without reading its input closes the pipe; its exit code tells whether that is well.
    child.stdin.on('error', () => undefined)
    child.on('close', (code, signal) => {
      if (length > MAX_ANSWER_BYTES) reject(failure(command, 'it printed too much'))
      else if (code !== 0)
        reject(failure(command, code === null ? `it was ended by ${signal ?? 'a signal'}` : `it exited with ${code}`))
      else resolve(Buffer.concat(pieces).toString('latin1'))
    })
    child.stdin.end(input)
  })
}

function start(program: string, argumentList: readonly string[]): ChildProcessByStdio<Writable, Readable, null> {
  return spawn(program, argumentList, {
    shell: false,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    timeout: TIMEOUT_MILLISECONDS,
    killSignal: 'SIGKILL',
  })
}

function failure(command: readonly string[], reason: string, cause?: unknown): StoreError {
  return new StoreError('ERR_KEY_PROVIDER', `the key command failed: ${reason}`, {
    details: { program: command[0] ?? '', ...(isSignetError(cause) ? { cause: cause.code } : {}) },
    hint: 'run the program by hand with the argument public-key',
    cause,
  })
}
