/** `signet identity …`. @module cli/identity (floor 8) */
import type { Command } from 'commander'
import { isSignetError, UsageError } from '../errors/index.js'
import { readFileText } from '../files/index.js'
import {
  explainIdentity,
  type Explanation,
  type LintFinding,
  lintMapping,
  type Mapping,
  MAPPING_SCHEMA,
  parseMapping,
  registryOf,
  resolveIdentity,
  type RuleTrace,
  traceRules,
} from '../identity/index.js'
import { declareOptions } from './declare.js'
import { examples } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { facts, printable } from './table.js'
import { type TrustOptions, TRUST_OPTIONS, verifiedPath } from './trust-material.js'

interface MappingOption {
  readonly mapping?: string
}

interface ResolveOptions extends TrustOptions, MappingOption {
  readonly explain?: boolean
}

interface LintOptions extends MappingOption {
  readonly strict?: boolean
}

const MAPPING_OPTION = ['--mapping <file>', 'mapping file (default: that of the home)'] as const

export function registerIdentity(program: Command, cli: Invocation): void {
  const identity = program
    .command('identity')
    .summary('who is behind a certificate')
    .description('From certificates to identities and roles.')
    .addHelpText('after', examples('signet identity resolve compute-07/tls/current/cert.pem'))
  declareOptions(
    identity
      .command('resolve <certificate>')
      .summary('resolve a certificate to an identity')
      .description('Verify a certificate, then map it to its entity, identity, scope and roles. No rule, no identity.'),
    TRUST_OPTIONS,
  )
    .option(...MAPPING_OPTION)
    .option('--explain', 'say which rule decided, and why the ones before did not')
    .addHelpText(
      'after',
      examples(
        'signet identity resolve compute-07/tls/current/cert.pem',
        'signet identity resolve node.pem --explain --json',
      ),
    )
    .action(cli.action((file: string, options: ResolveOptions) => resolve(cli, file, options)))
  registerExplain(identity, cli)
  registerLint(identity, cli)
  identity
    .command('schema')
    .summary('print the form of a mapping file')
    .description('Print the JSON Schema (draft 2020-12) of mapping files, for editors and for programs that write one.')
    .addHelpText('after', examples('signet identity schema > mapping.schema.json'))
    .action(
      cli.action(() => ({ data: { mappingSchema: MAPPING_SCHEMA }, text: JSON.stringify(MAPPING_SCHEMA, null, 2) })),
    )
}

async function resolve(cli: Invocation, file: string, options: ResolveOptions): Promise<Outcome> {
  const path = await verifiedPath(cli, file, options)
  const explanation = await cli
    .withAuthority((authority) =>
      explainIdentity(path, readMapping(cli, options) ?? authority.mapping(), registryOf(authority.store)),
    )
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
    text: explained ? `${identityText(explanation)}\n\n${tracesText(explanation.trace)}` : identityText(explanation),
  }
}

function registerExplain(identity: Command, cli: Invocation): void {
  declareOptions(
    identity
      .command('explain <certificate>')
      .summary('say what each rule says of a certificate')
      .description(
        'Verify a certificate, then say of each rule why it does not match, up to the one that does. What is not trusted is not explained.',
      ),
    TRUST_OPTIONS,
  )
    .option(...MAPPING_OPTION)
    .addHelpText(
      'after',
      examples(
        'signet identity explain compute-07/tls/current/cert.pem',
        'signet identity explain node.pem --ca root.pem --crl crls.pem --mapping new.yaml --json',
      ),
    )
    .action(
      cli.action(async (file: string, options: ResolveOptions) => {
        const path = await verifiedPath(cli, file, options)
        return cli.withAuthority(async (authority) => {
          const mapping = readMapping(cli, options) ?? authority.mapping()
          const trace = traceRules(path, mapping)
          const told = { data: { trace }, text: tracesText(trace) }
          try {
            const found = await resolveIdentity(path, mapping, registryOf(authority.store))
            const explanation = { identity: found, rule: trace.at(-1)?.rule ?? '', trace }
            return {
              data: { identity: found, rule: explanation.rule, trace },
              text: `${told.text}\n\n${identityText(explanation)}`,
            }
          } catch (error) {
            throw isSignetError(error) ? new RefusedOutcome(told, error) : error
          }
        })
      }),
    )
}

function registerLint(identity: Command, cli: Invocation): void {
  identity
    .command('lint')
    .summary('look for what a mapping can hardly mean')
    .description(
      'Find rules that never decide, decide by their order alone, match everybody, or grant roles that nobody knows.',
    )
    .option(...MAPPING_OPTION)
    .option('--strict', 'refuse a mapping with findings')
    .addHelpText('after', examples('signet identity lint', 'signet identity lint --mapping new.yaml --strict --json'))
    .action(
      cli.action(async ({ strict, ...options }: LintOptions) => {
        // A file by itself is judged by itself; the mapping of a home, with its registry.
        const mapping = readMapping(cli, options)
        const findings =
          mapping === undefined
            ? await cli.withAuthority(async (authority) => {
                const roles = await authority.store.roles()
                return lintMapping(authority.mapping(), { registryRoles: roles.map(({ name }) => name) })
              })
            : lintMapping(mapping)
        const outcome = {
          data: { findings },
          text: findings.length === 0 ? 'nothing to find fault with' : findings.map(findingText).join('\n'),
        }
        if (strict !== true || findings.length === 0) return outcome
        const error = new UsageError('ERR_MAPPING_LINT', `the mapping has ${findings.length} findings`, {
          details: { findings: String(findings.length) },
          hint: 'docs/mapping.md says what each means',
        })
        throw new RefusedOutcome(outcome, error)
      }),
    )
}

function readMapping(cli: Invocation, { mapping }: MappingOption): Mapping | undefined {
  return mapping === undefined ? undefined : parseMapping(readFileText(cli.path(mapping)))
}

/** Where no rule matches, why none did is what one asks for. */
function noteWhy(cli: Invocation, error: unknown): void {
  if (!isSignetError(error)) return
  for (const [what, why] of Object.entries(error.details)) if (what.startsWith('rule ')) cli.note(`${what}: ${why}`)
}

function identityText({ identity, rule }: Pick<Explanation, 'identity' | 'rule'>): string {
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

function tracesText(trace: readonly RuleTrace[]): string {
  return trace.map(traceText).join('\n')
}

function traceText({ rule, matched, predicates }: RuleTrace): string {
  const lines = predicates.map(
    ({ on, wanted, held, why }) =>
      `  ${held ? 'holds' : 'fails'}  ${printable(`${on} = ${wanted}`)}${why === undefined ? '' : `: ${printable(why)}`}`,
  )
  return [`rule ${printable(rule)}: ${matched ? 'matches' : 'does not match'}`, ...lines].join('\n')
}

function findingText({ code, message, hint }: LintFinding): string {
  return `${code}: ${printable(message)}\n  ${printable(hint)}`
}
