/** As much of Redis's protocol as it takes to ask who one is. */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { Incoming, refusalOf, type Secured, sessionOf } from './starttls.js'
import { type RunningServer, serialAt, tlsOptions } from './trial.js'
import type { ClientTls } from './world.js'

async function open(port: number, client: ClientTls, session?: Buffer): Promise<Secured> {
  const socket = connect(tlsOptions(port, client, session))
  const incoming = new Incoming(socket)
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close').then(() => incoming.take(1))])
  return { socket, incoming }
}

/** One command, and its answer of one line or one string. */
export async function say({ socket, incoming }: Secured, command: string): Promise<string> {
  socket.write(`${command}\r\n`)
  const line = await incoming.line()
  if (!line.startsWith('$')) return line
  return (await incoming.take(Number(line.slice(1)) + 2)).toString('utf8').trimEnd()
}

/** What the trial needs, without how it is started. */
export function redisServer(port: number): Omit<RunningServer, 'reload'> {
  return {
    whoAmI: async (client, session) => {
      try {
        const secured = await open(port, client, session)
        const identity = await say(secured, 'ACL WHOAMI')
        secured.socket.destroy()
        return identity.startsWith('-') ? { refused: identity } : { identity }
      } catch (error) {
        return refusalOf(error)
      }
    },
    servedSerial: (client) => serialAt(port, client),
    session: async (client) => {
      const secured = await open(port, client)
      return sessionOf(secured, () => say(secured, 'PING'))
    },
    hold: async (client) => {
      const secured = await open(port, client)
      return () =>
        say(secured, 'PING').then(
          (answer) => answer === '+PONG',
          () => false,
        )
    },
  }
}

/** What somebody hears who asks for more than they are: by another's name, or after taking their own away. */
export async function reach(port: number, client: ClientTls, commands: readonly string[]): Promise<readonly string[]> {
  const secured = await open(port, client)
  const answers: string[] = []
  for (const command of commands) answers.push(await say(secured, command))
  secured.socket.destroy()
  return answers
}
