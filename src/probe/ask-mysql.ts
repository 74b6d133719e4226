/**
 * MariaDB and MySQL: who is the current user, of an account that needs no password but a certificate.
 *
 * @module probe/ask-mysql (floor 7.3)
 */
import { type Answer, type Asking, letIn, refused } from './answer.js'
import { NoTlsOffered, type Talk, TalkEnded } from './talk.js'

/** MySQL Client/Server Protocol, Capabilities Flags. */
const PROTOCOL_41 = 0x200
const SSL = 0x800
const SECURE_CONNECTION = 0x8000
const PLUGIN_AUTH = 0x80000
const CAPABILITIES = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH
const UTF8 = 33
const MAX_PACKET = 0x10000
const PLUGIN = 'mysql_native_password'

const OK = 0x00
const MORE = 0x01
const SWITCH = 0xfe
const ERROR = 0xff

export interface MysqlPacket {
  readonly sequence: number
  readonly payload: Buffer
}

export function mysqlPacket(sequence: number, payload: Uint8Array): Buffer {
  const { length } = payload
  return Buffer.concat([
    Buffer.of(length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff, sequence & 0xff),
    payload,
  ])
}

export async function readMysqlPacket(talk: Talk): Promise<MysqlPacket> {
  const packet = await talk.take((heard) => (heard.length < 4 ? undefined : 4 + heard.readUIntLE(0, 3)))
  return { sequence: packet[3] ?? 0, payload: packet.subarray(4) }
}

function head(flags: number): Buffer {
  const octets = Buffer.alloc(32)
  octets.writeUInt32LE(flags, 0)
  octets.writeUInt32LE(MAX_PACKET, 4)
  octets[8] = UTF8
  return octets
}

/**
 * What asks for TLS, in answer to a greeting.
 *
 * @throws {@link NoTlsOffered}
 */
export function mysqlSslRequest(greeting: Buffer): Buffer {
  if (greeting[0] === ERROR) throw new NoTlsOffered(errorText(greeting))
  // Protocol version, server version, connection, 8 octets for authentication, a filler; then what it can.
  const version = greeting.indexOf(0, 1)
  const flags = version < 0 || greeting.length < version + 16 ? 0 : greeting.readUInt16LE(version + 14)
  if ((flags & SSL) === 0) throw new NoTlsOffered('the greeting of the server offers no TLS')
  return head(CAPABILITIES | SSL)
}

export async function askMysql(talk: Talk, { channel, user }: Asking): Promise<Answer> {
  let sequence = 2
  if (channel !== 'tls-after-prelude') {
    const greeting = await readMysqlPacket(talk)
    if (greeting.payload[0] === ERROR) return refused(errorText(greeting.payload))
    sequence = 1
  }
  const flags = channel === 'clear' ? CAPABILITIES : CAPABILITIES | SSL
  const response = [head(flags), Buffer.from(`${user}\0`), Buffer.of(0), Buffer.from(`${PLUGIN}\0`)]
  talk.write(mysqlPacket(sequence, Buffer.concat(response)))
  for (;;) {
    const answer = await readMysqlPacket(talk)
    switch (answer.payload[0]) {
      case OK:
        return letIn(`${user} is logged in`, await currentUser(talk))
      case ERROR:
        return refused(errorText(answer.payload))
      case SWITCH:
        // No password, whatever the way of proving it.
        talk.write(mysqlPacket(answer.sequence + 1, new Uint8Array()))
        break
      case MORE:
        break
      default:
        return refused('an answer that is none of the protocol')
    }
  }
}

/** Who we are is worth knowing, but we are in already. */
async function currentUser(talk: Talk): Promise<string | undefined> {
  talk.write(mysqlPacket(0, Buffer.concat([Buffer.of(3), Buffer.from('select current_user()')])))
  try {
    // How many columns, the column, the end of columns, the row.
    const packets: Buffer[] = []
    while (packets.length < 4) packets.push((await readMysqlPacket(talk)).payload)
    const [count, , , row] = packets
    if (count?.[0] !== 1 || row === undefined) return undefined
    return row.subarray(1, 1 + (row[0] ?? 0)).toString('utf8')
  } catch (error) {
    if (error instanceof TalkEnded) return undefined
    throw error
  }
}

/** 0xff, number, `#` and the state, text. */
function errorText(payload: Buffer): string {
  const number = payload.length < 3 ? 0 : payload.readUInt16LE(1)
  const text = payload
    .subarray(3)
    .toString('utf8')
    .replace(/^#.{5}/, '')
  return `error ${number}: ${text}`
}
