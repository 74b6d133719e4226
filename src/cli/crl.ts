/** `signet crl …`. @module cli/crl (floor 8) */
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  type Authority,
  latestCrl,
  latestDeltaCrl,
  type PublicationOptions,
  publishCrls,
  publishDeltaCrls,
  publishRootCrl,
  recoverRevocations,
} from '../authority/index.js'
import { StateError, UsageError } from '../errors/index.js'
import { lookAt, makeDirectory, PUBLIC_DIRECTORY_MODE } from '../files/index.js'
import { parseDuration } from '../time/index.js'
import { type Crl, hex, parseCrls } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { openRoot, ROOT_PASSPHRASE_OPTION, type RootOptions } from './root-bundle.js'
import { facts, instant, table } from './table.js'

interface PublishOptions extends PassphraseOptions, RootOptions {
  readonly out?: string
  readonly outDir?: string
  readonly delta?: boolean
  readonly validity?: string
}

export function registerCrl(program: Command, cli: Invocation): void {
  const crl = program
    .command('crl')
    .summary('certificate revocation lists')
    .description('Certificate revocation lists.')
    .addHelpText('after', examples('signet crl publish --out crls.pem', 'signet crl show'))
  registerPublish(crl, cli)
  registerShow(crl, cli)
  registerRecover(crl, cli)
}

function registerPublish(crl: Command, cli: Invocation): void {
  passphraseOptions(
    crl
      .command('publish')
      .summary('publish what is revoked')
      .description(
        'Make the next CRL of the issuing CA (during a rotation: of both) and write it, followed by the root CRL: servers need all. Nothing that a file already there lists as revoked may be missing.',
      )
      .option('--out <file>', 'PEM file with all full CRLs, for servers; one that is there is replaced')
      .option('--out-dir <dir>', 'folder for one DER file per CA, KEYID.crl and KEYID.delta.crl')
      .option('--delta', 'make a delta CRL for --out-dir: what changed since the last full one')
      .option('--validity <duration>', 'how long the CRL is current (default: 7d, of a delta CRL 1d)')
      .option('--root <dir>', 'the offline root bundle, to make the next root CRL, too')
      .option(...ROOT_PASSPHRASE_OPTION),
  )
    .addHelpText(
      'after',
      examples(
        'signet crl publish --out crls.pem --passphrase-file ~/passphrase',
        'signet crl publish --out-dir /srv/pki/crl --delta',
        'signet crl publish --out crls.pem --root /media/usb/root',
      ),
    )
    .action(
      cli.action(async (options: PublishOptions) => {
        if (options.out === undefined && options.outDir === undefined) {
          throw new UsageError('ERR_USAGE', 'name --out or --out-dir', { hint: 'signet crl publish --help' })
        }
        if (options.delta === true && options.outDir === undefined) {
          throw new UsageError('ERR_USAGE', 'a delta CRL is written to a folder only', {
            hint: 'add --out-dir DIR: OpenSSL would take a delta CRL in the file of --out for a full one',
          })
        }
        const crls = await cli.withAuthority((authority) => publish(cli, authority, options))
        const paths = write(cli, crls, options)
        return {
          data: { path: paths[0], paths, crls: crls.map(summary) },
          text: `${crlTable(crls)}\nwritten to ${paths.join(', ')}`,
        }
      }),
    )
}

/** All CRLs that are current afterwards: issuing CA, its delta CRL if one was asked for, root. */
async function publish(cli: Invocation, authority: Authority, options: PublishOptions): Promise<readonly Crl[]> {
  const passphrase = await cli.authorityPassphrase(authority, options)
  const key = await authority.issuingKey(passphrase)
  const at = await authority.now()
  const publication: PublicationOptions = {
    found: await publishedBefore(cli, authority, options),
    ...(options.validity === undefined ? {} : { validitySeconds: parseDuration(options.validity) }),
  }
  if (options.root !== undefined) {
    const { key: rootKey } = await openRoot(cli, options.root, options, passphrase, authority.root)
    await publishRootCrl(authority, rootKey, at, { found: publication.found ?? [] })
  }
  const deltas = options.delta === true ? await publishDeltaCrls(authority, key, at, publication) : []
  if (options.delta !== true) await publishCrls(authority, key, at, publication)
  const full = authority.authorities.map(async (issuer) => latestCrl(authority, issuer))
  const latest = [...(await Promise.all(full)), ...deltas, await latestCrl(authority, authority.root)]
  const crls = latest.filter((item) => item !== undefined)
  refuseOlder(crls, publication.found ?? [])
  return crls
}

/** The CRLs that receivers have now: those in the files that will be replaced. What cannot be read there is an error. */
async function publishedBefore(
  cli: Invocation,
  { authorities, root }: Authority,
  { out, outDir }: PublishOptions,
): Promise<readonly Crl[]> {
  const names = [...authorities, root].flatMap(({ keyIdentifier }) => [
    fileName(keyIdentifier, false),
    fileName(keyIdentifier, true),
  ])
  const inFolder = outDir === undefined ? [] : names.map((name) => join(outDir, name))
  const found: Crl[] = []
  for (const path of [...(out === undefined || out === '-' ? [] : [out]), ...inFolder]) {
    // What is no file will be refused when it is written.
    if (lookAt(cli.path(path))?.isFile() === true) found.push(...parseCrls(await cli.readDocument(path)))
  }
  return found
}

/**
 * Nobody is given less than they have: a file with a newer full CRL is not replaced by an older one.
 *
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
function refuseOlder(crls: readonly Crl[], found: readonly Crl[]): void {
  const number = (crl: Crl): bigint => BigInt(`0x${crl.crlNumber ?? '00'}`)
  const older = crls.find((crl) =>
    found.some(
      (other) => isDelta(other) === isDelta(crl) && other.issuer.equals(crl.issuer) && number(other) > number(crl),
    ),
  )
  if (older === undefined) return
  throw new StateError('ERR_CRL_ROLLBACK', `a newer CRL of ${older.issuer.toString()} is published already`, {
    details: { issuer: older.issuer.toString() },
    hint: 'the store is older than what it published: signet crl recover FILE, then signet crl publish',
  })
}

function write(cli: Invocation, crls: readonly Crl[], { out, outDir }: PublishOptions): readonly string[] {
  const paths: string[] = []
  if (outDir !== undefined) makeDirectory(cli.path(outDir), PUBLIC_DIRECTORY_MODE)
  // OpenSSL (without -extended_crl, so every server) takes a newer delta CRL for the full one, and what only that lists
  // for good: none in the file that servers are given.
  const full = crls.filter((item) => !isDelta(item))
  if (out !== undefined) paths.push(cli.writeOutput(out, full.map((item) => item.toPem()).join(''), true))
  for (const item of outDir === undefined ? [] : crls) {
    const name = fileName(hex(item.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array()), isDelta(item))
    paths.push(cli.writeOutput(join(outDir ?? '', name), item.der, true))
  }
  return paths
}

function fileName(keyIdentifier: string, delta: boolean): string {
  return `${keyIdentifier}${delta ? '.delta' : ''}.crl`
}

function isDelta(crl: Crl): boolean {
  return crl.baseCrlNumber !== undefined
}

function registerShow(crl: Command, cli: Invocation): void {
  crl
    .command('show [file]')
    .summary('show CRLs')
    .description('Show the CRLs of a file, or without one the newest of this authority. Signatures are not checked.')
    .addHelpText('after', examples('signet crl show', 'signet crl show crls.pem --json'))
    .action(
      cli.action(async (file: string | undefined) => {
        const crls = file === undefined ? await newestCrls(cli) : parseCrls(await cli.readDocument(file))
        const entries = crls.flatMap((item) => item.revokedCertificates)
        const rows = entries.map((entry) => [entry.serialNumber, instant(entry.revocationDate), entry.reason])
        return {
          data: { crls: crls.map((item) => ({ ...summary(item), revoked: item.revokedCertificates })) },
          text: `${crlTable(crls)}${rows.length === 0 ? '' : `\n\n${table(['revoked', 'since', 'reason'], rows)}`}`,
        }
      }),
    )
}

async function newestCrls(cli: Invocation): Promise<readonly Crl[]> {
  return cli.withAuthority(async (authority) => {
    const { authorities, root } = authority
    const own = authorities.flatMap((issuer) => [latestCrl(authority, issuer), latestDeltaCrl(authority, issuer)])
    const found = await Promise.all([...own, latestCrl(authority, root)])
    return found.filter((item) => item !== undefined)
  })
}

function registerRecover(crl: Command, cli: Invocation): void {
  crl
    .command('recover <file>')
    .summary('get back revocations from a published CRL')
    .description(
      'Record the revocations that CRLs of this authority list and its store does not know: after an old backup was restored.',
    )
    .addHelpText('after', examples('signet crl recover /srv/pki/crls.pem'))
    .action(
      cli.action(async (file: string) => {
        const crls = parseCrls(await cli.readDocument(file))
        const recovered = await cli.withAuthority(async (authority) => {
          const at = await authority.now()
          const ofIssuing = crls.filter((item) => !item.issuer.equals(authority.root.subject))
          const found = []
          for (const item of ofIssuing) found.push(...(await recoverRevocations(authority, item, at)))
          return found
        })
        const rows = recovered.map((entry) => [entry.serialNumber, instant(entry.revocationDate), entry.reason])
        return {
          data: { recovered },
          text: rows.length === 0 ? 'nothing was missing' : table(['recovered', 'revoked', 'reason'], rows),
        }
      }),
    )
}

function summary(crl: Crl): Record<string, unknown> {
  return {
    issuer: crl.issuer.toString(),
    crlNumber: crl.crlNumber === undefined ? null : decimal(crl.crlNumber),
    baseCrlNumber: crl.baseCrlNumber === undefined ? null : decimal(crl.baseCrlNumber),
    thisUpdate: crl.thisUpdate.toISOString(),
    nextUpdate: crl.nextUpdate?.toISOString() ?? null,
    entries: crl.size,
  }
}

function crlTable(crls: readonly Crl[]): string {
  return crls
    .map((item) =>
      facts([
        ['issuer', item.issuer.toString()],
        ['number', item.crlNumber === undefined ? '' : decimal(item.crlNumber)],
        ...(item.baseCrlNumber === undefined ? [] : ([['changes', decimal(item.baseCrlNumber)]] as const)),
        ['current', `${instant(item.thisUpdate)} to ${instant(item.currentUntil)}`],
        ['revoked', String(item.size)],
      ]),
    )
    .join('\n\n')
}

/** CRL numbers are counted, so people see them in decimal. */
function decimal(text: string): string {
  return BigInt(`0x${text}`).toString()
}
