/** Databases that say who one is there: what the trial asks of them, in whichever protocol. */
import { refusalOf, type Secured, serialOf, sessionOf } from './starttls.js'
import type { RunningServer } from './trial.js'
import type { ClientTls } from './world.js'

export interface SqlProtocol {
  readonly beginTls: (client: ClientTls) => Promise<Secured>
  /** As whom the client is for, with whatever certificate. */
  readonly logIn: (client: ClientTls, session?: Buffer) => Promise<Secured>
  /** The one column of the one row. */
  readonly ask: (secured: Secured, query: string) => Promise<string>
  readonly whoAmI: string
}

/** What the trial needs, without how it is started. */
export function sqlServer({ beginTls, logIn, ask, whoAmI }: SqlProtocol): Omit<RunningServer, 'reload'> {
  return {
    whoAmI: async (client, session) => {
      try {
        const secured = await logIn(client, session)
        const identity = await ask(secured, whoAmI)
        secured.socket.destroy()
        return { identity }
      } catch (error) {
        return refusalOf(error)
      }
    },
    servedSerial: async (client) => {
      const secured = await beginTls(client)
      const serial = serialOf(secured)
      secured.socket.destroy()
      return serial
    },
    session: async (client) => {
      const secured = await logIn(client)
      return sessionOf(secured, () => ask(secured, 'select 1'))
    },
    hold: async (client) => {
      const secured = await logIn(client)
      return () =>
        ask(secured, 'select 1').then(
          (one) => one === '1',
          () => false,
        )
    },
  }
}
