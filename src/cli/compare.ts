/** `signet compare …`: signet beside what it replaces. @module cli/compare (floor 8) */
import type { Command } from 'commander'
import { compareKite, type KiteComparison, requireDocumented, SYSTEMS, TRIALS } from '../compare/index.js'
import { registerCompareSizes } from './compare-sizes.js'
import { ANSWERS, comparisonMarkdown, OVERHEAD_ROWS, SYSTEM_TITLES } from './comparison-page.js'
import { choice, examples } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { table } from './table.js'

const FORMATS = ['text', 'markdown'] as const

export function registerCompare(program: Command, cli: Invocation): void {
  const compare = program
    .command('compare')
    .summary('signet beside what it replaces')
    .description('Compare signet with other ways to protect messages, by trying.')
    .addHelpText('after', examples('signet compare kite', 'signet compare sizes'))
  compare
    .command('kite')
    .summary('beside shared keys: Kite')
    .description(
      'Try every property on Kite as specified, on Kite as built, and on signet: forgeries are made, messages replayed, keys stolen. Exit code 0 if everything came out as documented; 1 means a defect.',
    )
    .option('--format <format>', FORMATS.join(', '), choice(FORMATS), 'text')
    .addHelpText('after', examples('signet compare kite', 'signet compare kite --format markdown'))
    .action(
      cli.action(async ({ format }: { format: (typeof FORMATS)[number] }) => {
        const progress = cli.progress('comparing', TRIALS)
        const comparison = await compareKite({
          at: cli.now(),
          advance: (done) => {
            progress.advance(done)
          },
        })
        progress.finish()
        const text = format === 'markdown' ? comparisonMarkdown(comparison) : comparisonText(comparison)
        return documentedOutcome(comparison, text)
      }),
    )
  registerCompareSizes(compare, cli)
}

function documentedOutcome(comparison: KiteComparison, text: string): Outcome {
  const outcome = { data: { ...comparison }, text }
  try {
    requireDocumented(comparison)
  } catch (error) {
    throw new RefusedOutcome(outcome, error)
  }
  return outcome
}

function comparisonText({ properties, overheads, ratios }: KiteComparison): string {
  const rows = [
    ...properties.map(({ number, claim, findings }) => [
      String(number),
      claim,
      ...SYSTEMS.map((name) => ANSWERS[findings[name].answer]),
    ]),
    ...OVERHEAD_ROWS.map(([number, claim, of]) => [
      String(number),
      claim,
      ...SYSTEMS.map((name) => String(of(overheads[name]))),
    ]),
    ...(ratios === undefined
      ? []
      : [['16', 'time to protect and verify', ...SYSTEMS.map((name) => `× ${ratios[name]}`)]]),
  ]
  return table(['#', 'property', ...SYSTEMS.map((name) => SYSTEM_TITLES[name])], rows)
}
