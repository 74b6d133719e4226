/** As much of MariaDB's protocol as it takes to ask who one is. Its documentation: Connection, COM_QUERY. */
import type { Socket } from 'node:net'
import { sqlServer } from './sql-server.js'
import { type Incoming, type Secured, startTls } from './starttls.js'
import type { RunningServer } from './trial.js'
import type { ClientTls } from './world.js'

const CLIENT = { protocol41: 0x200, tls: 0x800, secure: 0x8000, pluginAuth: 0x80000 } as const
const CAPABILITIES = Object.values(CLIENT).reduce((all, flag) => all | flag, 0)
const UTF8 = 45

/** Asks for the account of whoever says so, with whatever certificate and no password. */
async function logIn(port: number, client: ClientTls, account: string, session?: Buffer): Promise<Secured> {
  const secured = await beginTls(port, client, session)
  const plugin = 'mysql_native_password'
  write(secured.socket, 2, Buffer.concat([greeting(), Buffer.from(`${account}\0\0${plugin}\0`)]))
  let answer = await packet(secured.incoming)
  // Another method: nothing is said again.
  if (answer.content[0] === 0xfe) {
    write(secured.socket, answer.sequence + 1, Buffer.alloc(0))
    answer = await packet(secured.incoming)
  }
  refuseError(answer.content)
  return secured
}

function beginTls(port: number, client: ClientTls, session?: Buffer): Promise<Secured> {
  return startTls(
    port,
    client,
    async (plain, incoming) => {
      refuseError((await packet(incoming)).content)
      write(plain, 1, greeting())
    },
    session,
  )
}

function greeting(): Buffer {
  const octets = Buffer.alloc(32)
  octets.writeUInt32LE(CAPABILITIES, 0)
  octets.writeUInt32LE(1 << 24, 4)
  octets.writeUInt8(UTF8, 8)
  return octets
}

/** The one column of the one row. */
async function ask({ socket, incoming }: Secured, query: string): Promise<string> {
  write(socket, 0, Buffer.from(`\x03${query}`))
  refuseError((await packet(incoming)).content)
  // A column, the end of columns, a row, the end of rows.
  await packet(incoming)
  await packet(incoming)
  const { content } = await packet(incoming)
  await packet(incoming)
  return content.subarray(1).toString()
}

async function packet(incoming: Incoming): Promise<{ readonly sequence: number; readonly content: Buffer }> {
  const head = await incoming.take(4)
  return { sequence: head[3] ?? 0, content: await incoming.take(head.readUIntLE(0, 3)) }
}

function write(socket: Socket, sequence: number, content: Buffer): void {
  const head = Buffer.alloc(4)
  head.writeUIntLE(content.length, 0, 3)
  head.writeUInt8(sequence, 3)
  socket.write(Buffer.concat([head, content]))
}

function refuseError(content: Buffer): void {
  if (content[0] === 0xff) throw new Error(`${content.readUInt16LE(1)} ${content.subarray(3).toString()}`)
}

export function mariadbServer(port: number, accountOf: (client: ClientTls) => string): Omit<RunningServer, 'reload'> {
  return sqlServer({
    beginTls: (client) => beginTls(port, client),
    logIn: (client, session) => logIn(port, client, accountOf(client), session),
    ask,
    whoAmI: 'select current_user()',
  })
}
