/** `signet rotate deliver` and `signet rotate acknowledge`: what nodes have, and who said so. @module cli/rotate-nodes (floor 8) */
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  acknowledge,
  type Acknowledgement,
  type Authority,
  currentCrls,
  rotationOf,
  trustsIssuingCa,
} from '../authority/index.js'
import { redeliverCredential, type Redelivery } from '../credential/index.js'
import { isSignetError, StateError, UsageError } from '../errors/index.js'
import { entityPages } from '../identity/index.js'
import { type Certificate, parseCertificate } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { BY_OPTION, doneBy } from './rotate-words.js'
import { statusOutcome } from './rotate-status.js'

/** How deep credential directories may lie: DIR/ENTITY/tls. */
const MAX_DEPTH = 3

export function registerDeliver(rotate: Command, cli: Invocation): void {
  passphraseOptions(
    rotate
      .command('deliver')
      .summary('give credential directories the CAs and CRLs of now')
      .description(
        'Give every credential directory below a folder the issuing CAs to trust now, and their CRLs: as a new version, keys and certificates as they are.',
      )
      .requiredOption('--credentials <dir>', 'folder of credential directories, or one'),
  )
    .addHelpText('after', examples('signet rotate deliver --credentials credentials'))
    .action(
      cli.action(async (options: PassphraseOptions & { credentials: string }) =>
        cli.withAuthority(async (authority) => {
          const directories = credentialDirectories(cli.path(options.credentials), MAX_DEPTH)
          if (directories.length === 0) {
            throw new UsageError('ERR_CONFIG_INVALID', `there is no credential directory below ${options.credentials}`)
          }
          const key = await authority.issuingKey(await cli.authorityPassphrase(authority, options))
          const at = await authority.now()
          const crls = await currentCrls(authority, key, at)
          const caBundle = [...authority.authorities, authority.root]
          const progress = cli.progress('delivering', directories.length)
          const delivered: string[] = []
          for (const [index, directory] of directories.entries()) {
            if (redelivered(cli, directory, { crls, caBundle }, at)) delivered.push(directory)
            progress.advance(index + 1)
          }
          progress.finish()
          return {
            data: { directories: delivered, caBundle: caBundle.map(({ fingerprint }) => fingerprint) },
            text: `${delivered.length} credential directories trust ${authority.authorities.map(({ subject }) => subject.toString()).join(' and ')}`,
          }
        }),
      ),
    )
}

/** Deliver again; a certificate that nobody believes any more needs no trust, and stops nobody else. */
function redelivered(cli: Invocation, directory: string, trust: Redelivery, at: Date): boolean {
  try {
    redeliverCredential(directory, trust, at)
    return true
  } catch (error) {
    if (!isSignetError(error) || error.category !== 'untrusted') throw error
    cli.note(`${directory} stays as it is: ${error.message}`)
    return false
  }
}

/** Every credential directory in a folder, or the folder itself, in order. */
function credentialDirectories(folder: string, depth: number): readonly string[] {
  if (lstatSync(join(folder, 'current'), { throwIfNoEntry: false })?.isSymbolicLink() === true) return [folder]
  if (depth === 0 || !existsSync(folder)) return []
  const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return inside.flatMap(({ name }) => credentialDirectories(join(folder, name), depth - 1)).sort()
}

interface AcknowledgeWords {
  readonly credential?: string
  readonly credentials?: string
  readonly all?: boolean
  readonly by?: string
}

export function registerAcknowledge(rotate: Command, cli: Invocation): void {
  rotate
    .command('acknowledge [entity]')
    .summary('record that nodes trust both issuing CAs')
    .description(
      'Record that a node trusts the issuing CA that takes over. With its credential directory at hand, that is looked at, and refused where it does not.',
    )
    .option('--credential <dir>', 'credential directory of the node, as it is there')
    .option('--all', 'every active entity whose credential directories in DIR/ENTITY show it')
    .option('--credentials <dir>', 'folder with DIR/ENTITY for each, for --all')
    .option(...BY_OPTION)
    .addHelpText(
      'after',
      examples(
        'signet rotate acknowledge compute-07 --credential /mnt/compute-07/tls',
        'signet rotate acknowledge compute-07 --by alice',
        'signet rotate acknowledge --all --credentials credentials',
      ),
    )
    .action(
      cli.action(async (entity: string | undefined, options: AcknowledgeWords) => {
        if (
          (entity === undefined) !== (options.all === true) ||
          (options.all === true) !== (options.credentials !== undefined)
        ) {
          throw new UsageError('ERR_USAGE', 'name one entity, or say --all --credentials DIR', {
            hint: 'signet rotate acknowledge --help',
          })
        }
        return cli.withAuthority(async (authority) => {
          const at = await authority.now()
          const next = await takingOver(authority)
          const found =
            entity === undefined
              ? await seenBelow(authority, cli.path(options.credentials ?? ''), next)
              : [seenOf(cli, entity, options.credential, next)]
          const records = await acknowledge(authority, found, doneBy(cli, options), at)
          return statusOutcome(authority, at, [`${records.length} acknowledged`], {
            recorded: records.map(({ entityId, evidence }) => ({ entity: entityId, evidence })),
          })
        })
      }),
    )
}

async function takingOver({ store }: Authority): Promise<Certificate> {
  const { next } = await rotationOf(store)
  if (next?.der != null) return parseCertificate(next.der)
  throw new StateError('ERR_ROTATION_STATE', 'no issuing CA is taking over', {
    hint: 'signet rotate status says what is next',
  })
}

function seenOf(cli: Invocation, entity: string, credential: string | undefined, next: Certificate): Acknowledgement {
  if (credential === undefined) return { entity, evidence: 'stated', seen: '' }
  const directory = cli.path(credential)
  if (trustsIssuingCa(directory, next)) return { entity, evidence: 'credential', seen: directory }
  throw new StateError('ERR_ROTATION_BLOCKED', `${directory} does not trust the new issuing CA, or has no CRL of it`, {
    details: { path: directory, issuingCa: next.fingerprint },
    hint: 'signet rotate deliver --credentials DIR',
  })
}

/** Whoever has credential directories there, and trusts the new one in each of them. */
async function seenBelow({ store }: Authority, folder: string, next: Certificate): Promise<readonly Acknowledgement[]> {
  const found: Acknowledgement[] = []
  for await (const page of entityPages(store)) {
    for (const { id, state } of page) {
      const directories = state === 'active' ? credentialDirectories(join(folder, id), MAX_DEPTH - 1) : []
      if (directories.length === 0 || !directories.every((one) => trustsIssuingCa(one, next))) continue
      found.push({ entity: id, evidence: 'credential', seen: join(folder, id) })
    }
  }
  return found
}
