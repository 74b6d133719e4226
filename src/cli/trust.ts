/** `signet trust …`: the trust directory. @module cli/trust (floor 8) */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { currentCrls, HOME_FILES, publishTrustDirectory } from '../authority/index.js'
import { UsageError } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import { parseDuration } from '../time/index.js'
import { openTrustDirectory, openTrustMemory, type TrustDirectory } from '../trust/index.js'
import { parseCertificates } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { facts, instant, table } from './table.js'

interface PublishOptions extends PassphraseOptions {
  readonly out: string
  readonly validity?: string
}

export function registerTrust(program: Command, cli: Invocation): void {
  const trust = program
    .command('trust')
    .summary('the trust directory')
    .description('The trust directory: the signed list of who may sign messages, with identities and roles.')
    .addHelpText('after', examples('signet trust publish --out trust.p7', 'signet trust show trust.p7'))
  passphraseOptions(
    trust
      .command('publish')
      .summary('publish who may be believed')
      .description('Sign the next trust directory: the good signing certificates of active entities.')
      .requiredOption('--out <file>', 'file to write; one that is there is replaced')
      .option('--validity <duration>', 'how long it is current (default: 1d)'),
  )
    .addHelpText('after', examples('signet trust publish --out trust.p7 --passphrase-file ~/passphrase'))
    .action(
      cli.action(async (options: PublishOptions) => {
        const { der, directory, pin } = await cli.withAuthority(async (authority) => {
          const passphrase = await cli.authorityPassphrase(authority, options)
          const publisherKey = await authority.publisherKey(passphrase ?? (await cli.passphrase(options)))
          const at = await authority.now()
          const crls = await currentCrls(authority, await authority.issuingKey(passphrase), at)
          const validity = options.validity === undefined ? undefined : parseDuration(options.validity)
          return {
            ...(await publishTrustDirectory(authority, publisherKey, crls, at, validity)),
            pin: authority.root.fingerprint,
          }
        })
        const path = cli.writeOutput(options.out, der, true)
        return {
          data: { path, pin, ...summary(directory) },
          text: `${summaryText(directory)}\nwritten to ${path}\nreceivers pin ${pin}`,
        }
      }),
    )
  trust
    .command('show <file>')
    .summary('verify and show a trust directory')
    .description('Verify a trust directory against the pinned root and show who is in it.')
    .option(
      '--pin <fingerprint>',
      'SHA-256 fingerprint of the root (default: SIGNET_PIN, or the root of this authority)',
    )
    .addHelpText('after', examples('signet trust show trust.p7', 'signet trust show trust.p7 --pin 5f0c… --json'))
    .action(
      cli.action((file: string, options: { pin?: string }) => {
        const directory = openTrustFile(cli, file, { ...options })
        const signers = directory.signers.map(({ keyIdentifier, identity, certificate }) => ({
          keyIdentifier,
          ...identity,
          notAfter: certificate.notAfter.toISOString(),
        }))
        const rows = signers.map((item) => [
          item.keyIdentifier,
          item.entity,
          item.roles.join(' '),
          instant(item.notAfter),
        ])
        return {
          data: { verified: true, ...summary(directory), signerList: signers },
          text: `${summaryText(directory)}\n\n${table(['key identifier', 'entity', 'roles', 'until'], rows)}`,
        }
      }),
    )
}

/** Read and verify a trust directory. */
export function openTrustFile(
  cli: Invocation,
  file: string,
  options: { pin?: string; memory?: string },
): TrustDirectory {
  return openTrustDirectory(readFileBytes(cli.path(file), { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes }), {
    pin: pinFrom(cli, options.pin),
    at: cli.now(),
    memory: options.memory === undefined ? 'allow-forgetting' : openTrustMemory(cli.path(options.memory)),
  })
}

/** The fingerprint to believe: the option, `SIGNET_PIN`, or where an authority is at home here, its own root. */
function pinFrom(cli: Invocation, option: string | undefined): string {
  const variable = cli.environment.variables['SIGNET_PIN']
  const given = option ?? (variable === '' ? undefined : variable)
  if (given !== undefined) return given
  const root = cli.hasHome ? join(cli.home, HOME_FILES.root) : ''
  const [certificate] = existsSync(root) ? parseCertificates(readFileBytes(root)) : []
  if (certificate !== undefined) return certificate.fingerprint
  throw new UsageError('ERR_TRUST_NO_PIN', 'no fingerprint was given to check the trust directory against', {
    hint: 'give the root fingerprint that signet init printed: --pin, or SIGNET_PIN',
  })
}

function summary(directory: TrustDirectory): Record<string, unknown> {
  const { trustDomain, sequence, issuedAt, nextUpdate, size, digest } = directory
  return {
    trustDomain,
    sequence,
    issuedAt: issuedAt.toISOString(),
    nextUpdate: nextUpdate.toISOString(),
    signers: size,
    digest,
  }
}

function summaryText({ trustDomain, sequence, issuedAt, nextUpdate, size }: TrustDirectory): string {
  return facts([
    ['trust directory', `${trustDomain}, number ${sequence}`],
    ['current', `${instant(issuedAt)} to ${instant(nextUpdate)}`],
    ['signers', String(size)],
  ])
}
