/** `signet envelope …`: parts signed by different entities, held together by a manifest. @module cli/envelope (floor 8) */
import type { Command } from 'commander'
import { formatSignerIdentifier } from '../cms/index.js'
import { loadCredential } from '../credential/index.js'
import { makeEnvelope, statedEnvelope, type StatedPart } from '../message/index.js'
import { pairOf, registerAdd, registerVerify } from './envelope-open.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { signerDirectory } from './sign.js'
import { facts, instant, table } from './table.js'

export function registerEnvelope(program: Command, cli: Invocation): void {
  const envelope = program
    .command('envelope')
    .summary('parts of several signers, held together')
    .description(
      'An envelope has parts that different entities sign, and a manifest, signed by who planned it, that says which parts there are and whose each is.',
    )
    .addHelpText('after', examples('signet envelope create --help', 'signet envelope show order.env'))
  registerCreate(envelope, cli)
  registerAdd(envelope, cli)
  registerShow(envelope, cli)
  registerVerify(envelope, cli)
}

interface CreateOptions {
  readonly as: string
  readonly part: readonly string[]
  readonly out: string
  readonly force?: boolean
}

function registerCreate(envelope: Command, cli: Invocation): void {
  envelope
    .command('create')
    .summary('plan an envelope, and sign the plan')
    .description('Make an envelope without parts: who shall put which part in is signed now.')
    .requiredOption('--as <dir>', 'credential directory of the originator: DIR/signer')
    .requiredOption(
      '--part <name=signer>',
      'a part and who shall sign it, an entity or a URI: invoice=billing-01; repeatable',
      repeatable,
    )
    .requiredOption('--out <file>', 'where the envelope goes')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples(
        'signet envelope create --as conductor-01/signer --part invoice=billing-01 --part receipt=store-01 --out order.env',
      ),
    )
    .action(
      cli.action(async ({ as, part, out, force }: CreateOptions) => {
        const credential = loadCredential(signerDirectory(cli, as))
        const planned = part
          .map((word) => pairOf(word, '--part', 'NAME=SIGNER'))
          .map(([name, signer]) => ({ name, signer }))
        const der = await makeEnvelope(credential, { parts: planned, at: cli.now() })
        const path = cli.writeOutput(out, der, force)
        const { id } = statedEnvelope(der)
        return {
          data: { path, id, originator: credential.identity, planned, bytes: der.length },
          text: `planned as ${credential.identity}\n${planned.map(({ name, signer }) => `${name} is for ${signer}`).join('\n')}\n${der.length} bytes in ${path}`,
        }
      }),
    )
}

function registerShow(envelope: Command, cli: Invocation): void {
  envelope
    .command('show <envelope>')
    .summary('show what an envelope says')
    .description('Show the plan of an envelope and which parts are in it. Nothing is verified: do not decide by it.')
    .addHelpText('after', examples('signet envelope show order.env'))
    .action(
      cli.action(async (file: string) => {
        const { id, planned, parts, sid, signingTime } = statedEnvelope(await cli.readDocument(file))
        // A part that nobody planned is shown, too; a part that is there twice, twice.
        const names = new Set([...planned, ...parts].map(({ name }) => name))
        const rows = [...names].flatMap((name) => {
          const wanted = planned.find((part) => part.name === name)?.signer ?? ''
          const found = parts.filter((part) => part.name === name)
          return found.length === 0 ? [[name, wanted, '', '', '']] : found.map((part) => [name, wanted, ...cells(part)])
        })
        return {
          data: {
            verified: false,
            id,
            originator: formatSignerIdentifier(sid),
            signingTime: signingTime ?? null,
            planned,
            parts: parts.map((part) => ({
              name: part.name,
              signer: formatSignerIdentifier(part.sid),
              signingTime: part.signingTime ?? null,
              contentBytes: part.contentBytes ?? null,
            })),
          },
          text: `${facts([
            ['id', id],
            ['says it is planned by', formatSignerIdentifier(sid)],
            ['planned', signingTime === undefined ? '' : instant(signingTime)],
          ])}\n\n${table(['part', 'planned for', 'says it is signed by', 'at', 'content'], rows)}\n\nnothing was verified`,
        }
      }),
    )
}

function cells({ sid, signingTime, contentBytes }: StatedPart): readonly string[] {
  return [
    formatSignerIdentifier(sid),
    signingTime === undefined ? '' : instant(signingTime),
    contentBytes === undefined ? 'beside' : `${contentBytes} bytes`,
  ]
}
