/** `signet rotate stage`. @module cli/rotate-stage (floor 8) */
import type { Command } from 'commander'
import {
  type Authority,
  currentCrls,
  rotationOf,
  requestIssuingCa,
  signIssuingCaRequest,
  stageIssuingCa,
} from '../authority/index.js'
import { keyAlgorithmNamed, type Passphrase } from '../crypto/index.js'
import { EncodingError, UsageError } from '../errors/index.js'
import { type Certificate, parseCertificates } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { openRoot, ROOT_PASSPHRASE_OPTION, type RootOptions } from './root-bundle.js'
import { statusOutcome } from './rotate-status.js'

interface StageWords extends PassphraseOptions, RootOptions {
  readonly requestOut?: string
  readonly certificate?: string
  readonly algorithm: string
  readonly issuingKeyCommand?: string
}

export function registerStage(rotate: Command, cli: Invocation): void {
  passphraseOptions(
    rotate
      .command('stage')
      .summary('make the next issuing CA, which others trust before it issues')
      .description(
        'Make the next issuing CA. With the root bundle at hand in one go; otherwise a request is carried to the root (signet root sign), and its certificate back.',
      )
      .option('--root <dir>', 'the offline root bundle')
      .option(...ROOT_PASSPHRASE_OPTION)
      .option('--request-out <file>', 'only make the key and write the request to the root')
      .option('--certificate <file>', 'the certificate that the root made of the request')
      .option('--algorithm <name>', 'key of the CA: p256, p384, ed25519, rsa3072, rsa4096, ml-dsa-65 …', 'p256')
      .option('--issuing-key-command <words>', 'program that keeps the key, and its arguments, separated by spaces'),
  )
    .addHelpText(
      'after',
      examples(
        'signet rotate stage --root /media/usb/root',
        'signet rotate stage --request-out next.csr',
        'signet rotate stage --certificate next.pem',
      ),
    )
    .action(
      cli.action(async (options: StageWords) => {
        const { root, requestOut, certificate } = options
        if ([root, requestOut, certificate].filter((item) => item !== undefined).length !== 1) {
          throw new UsageError('ERR_USAGE', 'name one of --root, --request-out, --certificate', {
            hint: 'signet rotate stage --help',
          })
        }
        return cli.withAuthority(async (authority) => {
          const passphrase = await cli.passphrase(options)
          const at = await authority.now()
          if (requestOut !== undefined) {
            const request = await makeRequest(authority, options, passphrase, at)
            const path = cli.writeOutput(requestOut, request, true)
            return statusOutcome(authority, at, [`the request to the root is in ${path}`], { path })
          }
          const made =
            root === undefined
              ? await readOne(cli, certificate ?? '')
              : await signHere(cli, authority, options, passphrase, at)
          await stageIssuingCa(authority, made, passphrase, at)
          // Its first CRL: without one, most servers refuse everybody whom it will certify.
          await currentCrls(authority, await authority.issuingKey(passphrase), at)
          return statusOutcome(authority, at, [
            'both issuing CAs are to be trusted: publish CRLs and trust directory, and deliver (signet rotate deliver)',
          ])
        })
      }),
    )
}

async function makeRequest(
  authority: Authority,
  { algorithm, issuingKeyCommand }: StageWords,
  passphrase: Passphrase,
  at: Date,
): Promise<string> {
  const wanted = {
    algorithm: keyAlgorithmNamed(algorithm).name,
    passphrase,
    ...(issuingKeyCommand === undefined ? {} : { keyCommand: issuingKeyCommand.split(/\s+/).filter(Boolean) }),
  }
  return requestIssuingCa(authority, wanted, at)
}

/** The root is opened first: nothing is begun that it cannot sign. */
async function signHere(
  cli: Invocation,
  authority: Authority,
  options: StageWords,
  passphrase: Passphrase,
  at: Date,
): Promise<Certificate> {
  const root = await openRoot(cli, options.root ?? '', options, passphrase, authority.root)
  const { state } = await rotationOf(authority.store)
  const request = await makeRequest(authority, options, passphrase, at)
  if (state === 'requested') cli.note('a request was made before: it is the one that is signed now')
  return signIssuingCaRequest(root, Buffer.from(request), authority.issuing, at)
}

async function readOne(cli: Invocation, file: string): Promise<Certificate> {
  const [certificate] = parseCertificates(await cli.readDocument(file))
  if (certificate !== undefined) return certificate
  throw new EncodingError('ERR_CERTIFICATE_MALFORMED', `there is no certificate in ${file}`)
}
