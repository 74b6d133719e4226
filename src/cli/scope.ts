/** `signet scope …`: where things are. @module cli/scope (floor 8) */
import type { Command } from 'commander'
import { addScope, removeScopes, SCOPE_KINDS } from '../identity/index.js'
import type { ScopeKind } from '../store/index.js'
import { choice, examples } from './help.js'
import type { Invocation } from './invocation.js'
import { table } from './table.js'

export function registerScope(program: Command, cli: Invocation): void {
  const scope = program
    .command('scope')
    .summary('where things are: domains, regions, projects, services, endpoints')
    .description('The tree of scopes. Entities are in a scope, and have roles at scopes.')
    .addHelpText('after', examples('signet scope add region-one --kind region', 'signet scope list'))
  scope
    .command('add <path>')
    .summary('register a scope')
    .description('Register a scope in one that is registered, or in the deployment itself.')
    .requiredOption('--kind <kind>', `what it is: ${SCOPE_KINDS.join(', ')}`, choice(SCOPE_KINDS))
    .addHelpText(
      'after',
      examples('signet scope add region-one --kind region', 'signet scope add region-one/nova --kind service'),
    )
    .action(
      cli.action(async (path: string, { kind }: { kind: ScopeKind }) => {
        const added = await cli.withAuthority(async (authority) => {
          const at = await authority.now()
          return authority.store.transaction((transaction) => addScope(transaction, path, kind, at))
        })
        return { data: { scope: added }, text: `registered the ${kind} ${path}` }
      }),
    )
  scope
    .command('list')
    .summary('list scopes')
    .description('List the scopes, outermost first.')
    .addHelpText('after', examples('signet scope list', 'signet scope list --json'))
    .action(
      cli.action(async () => {
        const scopes = await cli.withAuthority((authority) => authority.store.scopes())
        const rows = scopes.map(({ path, kind }) => [path, kind])
        return { data: { scopes }, text: table(['scope', 'kind'], rows) }
      }),
    )
  scope
    .command('remove <path>')
    .summary('remove an empty scope')
    .description('Remove a scope that nothing is in and that no role is held at.')
    .addHelpText('after', examples('signet scope remove region-one/nova'))
    .action(
      cli.action(async (path: string) => {
        await cli.withAuthority(async (authority) => {
          const at = await authority.now()
          await authority.store.transaction((transaction) => removeScopes(transaction, [path], at))
        })
        return { data: { scope: path }, text: `removed ${path}` }
      }),
    )
}
