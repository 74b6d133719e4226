/** `signet audit …`: the issuance log. @module cli/audit (floor 8) */
import type { Command } from 'commander'
import { verifyAudit } from '../store/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'

const BATCH = 1000

export function registerAudit(program: Command, cli: Invocation): void {
  const audit = program
    .command('audit')
    .summary('the issuance log')
    .description('The issuance log: every change, chained by hashes.')
    .addHelpText('after', examples('signet audit verify', 'signet audit export --out log.ndjson'))
  audit
    .command('verify')
    .summary('prove that the log is whole')
    .description(
      'Verify the hash chain of the issuance log, and that the store holds exactly what the log says. Keep the printed head elsewhere to notice a log rewritten as a whole.',
    )
    .addHelpText('after', examples('signet audit verify', 'signet audit verify --json'))
    .action(
      cli.action(async () =>
        cli.withAuthority(async (authority) => {
          const total = (await authority.store.logHead()).sequence
          const progress = cli.progress('verifying', total)
          const report = await verifyAudit(authority.store, (entries) => {
            progress.advance(entries)
          })
          progress.finish()
          return {
            data: {
              whole: true,
              entries: report.entries,
              certificates: report.certificates,
              revocations: report.revocations,
              head: report.head.hash,
            },
            text: `the log is whole: ${report.entries} entries, ${report.certificates} certificates, ${report.revocations} revocations\nhead ${report.head.sequence} ${report.head.hash}`,
          }
        }),
      ),
    )
  audit
    .command('export')
    .summary('write the log as JSON lines')
    .description('Write the issuance log, one JSON object a line, exactly as it is hashed.')
    .requiredOption('--out <file>', 'file to write')
    .option('--force', 'replace a file that is there')
    .addHelpText('after', examples('signet audit export --out log.ndjson'))
    .action(
      cli.action(async (options: { out: string; force?: boolean }) =>
        cli.withAuthority(async (authority) => {
          const lines: string[] = []
          for (let from = 1; ; from += BATCH) {
            const entries = await authority.store.logEntries(from, BATCH)
            if (entries.length === 0) break
            lines.push(...entries.map((entry) => `${JSON.stringify(entry)}\n`))
          }
          const path = cli.writeOutput(options.out, lines.join(''), options.force)
          return { data: { path, entries: lines.length }, text: `${lines.length} entries written to ${path}` }
        }),
      ),
    )
}
