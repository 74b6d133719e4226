/** `signet trust …`: the trust directory. @module cli/trust (floor 8) */
import type { Command } from 'commander'
import { OID, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { readFileBytes } from '../files/index.js'
import { openTrustDelta, publishedType } from '../trust/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { instant, table } from './table.js'
import { registerTrustCache } from './trust-cache.js'
import { deltaFacts, deltaText, directoryFacts, directoryText } from './trust-facts.js'
import { openTrustFile, PIN_OPTION, pinFrom } from './trust-file.js'
import { registerTrustPublish } from './trust-publish.js'

export function registerTrust(program: Command, cli: Invocation): void {
  const trust = program
    .command('trust')
    .summary('the trust directory')
    .description('The trust directory: the signed list of who may sign messages, with identities and roles.')
    .addHelpText('after', examples('signet trust publish --out trust.p7', 'signet trust show trust.p7'))
  registerTrustPublish(trust, cli)
  registerTrustCache(trust, cli)
  registerVerify(trust, cli)
  registerShow(trust, cli)
}

function registerVerify(trust: Command, cli: Invocation): void {
  trust
    .command('verify <file>')
    .summary('verify a trust directory or a delta')
    .description(
      'Verify a trust directory against the pinned root: signature, path, revocation, dates. Of a delta, signature and path; what it makes is verified when it is applied.',
    )
    .option(...PIN_OPTION)
    .option('--trust-memory <file>', 'remembers the newest trust directory, so that an older one is refused')
    .addHelpText('after', examples('signet trust verify trust.p7 --pin 5f0c…', 'signet trust verify 41-42.p7 --json'))
    .action(
      cli.action((file: string, options: { pin?: string; trustMemory?: string }) => {
        const bytes = readFileBytes(cli.path(file), { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes })
        if (publishedType(bytes) === OID.signetTrustDelta) {
          const delta = openTrustDelta(bytes, { pin: pinFrom(cli, options.pin), at: cli.now() })
          return { data: { verified: true, kind: 'delta', ...deltaFacts(delta) }, text: deltaText(delta) }
        }
        const directory = openTrustFile(cli, file, {
          ...(options.pin === undefined ? {} : { pin: options.pin }),
          ...(options.trustMemory === undefined ? {} : { memory: options.trustMemory }),
        })
        return {
          data: { verified: true, kind: 'directory', ...directoryFacts(directory) },
          text: directoryText(directory),
        }
      }),
    )
}

function registerShow(trust: Command, cli: Invocation): void {
  trust
    .command('show <file>')
    .summary('verify and show a trust directory')
    .description('Verify a trust directory against the pinned root and show who is in it.')
    .option(...PIN_OPTION)
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
          data: { verified: true, ...directoryFacts(directory), signerList: signers },
          text: `${directoryText(directory)}\n\n${table(['key identifier', 'entity', 'roles', 'until'], rows)}`,
        }
      }),
    )
}
