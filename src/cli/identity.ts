/** `signet identity …`. @module cli/identity (floor 8) */
import type { Command } from 'commander'
import { isSignetError } from '../errors/index.js'
import { readFileText } from '../files/index.js'
import { explainIdentity, type Explanation, parseMapping, registryOf, type RuleTrace } from '../identity/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { facts } from './table.js'
import { type TrustOptions, trustOptions, verifiedPath } from './trust-material.js'

interface ResolveOptions extends TrustOptions {
  readonly mapping?: string
  readonly explain?: boolean
}

export function registerIdentity(program: Command, cli: Invocation): void {
  const identity = program
    .command('identity')
    .summary('who is behind a certificate')
    .description('From certificates to identities and roles.')
    .addHelpText('after', examples('signet identity resolve compute-07/tls/current/cert.pem'))
  trustOptions(
    identity
      .command('resolve <certificate>')
      .summary('resolve a certificate to an identity')
      .description('Verify a certificate, then map it to its entity, identity, scope and roles. No rule, no identity.'),
  )
    .option('--mapping <file>', 'mapping file (default: that of the home)')
    .option('--explain', 'say which rule decided, and why the ones before did not')
    .addHelpText(
      'after',
      examples(
        'signet identity resolve compute-07/tls/current/cert.pem',
        'signet identity resolve node.pem --explain --json',
      ),
    )
    .action(
      cli.action(async (file: string, options: ResolveOptions) => {
        const path = await verifiedPath(cli, file, options)
        const explanation = await cli
          .withAuthority((authority) => {
            const mapping =
              options.mapping === undefined
                ? authority.mapping()
                : parseMapping(readFileText(cli.path(options.mapping)))
            return explainIdentity(path, mapping, registryOf(authority.store))
          })
          .catch((error: unknown) => {
            if (options.explain === true) noteWhy(cli, error)
            throw error
          })
        const explained = options.explain === true
        return {
          data: {
            identity: explanation.identity,
            rule: explanation.rule,
            ...(explained ? { trace: explanation.trace } : {}),
          },
          text: explained
            ? `${identityText(explanation)}\n\n${explanation.trace.map(traceText).join('\n')}`
            : identityText(explanation),
        }
      }),
    )
}

/** Where no rule matches, why none did is what one asks for. */
function noteWhy(cli: Invocation, error: unknown): void {
  if (!isSignetError(error)) return
  for (const [what, why] of Object.entries(error.details)) if (what.startsWith('rule ')) cli.note(`${what}: ${why}`)
}

function identityText({ identity, rule }: Explanation): string {
  return facts([
    ['entity', identity.entity],
    ['identity', identity.uri],
    ['scope', identity.scope],
    ['service', identity.service],
    ['node', identity.node],
    ['roles', identity.roles.join(' ')],
    ['decided by', `rule ${rule}`],
  ])
}

function traceText({ rule, matched, predicates }: RuleTrace): string {
  const lines = predicates.map(({ on, wanted, held }) => `  ${held ? 'holds' : 'fails'}  ${on} = ${wanted}`)
  return [`rule ${rule}: ${matched ? 'matches' : 'does not match'}`, ...lines].join('\n')
}
