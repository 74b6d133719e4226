/**
 * PostgreSQL: start up as a role, ask who that is.
 *
 * @module probe/ask-postgres (floor 7.3)
 */
import { type Answer, askedForMore, type Asking, letIn, refused } from './answer.js'
import { type Talk, TalkEnded } from './talk.js'

const PROTOCOL_3 = 196_608

/** Errors that only those get who were let in: no such database, too many connections, no right to connect to it. */
const AFTER_LOGIN: ReadonlySet<string> = new Set(['3D000', '53300', '42501'])

export async function askPostgres(talk: Talk, { question, user }: Asking): Promise<Answer> {
  const parameters = `user\0${user}\0database\0${question.database ?? 'postgres'}\0\0`
  const length = 8 + Buffer.byteLength(parameters)
  const start = Buffer.alloc(8)
  start.writeUInt32BE(length, 0)
  start.writeUInt32BE(PROTOCOL_3, 4)
  talk.write(Buffer.concat([start, Buffer.from(parameters)]))
  for (;;) {
    const { type, body } = await readMessage(talk)
    if (type === 'E') return errorAnswer(body, user)
    if (type !== 'R') continue
    const kind = body.length < 4 ? -1 : body.readUInt32BE(0)
    if (kind === 0) return letIn(`${user} is logged in`, await currentUser(talk))
    return askedForMore('a password is asked for')
  }
}

interface Message {
  readonly type: string
  readonly body: Buffer
}

async function readMessage(talk: Talk): Promise<Message> {
  const message = await talk.take((heard) => (heard.length < 5 ? undefined : 1 + Math.max(4, heard.readUInt32BE(1))))
  return { type: String.fromCharCode(message[0] ?? 0), body: message.subarray(5) }
}

function errorAnswer(body: Buffer, user: string): Answer {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field.slice(0, 1), field.slice(1)] as const),
  )
  const said = `${fields.get('C') ?? ''} ${fields.get('M') ?? ''}`.trim()
  return AFTER_LOGIN.has(fields.get('C') ?? '') ? letIn(`${user} is logged in: ${said}`, user) : refused(said)
}

async function currentUser(talk: Talk): Promise<string | undefined> {
  try {
    let asked = false
    for (;;) {
      const { type, body } = await readMessage(talk)
      if (type === 'E') return undefined
      if (type === 'Z' && asked) return undefined
      if (type === 'Z') {
        const query = Buffer.from('select current_user\0')
        const head = Buffer.alloc(5, 'Q')
        head.writeUInt32BE(4 + query.length, 1)
        talk.write(Buffer.concat([head, query]))
        asked = true
      }
      // One column: how many there are, how long it is, the text.
      if (type === 'D' && body.length > 6) return body.subarray(6, 6 + body.readUInt32BE(2)).toString('utf8')
    }
  } catch (error) {
    if (error instanceof TalkEnded) return undefined
    throw error
  }
}
