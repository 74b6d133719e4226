/** As much of NATS's protocol as it takes to find out what one may publish. */
import { type Incoming, refusalOf, type Secured, serialOf, sessionOf, startTls } from './starttls.js'
import type { RunningServer } from './trial.js'
import type { ClientTls } from './world.js'

async function begin(port: number, client: ClientTls, session?: Buffer): Promise<Secured> {
  const hearInfo = async (_: unknown, incoming: Incoming): Promise<void> => {
    await incoming.line()
  }
  return startTls(port, client, hearInfo, session)
}

async function open(port: number, client: ClientTls, session?: Buffer): Promise<Secured> {
  const secured = await begin(port, client, session)
  secured.socket.write('CONNECT {"verbose":false,"pedantic":false,"tls_required":true}\r\n')
  await errorsUntilPong(secured)
  return secured
}

/** Ping, and hear what there is to complain of. */
async function errorsUntilPong({ socket, incoming }: Secured): Promise<string> {
  socket.write('PING\r\n')
  let errors = ''
  for (;;) {
    const line = await incoming.line()
    if (line === 'PONG') return errors
    if (line.startsWith('-ERR') && !line.includes('Permissions Violation')) throw new Error(line)
    if (line.startsWith('-ERR')) errors += line
  }
}

/** What the trial needs, without how it is started. @param users - Names, and what only that user may publish to. */
export function natsServer(port: number, users: ReadonlyMap<string, string>): Omit<RunningServer, 'reload'> {
  return {
    whoAmI: async (client, session) => {
      try {
        const secured = await open(port, client, session)
        for (const subject of users.values()) secured.socket.write(`PUB ${subject} 0\r\n\r\n`)
        const errors = await errorsUntilPong(secured)
        secured.socket.destroy()
        const allowed = [...users].filter(([, subject]) => !errors.includes(`"${subject}"`)).map(([name]) => name)
        return { identity: allowed.join(', ') }
      } catch (error) {
        return refusalOf(error)
      }
    },
    servedSerial: async (client) => {
      const secured = await begin(port, client)
      const serial = serialOf(secured)
      secured.socket.destroy()
      return serial
    },
    session: async (client) => {
      const secured = await open(port, client)
      return sessionOf(secured, () => errorsUntilPong(secured))
    },
    hold: async (client) => {
      const secured = await open(port, client)
      return () =>
        errorsUntilPong(secured).then(
          () => true,
          () => false,
        )
    },
  }
}
