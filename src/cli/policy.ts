/** `signet policy …`: which roles may send which messages where. @module cli/policy (floor 8) */
import type { Command } from 'commander'
import { DeniedError, UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { type Identity, identityOf, isScopePath, requireEntity, RoleGraph } from '../identity/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'
import {
  type Decision,
  findWider,
  lintPolicy,
  matrixHtml,
  matrixOf,
  matrixSvg,
  matrixText,
  parseCases,
  parseSender,
  type Policy,
  runCases,
  why,
} from '../policy/index.js'
import { choice, examples, repeatable } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { registerPolicyExport } from './policy-export.js'
import { readPolicy } from './policy-file.js'
import { facts, printable, table } from './table.js'

interface QuestionOptions {
  readonly entity?: string
  readonly role?: readonly string[]
  readonly service?: string
  readonly node?: string
  readonly senderScope?: string
  readonly type: string
  readonly to: string
  readonly scope?: string
  readonly content?: string
}

const MATRIX_FORMATS = ['text', 'html', 'svg'] as const

export function registerPolicy(program: Command, cli: Invocation): void {
  const policy = program
    .command('policy')
    .summary('which roles may send which messages where')
    .description('Policies: which roles may send which types of messages to which destinations.')
    .addHelpText('after', examples('signet policy matrix policy.yaml', 'signet policy test policy.yaml cases.yaml'))
  registerQuestions(policy, cli)
  registerLint(policy, cli)
  policy
    .command('test <policy> <cases>')
    .summary('hold a policy to its cases')
    .description('Ask a policy every question of a file of cases, and say which rules no case asks for.')
    .option('--require-coverage', 'fail where a rule decides in no case')
    .addHelpText('after', examples('signet policy test policy.yaml cases.yaml --require-coverage'))
    .action(
      cli.action(async (file: string, casesFile: string, { requireCoverage }: { requireCoverage?: boolean }) => {
        const cases = parseCases(decodeUtf8(await cli.readDocument(casesFile), casesFile))
        return testReport(readPolicy(cli, file), cases, requireCoverage === true)
      }),
    )
  policy
    .command('compare <policy> <baseline>')
    .summary('what a policy allows beyond another')
    .description(
      'Search for roles that may send more by a policy than by a baseline. Exit code 0 only if there are none.',
    )
    .addHelpText('after', examples('signet policy compare policy.yaml policy-reviewed.yaml'))
    .action(
      cli.action((file: string, baseline: string) => comparison(readPolicy(cli, file), readPolicy(cli, baseline))),
    )
  policy
    .command('matrix <policy>')
    .summary('a table or picture of roles and types')
    .description('Print which role may send which types: ● may, ○ only where more holds, · may not.')
    .option('--format <format>', MATRIX_FORMATS.join(', '), choice(MATRIX_FORMATS), 'text')
    .option('--out <file>', 'write it into a file')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples('signet policy matrix policy.yaml', 'signet policy matrix policy.yaml --format html --out matrix.html'),
    )
    .action(
      cli.action(
        (file: string, options: { format: (typeof MATRIX_FORMATS)[number]; out?: string; force?: boolean }) => {
          const matrix = matrixOf(readPolicy(cli, file))
          const text =
            options.format === 'text'
              ? `${matrixText(matrix)}\n`
              : options.format === 'svg'
                ? matrixSvg(matrix)
                : matrixHtml(matrix, 'Which role may send which messages')
          const path = options.out === undefined ? undefined : cli.writeOutput(options.out, text, options.force)
          return {
            data: { ...matrix, ...(path === undefined ? {} : { path }) },
            text: path === undefined ? text.trimEnd() : `wrote ${path}`,
          }
        },
      ),
    )
  registerPolicyExport(policy, cli)
}

function registerQuestions(policy: Command, cli: Invocation): void {
  const question = (name: string, summary: string, description: string): Command =>
    policy
      .command(`${name} <policy>`)
      .summary(summary)
      .description(description)
      .option('--entity <id>', 'a registered entity that sends')
      .option('--role <role>', 'or a role that the sender has: ROLE, ROLE@SCOPE …; repeatable', repeatable)
      .option('--service <name>', 'service of that sender')
      .option('--node <name>', 'node of that sender')
      .option('--sender-scope <path>', 'scope of that sender')
      .requiredOption('--type <type>', 'type of the message')
      .requiredOption('--to <destination>', 'destination of the message')
      .option('--scope <path>', 'scope in which it takes effect')
      .option('--content <file>', 'JSON content of the message; - reads standard input')
  question(
    'check',
    'may this sender send this?',
    'Decide about a message. Exit code 0 means allowed, and nothing else does.',
  )
    .addHelpText(
      'after',
      examples('signet policy check policy.yaml --role compute --type rpc.compute.live_migration --to compute.c7'),
    )
    .action(
      cli.action(async (file: string, options: QuestionOptions) => {
        const loaded = readPolicy(cli, file)
        const asked = await questionOf(cli, options)
        const decision = loaded.decide(asked)
        const outcome = decided(decision, asked.sender)
        if (decision.outcome === 'allowed') return outcome
        throw new RefusedOutcome(outcome, refusalOf(loaded, asked))
      }),
    )
  question(
    'explain',
    'which rules were asked, and why',
    'Decide about a message, and print every rule that is about it with its checks. Exit code 0 whatever is decided.',
  )
    .addHelpText(
      'after',
      examples('signet policy explain policy.yaml --entity compute-07 --type rpc.scheduler.ping --to scheduler'),
    )
    .action(
      cli.action(async (file: string, options: QuestionOptions) => {
        const asked = await questionOf(cli, options)
        return decided(readPolicy(cli, file).decide(asked), asked.sender)
      }),
    )
}

type Asked = Parameters<Policy['decide']>[0]

async function questionOf(cli: Invocation, options: QuestionOptions): Promise<Asked> {
  const { type, to, scope, content } = options
  if (scope !== undefined && !isScopePath(scope)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not the path of a scope: ${JSON.stringify(scope)}`)
  }
  const sender = await senderOf(cli, options)
  const json: JsonValue | undefined =
    content === undefined ? undefined : parseStrictJson(decodeUtf8(await cli.readDocument(content), content))
  return {
    sender,
    type,
    destination: to,
    ...(scope === undefined ? {} : { scope }),
    ...(json === undefined ? {} : { content: json }),
  }
}

async function senderOf(cli: Invocation, options: QuestionOptions): Promise<Identity> {
  const { entity, role, service, node, senderScope } = options
  if ((entity === undefined) === (role === undefined)) {
    throw new UsageError('ERR_USAGE', 'say who sends: --entity, or --role', {
      hint: 'an entity is looked up in the registry; a role makes up a sender',
    })
  }
  if (entity !== undefined) {
    return cli.withAuthority(async ({ store }) =>
      identityOf(await requireEntity(store, entity), new RoleGraph(await store.roles())),
    )
  }
  return parseSender(
    {
      roles: role,
      ...(service === undefined ? {} : { service }),
      ...(node === undefined ? {} : { node }),
      ...(senderScope === undefined ? {} : { scope: senderScope }),
    },
    'this question',
  )
}

function refusalOf(policy: Policy, asked: Asked): unknown {
  try {
    policy.authorize(asked)
  } catch (error) {
    return error
  }
  return undefined
}

function decided(decision: Decision, sender: Identity): Outcome {
  const { outcome, rule, considered } = decision
  const lines = considered.flatMap(({ rule: name, effect, held, checks }) => [
    `rule ${name} (${effect}): ${held ? 'holds' : 'does not hold'}`,
    ...checks.map(
      ({ check, held: one }) => `  ${one === null ? 'unknown' : one ? 'holds  ' : 'fails  '} ${printable(check)}`,
    ),
  ])
  const head = facts([
    ['decision', outcome],
    ['because', rule === undefined ? why(decision) : `of the rule ${rule}`],
    ['sender', sender.uri],
    ['roles', sender.grants.join(' ')],
  ])
  return { data: { decision, sender }, text: [head, ...(lines.length === 0 ? [] : ['', ...lines])].join('\n') }
}

function registerLint(policy: Command, cli: Invocation): void {
  policy
    .command('lint <policy>')
    .summary('what is in a policy and was hardly meant')
    .description('Look for rules, roles, types and destinations that were hardly meant.')
    .option('--registry', 'ask the registry of this authority for the roles')
    .option('--strict', 'fail where something is found')
    .addHelpText(
      'after',
      examples('signet policy lint policy.yaml', 'signet policy lint policy.yaml --registry --strict'),
    )
    .action(
      cli.action(async (file: string, options: { registry?: boolean; strict?: boolean }) => {
        const registered =
          options.registry === true
            ? (await cli.withAuthority(({ store }) => store.roles())).map(({ name }) => name)
            : undefined
        const findings = lintPolicy(readPolicy(cli, file), registered === undefined ? {} : { registered })
        const outcome: Outcome = {
          data: { findings },
          text:
            findings.length === 0
              ? 'nothing found'
              : table(
                  ['finding', 'of', 'what', 'what to do'],
                  findings.map(({ code, what, message, hint }) => [code, what, message, hint]),
                ),
        }
        if (options.strict !== true || findings.length === 0) return outcome
        throw new RefusedOutcome(
          outcome,
          new UsageError('ERR_POLICY_LINT', `${findings.length} things in the policy were hardly meant`),
        )
      }),
    )
}

function testReport(policy: Policy, cases: Parameters<typeof runCases>[1], requireCoverage: boolean): Outcome {
  const { results, covered, uncovered } = runCases(policy, cases)
  const failed = results.filter(({ passed }) => !passed)
  const rules = covered.length + uncovered.length
  const lines = [
    ...failed.map(
      ({ name, expected, decision }) =>
        `failed  ${printable(name)}: expected ${printable(expected)}, and it is ${said(decision)}`,
    ),
    `${results.length - failed.length} of ${results.length} cases passed; ${covered.length} of ${rules} rules decided in one`,
    ...uncovered.map((name) => `no case for the rule ${name}`),
  ]
  const outcome: Outcome = {
    data: {
      passed: results.length - failed.length,
      failed: failed.length,
      coverage: covered.length / rules,
      uncovered,
      results: results.map(({ name, passed, expected, decision }) => ({
        name,
        passed,
        expected,
        outcome: decision.outcome,
        rule: decision.rule ?? null,
      })),
    },
    text: lines.join('\n'),
  }
  if (failed.length === 0 && !(requireCoverage && uncovered.length > 0)) return outcome
  const message =
    failed.length > 0
      ? `${failed.length} cases are decided otherwise than they expect`
      : `${uncovered.length} rules decide in no case`
  throw new RefusedOutcome(
    outcome,
    new UsageError('ERR_POLICY_CASES', message, { hint: 'signet policy explain tells how one is decided' }),
  )
}

function said({ outcome, rule, ...decision }: Decision): string {
  return `${outcome} ${rule === undefined ? `(${why({ outcome, rule, ...decision })})` : `by ${rule}`}`
}

function comparison(policy: Policy, baseline: Policy): Outcome {
  const wider = findWider(policy, baseline)
  const rows = wider.map(({ role, type, destination, ways }) => [
    role,
    type,
    destination,
    ways.map((way) => (way.length === 0 ? 'always' : way.join(' and '))).join(', or '),
  ])
  const outcome: Outcome = {
    data: { wider },
    text: rows.length === 0 ? 'no role may do more' : table(['role', 'may now send', 'to', 'if'], rows),
  }
  if (wider.length === 0) return outcome
  const roles = [...new Set(wider.map(({ role }) => role))]
  throw new RefusedOutcome(
    outcome,
    new DeniedError(
      'ERR_POLICY_WIDER',
      `${roles.length === 1 ? 'a role' : `${roles.length} roles`} may do more: ${roles.join(' ')}`,
      {
        hint: 'review what is listed; then the new policy is the next baseline',
      },
    ),
  )
}
