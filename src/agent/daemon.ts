/**
 * An agent that goes on until it is told to stop.
 *
 * @module agent/daemon (floor 7.4)
 */
import { EventEmitter, once } from 'node:events'
import { isSignetError, type SignetError } from '../errors/index.js'
import { type AgentEnvironment, openAgent } from './agent.js'
import type { AgentConfiguration } from './configuration.js'

/** Shortest time between two passes, whatever is due. */
const SHORTEST_MILLISECONDS = 1000

/** Tells an agent what to do; the command line calls it when signals come. */
export class AgentControl {
  readonly #calls = new EventEmitter()
  #isStopped = false
  #isChanged = false

  /** End after the step in hand. */
  stop(): void {
    this.#isStopped = true
    this.#calls.emit('call')
  }

  /** Read the configuration again, then look at everything. */
  reread(): void {
    this.#isChanged = true
    this.#calls.emit('call')
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Whether the configuration is to be read again; asked once, it was. */
  takeChange(): boolean {
    const isChanged = this.#isChanged
    this.#isChanged = false
    return isChanged
  }

  /** Wait until so much time is over, or something is called. */
  async wait(milliseconds: number): Promise<void> {
    if (this.#isStopped || this.#isChanged) return
    const signal = AbortSignal.timeout(milliseconds)
    // The timer alone would not keep the process alive.
    const alive = setInterval(() => undefined, 2 ** 30)
    await once(this.#calls, 'call', { signal }).catch(() => undefined)
    clearInterval(alive)
  }
}

/**
 * Run an agent until it is stopped: one pass after another, at the interval of the configuration, or earlier where something
 * is due.
 *
 * A configuration that cannot be used leaves the old one in force, except for the first.
 *
 * @param load - Reads the configuration.
 * @throws what loading the first configuration and opening the agent throw
 */
export async function runAgent(
  load: () => AgentConfiguration,
  environment: AgentEnvironment,
  control: AgentControl,
): Promise<void> {
  const { listener, clock } = environment
  const agent = openAgent(load(), environment)
  try {
    listener({ event: 'configured', credentials: agent.configuration.credentials.length })
    while (!control.isStopped) {
      if (control.takeChange()) {
        const refusal = attempted(() => {
          agent.reconfigure(load())
        })
        if (refusal === undefined) {
          listener({ event: 'configured', credentials: agent.configuration.credentials.length })
        } else listener({ event: 'configuration-refused', error: refusal.toJSON() })
      }
      const next = await passed(agent, listener)
      const usual = agent.configuration.everySeconds * 1000
      const due = next === undefined ? usual : next.getTime() - clock.now().getTime()
      await control.wait(Math.min(Math.max(due, SHORTEST_MILLISECONDS), usual))
    }
  } finally {
    agent.close()
    listener({ event: 'stopped' })
  }
}

/** A pass that cannot even begin, for the clock or the disk, is no reason to end: the next may. */
async function passed(
  agent: ReturnType<typeof openAgent>,
  listener: AgentEnvironment['listener'],
): Promise<Date | undefined> {
  try {
    return (await agent.pass()).next
  } catch (error) {
    if (!isSignetError(error)) throw error
    listener({ event: 'problem', what: 'pass', error: error.toJSON() })
    return undefined
  }
}

function attempted(work: () => void): SignetError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error
  }
}
