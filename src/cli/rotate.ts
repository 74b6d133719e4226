/** `signet rotate …`: another issuing CA takes over, step by step. @module cli/rotate (floor 8) */
import type { Command } from 'commander'
import {
  type Authority,
  cutOver,
  currentCrls,
  ensurePublisher,
  lastCrl,
  publishRootCrl,
  rotationOf,
  removeForgotten,
  retire,
  rollBack,
  supersedeAll,
} from '../authority/index.js'
import { UsageError } from '../errors/index.js'
import { PUBLIC_MODE } from '../files/index.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { openRoot, ROOT_PASSPHRASE_OPTION, type RootOptions } from './root-bundle.js'
import { registerAcknowledge, registerDeliver } from './rotate-nodes.js'
import { registerReissue } from './rotate-reissue.js'
import { registerStage } from './rotate-stage.js'
import { registerStatus, statusOutcome } from './rotate-status.js'
import { BY_OPTION, doneBy, exceptionsOf, KEY_COMPROMISE, type StepWords } from './rotate-words.js'

export function registerRotate(program: Command, cli: Invocation): void {
  const rotate = program
    .command('rotate')
    .summary('another issuing CA takes over')
    .description(
      'Another issuing CA takes over, step by step: staged, trusted by all, issuing, alone, the old one retired.',
    )
    .addHelpText(
      'after',
      examples(
        'signet rotate stage --root /media/usb/root',
        'signet rotate status',
        'signet rotate acknowledge compute-07 --credential credentials/compute-07/tls',
        'signet rotate reissue --out credentials',
        'signet rotate cut-over',
        'signet rotate retire',
      ),
    )
  registerStage(rotate, cli)
  registerStatus(rotate, cli)
  registerDeliver(rotate, cli)
  registerAcknowledge(rotate, cli)
  registerReissue(rotate, cli)
  registerCutOver(rotate, cli)
  registerRetire(rotate, cli)
  registerRollBack(rotate, cli)
}

interface CutOverWords extends PassphraseOptions, RootOptions, StepWords {
  readonly evenWith?: readonly string[]
  readonly revoke?: boolean
}

function registerCutOver(rotate: Command, cli: Invocation): void {
  passphraseOptions(
    rotate
      .command('cut-over')
      .summary('the old issuing CA issues nothing any more')
      .description(
        'End what the old issuing CA does but for its CRLs, and have the trust directory signed under the new one. Refused while an active entity has certificates of the old one only.',
      )
      .option('--even-with <entity>', 'go on although this one has none of the new one; repeatable', repeatable)
      .option('--revoke', 'revoke as superseded what the old one issued, instead of letting it end')
      .option('--reason <text>', 'why nobody waits for them; keyCompromise: for nobody, and the old one is revoked')
      .option('--root <dir>', 'the offline root bundle, to revoke the old issuing CA')
      .option(...ROOT_PASSPHRASE_OPTION)
      .option(...BY_OPTION),
  )
    .addHelpText(
      'after',
      examples(
        'signet rotate cut-over',
        "signet rotate cut-over --even-with compute-07 --reason 'switched off until May'",
        'signet rotate cut-over --reason keyCompromise --root /media/usb/root',
      ),
    )
    .action(
      cli.action(async (options: CutOverWords) =>
        cli.withAuthority(async (authority) => {
          const isCompromised = options.reason === KEY_COMPROMISE && options.evenWith === undefined
          if (isCompromised !== (options.root !== undefined)) {
            throw new UsageError('ERR_USAGE', 'only the root can revoke an issuing CA', {
              hint: '--reason keyCompromise and --root DIR belong together',
            })
          }
          const passphrase = await cli.authorityPassphrase(authority, options)
          const rootKey =
            options.root === undefined
              ? undefined
              : (await openRoot(cli, options.root, options, passphrase, authority.root)).key
          const at = await authority.now()
          const { left } = await cutOver(
            authority,
            {
              by: doneBy(cli, options),
              exceptions: exceptionsOf(options.evenWith, options.reason),
              urgency: isCompromised ? 'key-compromise' : 'wait',
            },
            at,
          )
          if (rootKey !== undefined) await publishRootCrl(authority, rootKey, at)
          const revoked = await finishCutOver(cli, authority, options, at)
          const note = isCompromised
            ? 'The old issuing CA is revoked: publish now, whoever gets no newer CRL of the root still believes it.'
            : ''
          return statusOutcome(
            authority,
            at,
            [
              `the old issuing CA signs nothing but CRLs${revoked === 0 ? '' : `; ${revoked} certificates superseded`}`,
              note,
            ],
            { left, revoked },
          )
        }),
      ),
    )
}

/** The publisher under the new one, and what shall not wait for its end. */
async function finishCutOver(cli: Invocation, authority: Authority, options: CutOverWords, at: Date): Promise<number> {
  const key = await authority.issuingKey(await cli.authorityPassphrase(authority, options))
  await ensurePublisher({ authority, key, at, crls: await currentCrls(authority, key, at) })
  if (options.revoke !== true) return 0
  const { old } = await rotationOf(authority.store)
  return old === undefined ? 0 : supersedeAll(authority, old.number, at)
}

function registerRetire(rotate: Command, cli: Invocation): void {
  passphraseOptions(
    rotate
      .command('retire')
      .summary('the old issuing CA is trusted no more')
      .description(
        'Take the old issuing CA out of bundles, CRLs and trust directories that are made from now on, and remove its key. Refused while a certificate of it is good. Its last CRL is current as long as its certificate.',
      )
      .option('--crl-out <file>', 'where its last CRL goes'),
  )
    .addHelpText('after', examples('signet rotate retire', 'signet rotate retire --crl-out issuing-ca-1.last.crl.pem'))
    .action(
      cli.action(async (options: PassphraseOptions & { crlOut?: string }) =>
        cli.withAuthority(async (authority) => {
          const at = await authority.now()
          const { state, old } = await rotationOf(authority.store)
          const ca = authority.issuingCas.find(({ number }) => number === old?.number)
          const written: string[] = []
          if (state === 'cut-over' && ca !== undefined) {
            const { count } = await authority.store.remainder(ca.number, at)
            // Its last word is said before it loses its voice; while it may not go, nothing of it is last.
            if (count === 0 || ca.revokedAt !== undefined) {
              const key = await authority.issuingKey(await cli.authorityPassphrase(authority, options))
              const crl = await lastCrl(authority, ca, authority.crlKey(ca, key), at)
              if (options.crlOut !== undefined) {
                written.push(cli.writeOutput(options.crlOut, crl.toPem(), true, PUBLIC_MODE))
              }
            }
          }
          const isLeftOver = state === 'none' && (await authority.store.issuingCas()).length > 0
          if (!isLeftOver) await retire(authority, at)
          const removed = await removeForgotten(authority)
          return statusOutcome(
            authority,
            at,
            [
              'the old issuing CA is trusted no more: publish CRLs and trust directory, and deliver, without it',
              ...removed.map((path) => `removed ${path}`),
              ...(ca?.key?.kind === 'command' ? ['its key is where a program keeps it: destroy it there'] : []),
            ],
            { removed, written },
          )
        }),
      ),
    )
}

function registerRollBack(rotate: Command, cli: Invocation): void {
  passphraseOptions(
    rotate
      .command('roll-back')
      .summary('take back the last step')
      .description(
        'Take back the last step of a rotation. What was issued meanwhile stays good; a staged issuing CA is withdrawn, its key removed, once nothing of it is good any more.',
      )
      .option(...BY_OPTION),
  )
    .addHelpText('after', examples('signet rotate roll-back'))
    .action(
      cli.action(async (options: PassphraseOptions & StepWords) =>
        cli.withAuthority(async (authority) => {
          const at = await authority.now()
          const { from, to } = await rollBack(authority, { by: doneBy(cli, options) }, at)
          const removed = to === 'none' ? await removeForgotten(authority) : []
          if (to === 'staged') {
            // Whoever issues signs the trust directory, too; a step back from cutting over had changed that.
            const key = await authority.issuingKey(await cli.authorityPassphrase(authority, options))
            await ensurePublisher({ authority, key, at, crls: await currentCrls(authority, key, at) })
          }
          return statusOutcome(authority, at, [BACK[to], ...removed.map((path) => `removed ${path}`)], {
            from,
            to,
            removed,
          })
        }),
      ),
    )
}

const BACK: Readonly<Record<'none' | 'staged' | 'reissuing', string>> = {
  none: 'the new issuing CA is withdrawn: nobody is to trust it',
  staged: 'the old issuing CA issues again; both are trusted, and what the new one issued stays good',
  reissuing: 'the old issuing CA can be brought back again; the new one still issues',
}
