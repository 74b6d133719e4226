/** What servers of other protocols say, as far as a probe asks: enough to let somebody in, or not. */
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import {
  encodeContextPrimitive,
  encodeEnumerated,
  encodeInteger,
  encodeSequence,
  encodeValue,
} from '../../src/asn1/index.js'
import { mysqlPacket, readMysqlPacket } from '../../src/probe/ask-mysql.js'
import { readLdapMessage } from '../../src/probe/ask-ldap.js'
import { Talk } from '../../src/probe/talk.js'
import type { PreludeName, QuestionName } from '../../src/probe/index.js'
import { type Fake, listening, tlsOptions } from './fakes.js'

/** How a server takes a client: for somebody, for somebody with a password, for nobody. */
export type Taken = { readonly as: string } | 'password' | 'nobody'

/** @param isFirst - Whether nothing was said before: then some servers greet. */
export type Speak = (talk: Talk, taken: Taken, isFirst: boolean) => Promise<void>

const ok = (text: string): Buffer => Buffer.from(text)
const octetString = (text: string): Uint8Array => encodeValue(0x04, Buffer.from(text))

function pgMessage(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, type)
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

function amqpMethod(method: number, body: Buffer): Buffer {
  const payload = Buffer.concat([Buffer.of(0, 10, 0, method), body])
  const head = Buffer.alloc(7)
  head[0] = 1
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.of(0xce)])
}

function amqpLong(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, Buffer.from(text)])
}

export const MYSQL_GREETING = mysqlPacket(
  0,
  Buffer.concat([Buffer.of(10), ok('8.0-fake\0'), Buffer.alloc(13), Buffer.of(0xff, 0xff), Buffer.alloc(30)]),
)

function mysqlError(number: number, text: string): Buffer {
  return Buffer.concat([Buffer.of(0xff, number & 0xff, number >> 8), ok(`#28000${text}`)])
}

const ldapResult = (id: number, tag: number, code: number, ...more: readonly Uint8Array[]): Uint8Array =>
  encodeSequence(encodeInteger(id), encodeValue(tag, encodeEnumerated(code), octetString(''), octetString(''), ...more))

export const SPEAK: Readonly<Record<Exclude<QuestionName, 'http' | 'raw'>, Speak>> = {
  redis: async (talk, taken) => {
    await talk.lineLike(/^PING$/)
    if (taken === 'password') talk.write('-NOAUTH Authentication required.\r\n')
    else if (taken === 'nobody') talk.write('-NOPERM this user has no permissions\r\n')
    else {
      talk.write('+PONG\r\n')
      await talk.lineLike(/^ACL WHOAMI$/)
      talk.write(`$${taken.as.length}\r\n${taken.as}\r\n`)
    }
  },
  postgres: async (talk, taken) => {
    const length = (await talk.octets(4)).readUInt32BE(0)
    await talk.octets(length - 4)
    if (taken === 'password') talk.write(pgMessage('R', Buffer.of(0, 0, 0, 10)))
    else if (taken === 'nobody') {
      talk.write(pgMessage('E', ok('SFATAL\0C28000\0Mconnection requires a valid client certificate\0\0')))
    } else {
      talk.write(
        Buffer.concat([pgMessage('R', Buffer.alloc(4)), pgMessage('S', ok('a\0b\0')), pgMessage('Z', ok('I'))]),
      )
      await talk.octets(24)
      const column = Buffer.concat([Buffer.of(0, 1, 0, 0, 0, taken.as.length), ok(taken.as)])
      talk.write(Buffer.concat([pgMessage('T', Buffer.alloc(20)), pgMessage('D', column)]))
    }
  },
  mysql: async (talk, taken, isFirst) => {
    if (isFirst) talk.write(MYSQL_GREETING)
    const { sequence } = await readMysqlPacket(talk)
    talk.write(mysqlPacket(sequence + 1, Buffer.concat([Buffer.of(0xfe), ok('other\0')])))
    await readMysqlPacket(talk)
    if (taken === 'password' || taken === 'nobody') {
      talk.write(mysqlPacket(sequence + 3, mysqlError(1045, 'Access denied')))
      return
    }
    talk.write(mysqlPacket(sequence + 3, Buffer.of(0, 0, 0, 2, 0, 0, 0)))
    await readMysqlPacket(talk)
    const row = Buffer.concat([Buffer.of(taken.as.length), ok(taken.as)])
    for (const [index, payload] of [Buffer.of(1), ok('column'), Buffer.of(0xfe, 0, 0, 2, 0), row].entries()) {
      talk.write(mysqlPacket(index + 1, payload))
    }
  },
  nats: async (talk, taken, isFirst) => {
    if (isFirst) talk.write('INFO {"tls_required":true}\r\n')
    await talk.lineLike(/^PING$/)
    if (taken === 'nobody' || taken === 'password') {
      talk.write("-ERR 'Authorization Violation'\r\n")
      return
    }
    talk.write('PONG\r\n')
    const inbox = (await talk.lineLike(/^SUB /)).split(' ')[1] ?? ''
    const told = JSON.stringify({ data: { user: taken.as } })
    talk.write(`MSG ${inbox} 1 ${told.length}\r\n${told}\r\n`)
  },
  mqtt: async (talk, taken) => {
    const [, length = 0] = await talk.octets(2)
    await talk.octets(length)
    talk.write(Uint8Array.of(0x20, 2, 0, taken === 'nobody' ? 5 : taken === 'password' ? 4 : 0))
  },
  amqp: async (talk, taken) => {
    await talk.octets(8)
    const mechanisms = taken === 'password' ? 'PLAIN AMQPLAIN' : 'PLAIN EXTERNAL'
    const start = Buffer.concat([Buffer.of(0, 9), Buffer.alloc(4), amqpLong(mechanisms), amqpLong('en_US')])
    talk.write(amqpMethod(10, start))
    if (taken === 'password') return
    await talk.octets(8)
    const refusal = Buffer.concat([Buffer.of(0x01, 0x93, 14), ok('ACCESS_REFUSED'), Buffer.alloc(4)])
    talk.write(taken === 'nobody' ? amqpMethod(50, refusal) : amqpMethod(30, Buffer.alloc(8)))
  },
  smtp: async (talk, taken, isFirst) => {
    if (isFirst) talk.write('220 mail.example ESMTP\r\n')
    await talk.lineLike(/^EHLO /)
    talk.write('250-mail.example\r\n250 HELP\r\n')
    await talk.lineLike(/^MAIL /)
    if (taken === 'password') talk.write('530 5.7.0 Authentication required\r\n')
    else talk.write(taken === 'nobody' ? '554 5.7.1 Access denied\r\n' : '250 ok\r\n')
  },
  imap: async (talk, taken, isFirst) => {
    if (isFirst) talk.write(`* ${typeof taken === 'object' ? 'PREAUTH' : 'OK'} hello\r\n`)
    await talk.lineLike(/^a2 CAPABILITY$/)
    talk.write(`* CAPABILITY IMAP4rev1${taken === 'nobody' ? ' LOGINDISABLED' : ''}\r\na2 OK done\r\n`)
  },
  ldap: async (talk, taken) => {
    await readLdapMessage(talk)
    if (typeof taken !== 'object') {
      talk.write(ldapResult(2, 0x61, taken === 'nobody' ? 49 : 7))
      return
    }
    talk.write(ldapResult(2, 0x61, 0))
    await readLdapMessage(talk)
    const who = encodeContextPrimitive(11, Buffer.from(taken.as))
    talk.write(ldapResult(3, 0x78, 0, who))
  },
}

/** The server's side of a prelude, and its refusal. */
const PRELUDE: Readonly<Record<PreludeName, (talk: Talk, offers: boolean) => Promise<void>>> = {
  postgres: async (talk, offers) => {
    await talk.octets(8)
    talk.write(offers ? 'S' : 'N')
  },
  mysql: async (talk, offers) => {
    if (offers) talk.write(MYSQL_GREETING)
    else talk.write(mysqlPacket(0, mysqlError(1130, 'Host is not allowed')))
    await readMysqlPacket(talk)
  },
  nats: async (talk, offers) => {
    talk.write(`INFO {"server_id":"x","tls_required":${String(offers)}}\r\n`)
    return Promise.resolve()
  },
  smtp: async (talk, offers) => {
    talk.write('220 mail.example ESMTP\r\n')
    await talk.lineLike(/^EHLO /)
    talk.write('250-mail.example\r\n250 STARTTLS\r\n')
    await talk.lineLike(/^STARTTLS$/)
    talk.write(offers ? '220 go ahead\r\n' : '454 TLS not available\r\n')
  },
  imap: async (talk, offers) => {
    talk.write('* OK hello\r\n')
    await talk.lineLike(/^a1 STARTTLS$/)
    talk.write(offers ? 'a1 OK begin\r\n' : 'a1 NO not here\r\n')
  },
  ldap: async (talk, offers) => {
    await readLdapMessage(talk)
    talk.write(ldapResult(1, 0x78, offers ? 0 : 52))
  },
}

const PATIENCE = 10_000

/** A server that speaks by TLS, after its prelude where it has one. */
export async function fakeProtocol(
  speak: Speak,
  take: (socket: TLSSocket) => Taken,
  prelude?: PreludeName,
  tls: TlsOptions = {},
): Promise<Fake<NetServer>> {
  const secure = createTlsServer(tlsOptions({ rejectUnauthorized: true, ...tls }), (socket) => {
    quietly(socket, (talk) => speak(talk, take(socket), prelude === undefined))
  })
  const behind = await listening(secure)
  if (prelude === undefined) return behind
  return listening(
    createServer((socket) => {
      quietly(socket, async (talk) => {
        await PRELUDE[prelude](talk, true)
        // Part of the handshake may have come already, which only a connection of its own takes.
        const rest = talk.release()
        const inner = connect(behind.target).on('error', () => socket.destroy())
        inner.write(rest)
        socket.pipe(inner).pipe(socket)
      })
    }),
  )
}

/** A server of clear text. */
export async function fakeClear(speak: Speak, taken: Taken): Promise<Fake<NetServer>> {
  return listening(createServer((socket) => quietly(socket, (talk) => speak(talk, taken, true))))
}

/** A server that has no TLS to offer. */
export async function fakeWithoutTls(prelude: PreludeName): Promise<Fake<NetServer>> {
  return listening(createServer((socket) => quietly(socket, (talk) => PRELUDE[prelude](talk, false))))
}

/** Clients go away when they have heard enough. */
function quietly(socket: Socket, work: (talk: Talk) => Promise<void>): void {
  socket.on('error', () => undefined)
  const talk = new Talk(socket, PATIENCE)
  socket.once('close', () => talk.release())
  work(talk).catch(() => undefined)
}
