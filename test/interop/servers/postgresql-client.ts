/** As much of PostgreSQL's protocol as it takes to ask who one is. PostgreSQL 15 documentation §55. */
import { sqlServer } from './sql-server.js'
import { type Secured, startTls } from './starttls.js'
import type { RunningServer } from './trial.js'
import type { ClientTls } from './world.js'

/** Asks for the role of whoever says so, with whatever certificate. */
async function logIn(port: number, client: ClientTls, role: string): Promise<Secured> {
  const secured = await beginTls(port, client)
  const settings = Buffer.from(`user\0${role}\0database\0postgres\0\0`)
  secured.socket.write(Buffer.concat([length(settings.length + 8), length(196_608), settings]))
  await untilReady(secured)
  return secured
}

function beginTls(port: number, client: ClientTls): Promise<Secured> {
  return startTls(port, client, async (plain, incoming) => {
    plain.write(Buffer.concat([length(8), length(80_877_103)]))
    if ((await incoming.take(1)).toString() !== 'S') throw new Error('no TLS')
  })
}

/** The one column of the one row. */
async function ask(secured: Secured, query: string): Promise<string> {
  const text = Buffer.from(`${query}\0`)
  secured.socket.write(Buffer.concat([Buffer.from('Q'), length(text.length + 4), text]))
  const row = (await untilReady(secured)).find(({ type }) => type === 'D')
  return row?.content.subarray(6).toString() ?? ''
}

interface Message {
  readonly type: string
  readonly content: Buffer
}

async function untilReady({ incoming }: Secured): Promise<readonly Message[]> {
  const messages: Message[] = []
  for (;;) {
    const head = await incoming.take(5)
    const message = { type: head.toString('latin1', 0, 1), content: await incoming.take(head.readUInt32BE(1) - 4) }
    if (message.type === 'E') throw new Error(message.content.toString().replaceAll('\0', ' '))
    if (message.type === 'Z') return messages
    messages.push(message)
  }
}

function length(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

/** It gives no sessions: whoever comes again is verified again. */
export function postgresqlServer(port: number, roleOf: (client: ClientTls) => string): Omit<RunningServer, 'reload'> {
  return sqlServer({
    beginTls: (client) => beginTls(port, client),
    logIn: (client) => logIn(port, client, roleOf(client)),
    ask,
    whoAmI: 'select current_user',
  })
}
