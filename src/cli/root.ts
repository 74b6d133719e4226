/** `signet root …`: what the offline root signs, where it is. @module cli/root (floor 8) */
import type { Command } from 'commander'
import { signIssuingCaRequest } from '../authority/index.js'
import { EncodingError } from '../errors/index.js'
import { parseCertificates } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { openRoot } from './root-bundle.js'
import { facts, instant } from './table.js'

export function registerRoot(program: Command, cli: Invocation): void {
  const root = program
    .command('root')
    .summary('what the offline root signs')
    .description('What the offline root signs. Needs its bundle and no authority: run it where the root is.')
    .addHelpText(
      'after',
      examples('signet root sign next.csr --root /media/usb/root --like issuing-ca.pem --out next.pem'),
    )
  registerSign(root, cli)
}

interface SignWords {
  readonly root: string
  readonly rootPassphraseFile?: string
  readonly like: string
  readonly out: string
}

function registerSign(root: Command, cli: Invocation): void {
  root
    .command('sign <request>')
    .summary('sign the next issuing CA')
    .description(
      'Sign the request of signet rotate stage: an issuing CA like one that this root signed before, but for key and name. Of the request nothing else counts.',
    )
    .requiredOption('--root <dir>', 'the root bundle')
    .option('--root-passphrase-file <file>', 'passphrase of the root key (or SIGNET_PASSPHRASE_FILE)')
    .requiredOption('--like <file>', 'certificate of the issuing CA before')
    .requiredOption('--out <file>', 'file for the certificate')
    .addHelpText(
      'after',
      examples('signet root sign next.csr --root /media/usb/root --like issuing-ca.pem --out next.pem'),
    )
    .action(
      cli.action(async (file: string, options: SignWords) => {
        const [before] = parseCertificates(await cli.readDocument(options.like))
        if (before === undefined) {
          throw new EncodingError('ERR_CERTIFICATE_MALFORMED', `there is no certificate in ${options.like}`)
        }
        const request = await cli.readDocument(file)
        const signer = await openRoot(cli, options.root, options, undefined, undefined)
        const certificate = await signIssuingCaRequest(signer, request, before, cli.now())
        const path = cli.writeOutput(options.out, certificate.toPem(), true)
        const { subject, fingerprint, notAfter } = certificate
        return {
          data: { path, subject: subject.toString(), fingerprint, notAfter: notAfter.toISOString() },
          text: facts([
            ['issuing CA', subject.toString()],
            ['until', instant(notAfter)],
            ['fingerprint', fingerprint],
            ['written to', path],
          ]),
        }
      }),
    )
}
