/** `signet root …`: what the offline root signs, where it is. @module cli/root (floor 8) */
import { join } from 'node:path'
import type { Command } from 'commander'
import { crossSign, makeNextRoot, ROOT_FILES, signIssuingCaRequest } from '../authority/index.js'
import { keyAlgorithmNamed } from '../crypto/index.js'
import { EncodingError } from '../errors/index.js'
import { type Certificate, parseCertificates } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
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
  registerNew(root, cli)
  registerCrossSign(root, cli)
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
        const before = await firstOf(cli, options.like)
        const request = await cli.readDocument(file)
        const signer = await openRoot(cli, options.root, options, undefined, undefined)
        const certificate = await signIssuingCaRequest(signer, request, before, cli.now())
        return made(certificate, cli.writeOutput(options.out, certificate.toPem(), true))
      }),
    )
}

interface NewWords {
  readonly like: string
  readonly out: string
  readonly algorithm: string
  readonly rootPassphraseFile?: string
}

function registerNew(root: Command, cli: Invocation): void {
  root
    .command('new')
    .summary('make the next root')
    .description(
      'Make another root of the same name as the one before, in a bundle of its own. Nobody believes it: the old one vouches for it (signet root cross-sign), and whoever pins fingerprints is told.',
    )
    .requiredOption('--like <file>', 'certificate of the root before')
    .requiredOption('--out <dir>', 'where the bundle goes')
    .option('--algorithm <name>', 'key of the root: p256, p384, ed25519, rsa3072, rsa4096, ml-dsa-65 …', 'p256')
    .option('--root-passphrase-file <file>', 'passphrase of its key (or SIGNET_PASSPHRASE_FILE)')
    .addHelpText('after', examples('signet root new --like root.pem --out /media/usb/root-2'))
    .action(
      cli.action(async ({ like, out, algorithm, rootPassphraseFile }: NewWords) => {
        const before = await firstOf(cli, like)
        const passphrase = await cli.passphrase(
          rootPassphraseFile === undefined ? {} : { passphraseFile: rootPassphraseFile },
          'new passphrase of the root',
          'twice',
        )
        const directory = cli.path(out)
        const wanted = { algorithm: keyAlgorithmNamed(algorithm).name, passphrase }
        return made(await makeNextRoot(directory, before, wanted, cli.now()), join(directory, ROOT_FILES.certificate))
      }),
    )
}

interface CrossWords {
  readonly root: string
  readonly rootPassphraseFile?: string
  readonly out: string
}

function registerCrossSign(root: Command, cli: Invocation): void {
  root
    .command('cross-sign <certificate>')
    .summary('vouch for another root')
    .description(
      'Sign a certificate of another root, so that whoever knows only this one finds a path to what is below the other. Compare the fingerprint that is printed with that of the root that you mean.',
    )
    .requiredOption('--root <dir>', 'the root bundle that signs')
    .option('--root-passphrase-file <file>', 'passphrase of the root key (or SIGNET_PASSPHRASE_FILE)')
    .requiredOption('--out <file>', 'file for the certificate')
    .addHelpText(
      'after',
      examples(
        'signet root cross-sign new/root.pem --root /media/usb/root --out new-with-old.pem',
        'signet root cross-sign old/root.pem --root /media/usb/root-2 --out old-with-new.pem',
      ),
    )
    .action(
      cli.action(async (file: string, options: CrossWords) => {
        const other = await firstOf(cli, file)
        const signer = await openRoot(cli, options.root, options, undefined, undefined)
        const cross = await crossSign(signer, other, cli.now())
        cli.note(`vouched for the root with the fingerprint ${other.fingerprint}`)
        return made(cross, cli.writeOutput(options.out, cross.toPem(), true))
      }),
    )
}

function made(certificate: Certificate, path: string): Outcome {
  const { subject, fingerprint, notAfter } = certificate
  return {
    data: { path, subject: subject.toString(), fingerprint, notAfter: notAfter.toISOString() },
    text: facts([
      ['CA', subject.toString()],
      ['until', instant(notAfter)],
      ['fingerprint', fingerprint],
      ['written to', path],
    ]),
  }
}

async function firstOf(cli: Invocation, file: string): Promise<Certificate> {
  const [certificate] = parseCertificates(await cli.readDocument(file))
  if (certificate !== undefined) return certificate
  throw new EncodingError('ERR_CERTIFICATE_MALFORMED', `there is no certificate in ${file}`)
}
