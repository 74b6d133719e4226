/** `signet role …`: what entities may be. @module cli/role (floor 8) */
import type { Command } from 'commander'
import { removeRoles, RoleGraph, setRole } from '../identity/index.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { table } from './table.js'

interface RoleOptions {
  readonly implies?: readonly string[]
}

export function registerRole(program: Command, cli: Invocation): void {
  const role = program
    .command('role')
    .summary('which roles there are, and which they imply')
    .description('The roles of the deployment. Whoever holds a role holds those that it implies, too.')
    .addHelpText('after', examples('signet role add compute_node', 'signet role list'))
  role
    .command('add <name>')
    .summary('register a role, or change what it implies')
    .description('Register a role, or replace the list of roles that it implies.')
    .option('--implies <role>', 'a role that its holders hold, too; repeatable', repeatable)
    .addHelpText('after', examples('signet role add reader', 'signet role add admin --implies member --implies reader'))
    .action(
      cli.action(async (name: string, { implies = [] }: RoleOptions) => {
        const set = await cli.withAuthority(async (authority) => {
          const at = await authority.now()
          return authority.store.transaction((transaction) => setRole(transaction, name, implies, at))
        })
        return {
          data: { role: set },
          text: `the role ${name} implies ${set.implies.length === 0 ? 'no other' : set.implies.join(' ')}`,
        }
      }),
    )
  role
    .command('list')
    .summary('list roles')
    .description('List the roles, what each implies, and all that follows from that.')
    .addHelpText('after', examples('signet role list', 'signet role list --json'))
    .action(
      cli.action(async () => {
        const roles = await cli.withAuthority((authority) => authority.store.roles())
        const graph = new RoleGraph(roles)
        const list = roles.map(({ name, implies, createdAt }) => ({
          name,
          implies,
          all: graph.implied(name),
          createdAt,
        }))
        return {
          data: { roles: list },
          text: table(
            ['role', 'implies', 'in all'],
            list.map(({ name, implies, all }) => [name, implies.join(' '), all.join(' ')]),
          ),
        }
      }),
    )
  role
    .command('remove <name>')
    .summary('remove a role that nobody holds')
    .description('Remove a role that no entity holds and no other role implies.')
    .addHelpText('after', examples('signet role remove reader'))
    .action(
      cli.action(async (name: string) => {
        await cli.withAuthority(async (authority) => {
          const at = await authority.now()
          await authority.store.transaction((transaction) => removeRoles(transaction, [name], at))
        })
        return { data: { role: name }, text: `removed ${name}` }
      }),
    )
}
