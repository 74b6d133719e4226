import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AgentControl, type AgentEvent, openAgent, runAgent } from '../../src/agent/index.js'
import { UsageError } from '../../src/errors/index.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { World } from './world.js'

/** Run an agent, and do the next of these each time it has looked at everything; then it stops. */
async function run(
  world: World,
  load: () => ReturnType<World['configuration']>,
  ...steps: readonly ((control: AgentControl) => void)[]
): Promise<readonly AgentEvent[]> {
  const control = new AgentControl()
  const events: AgentEvent[] = []
  const waiting = [...steps]
  await runAgent(
    load,
    {
      clock: world.clock,
      random: () => 0.5,
      probe: world.probe,
      wait: () => Promise.resolve(),
      sourceOf: () => world.source,
      listener: (event) => {
        events.push(event)
        if (event.event !== 'passed') return
        const next = waiting.shift()
        if (next === undefined) control.stop()
        else next(control)
      },
    },
    control,
  )
  return events
}
const names = (events: readonly AgentEvent[]): readonly string[] => events.map(({ event }) => event)

describe('runAgent', () => {
  it('looks at everything, and ends after the step in hand when it is told to', async () => {
    const world = await World.make()
    expect(names(await run(world, () => world.configuration()))).toEqual([
      'configured',
      'renewed',
      'reloaded',
      'passed',
      'stopped',
    ])
    // And whoever comes next may have the directory.
    expect((await world.pass()).exitCode).toBe(0)
  })

  it('reads the configuration again, and goes on with the directories of the new one', async () => {
    const world = await World.make()
    let configuration = world.configuration()
    const other = join(world.folder, 'other')
    const events = await run(
      world,
      () => configuration,
      (control) => {
        configuration = world.configuration({ directory: other })
        control.reread()
      },
      (control) => {
        openAgent(world.configuration(), { clock: world.clock, random: () => 0, listener: () => undefined }).close()
        expectCode('ERR_STORE_LOCKED', () =>
          openAgent(configuration, { clock: world.clock, random: () => 0, listener: () => undefined }),
        )
        control.stop()
      },
    )
    expect(names(events).filter((name) => name === 'configured')).toHaveLength(2)
    expect(events.filter((event) => event.event === 'renewed').map(({ directory }) => directory)).toEqual([
      world.directory,
      other,
    ])
  })

  it('goes on with the old configuration where the new one cannot be used, and says so', async () => {
    const world = await World.make()
    let isBroken = false
    const load = (): ReturnType<World['configuration']> => {
      if (isBroken) throw new UsageError('ERR_CONFIG_INVALID', 'broken')
      return world.configuration()
    }
    const events = await run(world, load, (control) => {
      isBroken = true
      control.reread()
    })
    expect(names(events).filter((name) => name !== 'renewed' && name !== 'reloaded')).toEqual([
      'configured',
      'passed',
      'configuration-refused',
      'passed',
      'stopped',
    ])
    // Nor where a directory of it is somebody else's: then it has taken none.
    writeFileSync(join(world.folder, 'foreign'), '')
    const held = openAgent(world.configuration(), { clock: world.clock, random: () => 0, listener: () => undefined })
    const foreign = world.configuration({ directory: world.folder })
    expectCode('ERR_OUTPUT_EXISTS', () => {
      held.reconfigure(foreign)
    })
    expect(held.configuration.credentials[0]?.directory).toBe(world.directory)
    held.close()
  })

  it('does not begin with a configuration that cannot be used, or beside another agent', async () => {
    const world = await World.make()
    const broken = (): never => {
      throw new UsageError('ERR_CONFIG_INVALID', 'broken')
    }
    await expectCodeAsync('ERR_CONFIG_INVALID', () => run(world, broken))
    const other = openAgent(world.configuration(), { clock: world.clock, random: () => 0, listener: () => undefined })
    await expectCodeAsync('ERR_STORE_LOCKED', () => run(world, () => world.configuration()))
    other.close()
  })

  it('goes on when a pass cannot begin', async () => {
    const world = await World.make()
    const right = world.clock.now()
    const control = new AgentControl()
    const events: AgentEvent[] = []
    world.clock.set(new Date('1970-01-01T00:00:00Z'))
    await runAgent(
      () => world.configuration(),
      {
        clock: world.clock,
        random: () => 0.5,
        probe: world.probe,
        sourceOf: () => world.source,
        listener: (event) => {
          events.push(event)
          if (event.event === 'passed') control.stop()
          if (event.event !== 'problem') return
          world.clock.set(right)
          control.reread()
        },
      },
      control,
    )
    expect(names(events)).toEqual(['configured', 'problem', 'configured', 'renewed', 'reloaded', 'passed', 'stopped'])
    expect(events[1]).toMatchObject({ what: 'pass', error: { code: 'ERR_CLOCK_SUSPECT' } })
  })
})
