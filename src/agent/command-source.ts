/**
 * A program that has certificates issued: `ssh` to the authority, or whatever stands before it. It reads a certification
 * request from standard input, and prints the certificate and its CAs in PEM.
 *
 * @module agent/command-source (floor 7.4)
 */
import { EncodingError } from '../errors/index.js'
import { parseCertificates } from '../x509/index.js'
import { runCommand } from './command.js'
import type { CredentialSource } from './source.js'

/**
 * Ask a program.
 *
 * @param command - The program and its words; `{entity}` and `{profile}` in them are replaced. Neither can be more than one
 * word, also for a shell on the other end of ssh.
 */
export function commandSource(command: readonly string[], timeoutSeconds: number): CredentialSource {
  return {
    async obtain({ entity, profile, requestPem }) {
      const words = command.map((word) => word.replaceAll('{entity}', entity).replaceAll('{profile}', profile.name))
      const printed = await runCommand(words, { timeoutSeconds, input: requestPem })
      if (printed.trim() === '') {
        throw new EncodingError('ERR_INPUT_EMPTY', `${words[0] ?? ''} printed no certificate`, {
          hint: 'it prints the certificate and its CAs in PEM',
        })
      }
      return { certificates: parseCertificates(Buffer.from(printed)) }
    },
  }
}
