/** `signet rotate reissue`. @module cli/rotate-reissue (floor 8) */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  type Authority,
  beginReissue,
  currentCrls,
  type HolderName,
  rotationOf,
  reissueCertificates,
  type ReissueDelivery,
} from '../authority/index.js'
import { currentVersion } from '../credential/index.js'
import { keyAlgorithmNamed } from '../crypto/index.js'
import { readFileBytes } from '../files/index.js'
import { parseDuration } from '../time/index.js'
import { parseCertificates } from '../x509/index.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { deliver } from './issue-delivery.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { statusOutcome } from './rotate-status.js'
import { BY_OPTION, doneBy, exceptionsOf, KEY_COMPROMISE, type StepWords } from './rotate-words.js'

/** Certificates whose files are written at once. */
const GROUP = 100

interface ReissueWords extends PassphraseOptions, StepWords {
  readonly out?: string
  readonly without?: readonly string[]
  readonly keyAlgorithm: string
  readonly validity?: string
}

export function registerReissue(rotate: Command, cli: Invocation): void {
  passphraseOptions(
    rotate
      .command('reissue')
      .summary('the new issuing CA issues, to everybody again')
      .description(
        'Let the new issuing CA issue, and with --out replace what the old one issued: in DIR/ENTITY/tls, signer, or the name of the profile. Stopped anywhere, the same command goes on. Refused while an active entity has not acknowledged that it trusts both.',
      )
      .option('--out <dir>', 'folder of credential directories, as of signet issue --all; without it, only from now on')
      .option('--without <entity>', 'do not wait for this one; repeatable', repeatable)
      .option('--reason <text>', 'why; keyCompromise: wait for nobody')
      .option('--validity <duration>', 'life of the certificates, such as 24h or 30d (default: 30d)')
      .option('--key-algorithm <name>', 'keys to generate: p256, p384, ed25519, rsa2048, rsa3072, ml-dsa-65 …', 'p256')
      .option(...BY_OPTION),
  )
    .addHelpText(
      'after',
      examples(
        'signet rotate reissue --out credentials',
        "signet rotate reissue --out credentials --without compute-07 --reason 'switched off until May'",
        'signet rotate reissue --out credentials --reason keyCompromise',
      ),
    )
    .action(
      cli.action(async (options: ReissueWords) => {
        const algorithm = keyAlgorithmNamed(options.keyAlgorithm).name
        return cli.withAuthority(async (authority) => {
          const passphrase = await cli.authorityPassphrase(authority, options)
          const at = await authority.now()
          const isCompromised = options.reason === KEY_COMPROMISE && options.without === undefined
          await beginReissue(
            authority,
            {
              by: doneBy(cli, options),
              exceptions: exceptionsOf(options.without, options.reason),
              urgency: isCompromised ? 'key-compromise' : 'wait',
            },
            at,
          )
          const key = await authority.issuingKey(passphrase)
          const issuing = { authority, key, at, crls: await currentCrls(authority, key, at) }
          const { old } = await rotationOf(authority.store)
          let count = 0
          if (options.out !== undefined && old !== undefined) {
            const folder = cli.path(options.out)
            const { left } = await remaining(authority, old.number, at)
            const progress = cli.progress('issuing', left)
            const groups = reissueCertificates(issuing, old.number, deliveryIn(cli, issuing, folder), {
              algorithm,
              groupSize: GROUP,
              ...(options.validity === undefined ? {} : { validitySeconds: parseDuration(options.validity) }),
            })
            for await (const group of groups) progress.advance((count += group.length))
            progress.finish()
          }
          return statusOutcome(authority, at, [`the new issuing CA issues; ${count} certificates issued again`], {
            issued: count,
          })
        })
      }),
    )
}

async function remaining(authority: Authority, old: number, at: Date): Promise<{ readonly left: number }> {
  return { left: (await authority.store.remainder(old, at)).count }
}

/** Where the certificate of a profile is: as `signet issue` puts it. */
function directoryOf(folder: string, { entityId, profile }: HolderName): string {
  return join(folder, entityId, profile === 'peer' ? 'tls' : profile)
}

function deliveryIn(cli: Invocation, issuing: Parameters<typeof deliver>[1], folder: string): ReissueDelivery {
  const file = (holder: HolderName, name: string): string | undefined => {
    const directory = directoryOf(folder, holder)
    if (!existsSync(join(directory, 'current'))) return undefined
    return join(currentVersion(directory), name)
  }
  return {
    present: (holder) => {
      const path = file(holder, 'cert.pem')
      return path === undefined ? undefined : parseCertificates(readFileBytes(path))[0]?.serialNumber
    },
    keepsKey: (holder) => {
      const path = file(holder, 'key.pem')
      return path === undefined ? undefined : !existsSync(path)
    },
    deliver: async (issued) => {
      const orders = issued.map(({ identity, profile }) => ({
        directory: directoryOf(folder, { entityId: identity.entity, profile: profile.name }),
      }))
      await deliver(cli, issuing, orders, issued)
    },
  }
}
