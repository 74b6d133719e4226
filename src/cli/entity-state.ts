/**
 * `signet quarantine`, `release`, and `signet entity quarantine`, `release`, `retire`: cutting an entity off, and letting it back.
 *
 * @module cli/entity-state (floor 8)
 */
import type { Command } from 'commander'
import { setEntityState } from '../authority/index.js'
import type { EntityState } from '../store/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'

interface StateChange {
  readonly state: EntityState
  readonly summary: string
  readonly description: string
  readonly done: string
}

const CHANGES = {
  quarantine: {
    state: 'quarantined',
    summary: 'cut an entity off, for now',
    description: 'Cut an entity off: its certificates go on hold, and it gets no new ones.',
    done: 'is quarantined',
  },
  release: {
    state: 'active',
    summary: 'let a quarantined entity back',
    description: 'Let a quarantined entity back: the hold on its certificates is lifted.',
    done: 'is active again',
  },
  retire: {
    state: 'retired',
    summary: 'retire an entity for good',
    description: 'Retire an entity for good: its certificates are revoked.',
    done: 'is retired',
  },
} as const satisfies Readonly<Record<string, StateChange>>

/** Add these commands to the program, or to the noun `entity`: they are the same at both places. */
export function registerStateChanges(parent: Command, cli: Invocation, verbs: readonly (keyof typeof CHANGES)[]): void {
  const prefix = parent.parent === null ? 'signet' : `signet ${parent.name()}`
  for (const verb of verbs) {
    const { state, summary, description, done }: StateChange = CHANGES[verb]
    parent
      .command(`${verb} <id>`)
      .summary(summary)
      .description(description)
      .addHelpText(
        'after',
        examples(
          `${prefix} ${verb} compute-07`,
          'signet crl publish --out crls.pem',
          'signet trust publish --out trust.p7',
        ),
      )
      .action(
        cli.action(async (id: string) => {
          const changed = await cli.withAuthority(async (authority) =>
            setEntityState(authority, id, state, await authority.now()),
          )
          return {
            data: { entity: changed },
            text: `${id} ${done}\nOthers learn of it with the next signet crl publish and signet trust publish.`,
          }
        }),
      )
  }
}
