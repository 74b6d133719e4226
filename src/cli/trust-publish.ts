/** `signet trust publish`. @module cli/trust-publish (floor 8) */
import { TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import {
  type Authority,
  currentCrls,
  publishTrustDelta,
  publishTrustDirectory,
  readTrustSite,
  type TrustPublication,
  type TrustSite,
  writeTrustSite,
} from '../authority/index.js'
import type { Command } from 'commander'
import type { KeyProvider } from '../crypto/index.js'
import { isSignetError, UsageError } from '../errors/index.js'
import { lookAt, readFileBytes } from '../files/index.js'
import { parseDuration } from '../time/index.js'
import { openPastTrustDirectory, type TrustDirectory } from '../trust/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { directoryFacts, directoryText } from './trust-facts.js'

interface PublishOptions extends PassphraseOptions {
  readonly out?: string
  readonly site?: string
  readonly deltaFrom?: string
  readonly deltaOut?: string
  readonly validity?: string
}

export function registerTrustPublish(trust: Command, cli: Invocation): void {
  passphraseOptions(
    trust
      .command('publish')
      .summary('publish who may be believed')
      .description('Sign the next trust directory: the good signing certificates of active entities.')
      .option('--out <file>', 'file to write; one that is there is replaced')
      .option('--site <dir>', 'folder for a web server: trust.p7, deltas/N-M.p7, latest.json')
      .option('--delta-from <file>', 'a trust directory that receivers have, to make a delta from')
      .option('--delta-out <file>', 'where the delta goes; a file that is there is replaced')
      .option('--validity <duration>', 'how long it is current (default: 1d)'),
  )
    .addHelpText(
      'after',
      examples(
        'signet trust publish --out trust.p7 --passphrase-file ~/passphrase',
        'signet trust publish --site /srv/www/trust',
        'signet trust publish --out trust.p7 --delta-from old.p7 --delta-out delta.p7',
      ),
    )
    .action(
      cli.action(async (options: PublishOptions) => {
        checkOptions(options)
        const { publication, written, pin } = await cli.withAuthority(async (authority) => {
          const passphrase = await cli.authorityPassphrase(authority, options)
          const publisherKey = await authority.publisherKey(passphrase ?? (await cli.passphrase(options)))
          const at = await authority.now()
          const before = publishedBefore(cli, authority, options)
          const crls = await currentCrls(authority, await authority.issuingKey(passphrase), at)
          const validity = options.validity === undefined ? undefined : parseDuration(options.validity)
          const made = await publishTrustDirectory(authority, publisherKey, crls, at, validity, before.found)
          return {
            publication: made,
            written: await writeAll(cli, authority, publisherKey, made, before, options),
            pin: authority.root.fingerprint,
          }
        })
        const [path = ''] = written
        return {
          data: { path, written, pin, ...directoryFacts(publication.directory) },
          text: [
            directoryText(publication.directory),
            ...written.map((item) => `written to ${item}`),
            `receivers pin ${pin}`,
          ].join('\n'),
        }
      }),
    )
}

function checkOptions({ out, site, deltaFrom, deltaOut }: PublishOptions): void {
  if (out === undefined && site === undefined) {
    throw new UsageError('ERR_USAGE', 'nothing says where the trust directory goes: --out, or --site')
  }
  if ((deltaFrom === undefined) !== (deltaOut === undefined)) {
    throw new UsageError('ERR_USAGE', 'a delta needs both --delta-from and --delta-out')
  }
}

/** What receivers may have. */
interface Before {
  readonly base: TrustDirectory | undefined
  readonly site: TrustSite | undefined
  readonly found: readonly TrustDirectory[]
}

function publishedBefore(cli: Invocation, { root }: Authority, { out, site, deltaFrom }: PublishOptions): Before {
  const base = deltaFrom === undefined ? undefined : openPast(cli.path(deltaFrom), root.fingerprint)
  const there = site === undefined ? undefined : readTrustSite(cli.path(site), root.fingerprint)
  const replaced = out === undefined || out === '-' ? undefined : openIfOurs(cli.path(out), root.fingerprint)
  const found = [base, there?.directory, replaced].filter((item) => item !== undefined)
  return { base, site: there, found }
}

function openPast(path: string, pin: string): TrustDirectory {
  return openPastTrustDirectory(readFileBytes(path, { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes }), pin)
}

/** What is replaced may be anything; only a directory of ours counts. */
function openIfOurs(path: string, pin: string): TrustDirectory | undefined {
  try {
    return lookAt(path)?.isFile() === true ? openPast(path, pin) : undefined
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}

async function writeAll(
  cli: Invocation,
  authority: Authority,
  publisherKey: KeyProvider,
  publication: TrustPublication,
  { base, site }: Before,
  options: PublishOptions,
): Promise<readonly string[]> {
  const deltaFrom = async (from: TrustDirectory | undefined): Promise<Uint8Array | undefined> =>
    from === undefined ? undefined : publishTrustDelta(authority, publisherKey, from, publication)
  const written: string[] = []
  if (options.out !== undefined) written.push(cli.writeOutput(options.out, publication.der, true))
  const delta = await deltaFrom(base)
  if (delta !== undefined) written.push(cli.writeOutput(options.deltaOut ?? '', delta, true))
  if (site !== undefined && options.site !== undefined) {
    const folder = cli.path(options.site)
    written.push(...writeTrustSite(folder, site, publication, await deltaFrom(site.directory)))
  }
  return written
}
