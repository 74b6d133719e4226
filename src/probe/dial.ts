/**
 * One try: connect, speak the prelude, shake hands, ask. What came of it is a value, never an error.
 *
 * In TLS 1.3 a client is connected before the server has judged it (RFC 8446 §4.4.2.4): only what is heard after that
 * counts.
 *
 * @module probe/dial (floor 7.3)
 */
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Channel } from './answer.js'
import { ask } from './ask.js'
import { type Attempt, type Dial, endOf } from './attempt.js'
import { openTransport, shakeHands } from './handshake.js'
import { Talk } from './talk.js'
import { type ProbeTarget, type Question, serverNameOf } from './target.js'

/** The server and how it is asked, the same for every try. */
export interface Line {
  readonly target: ProbeTarget
  readonly question: Question
  /** Whom clients say that they are, where the protocol has them say so. */
  readonly user: string
  readonly milliseconds: number
}

/** Time for the other end to say goodbye, too. */
const GOODBYE_MILLISECONDS = 300

/** Try once. Connections are closed when it returns. */
export async function dial(line: Line, how: Dial): Promise<Attempt> {
  const { target } = line
  const opened = await openTransport(target, line.milliseconds, how.channel === 'clear' ? undefined : target.starttls)
  if ('outcome' in opened) return opened
  if (how.channel === 'clear') {
    const attempt = await question(opened.socket, line, how, 'clear')
    opened.socket.destroy()
    return attempt
  }
  const shaken = await shakeHands(opened.socket, target, how, line.milliseconds)
  if ('outcome' in shaken) return shaken
  const { socket } = shaken
  const sessions: Buffer[] = []
  socket.on('session', (session) => sessions.push(session))
  // Asked now: a socket that was closed knows nothing of it.
  const isResumed = socket.isSessionReused()
  const channel = target.starttls === undefined ? 'tls' : 'tls-after-prelude'
  const attempt = await question(socket, line, how, channel)
  if (how.end === 'goodbye') await goodbye(socket)
  socket.destroy()
  return { ...attempt, protocol: shaken.protocol, isResumed, sessions: [...shaken.sessions, ...sessions] }
}

async function question(socket: Duplex, line: Line, how: Dial, channel: Channel): Promise<Attempt> {
  const talk = new Talk(socket, line.milliseconds)
  const host = hostHeader(line.target)
  try {
    const asking = { question: line.question, channel, host, user: line.user }
    const { standing, ...answer } = await ask(talk, asking, how.headers)
    return { ...answer, outcome: standing, stage: 'application', isResumed: false, sessions: [] }
  } catch (error) {
    // Who says something and then goes away does so for what was said, not for the handshake.
    return endOf(channel === 'clear' || talk.hasHeard ? 'application' : 'tls', error)
  } finally {
    talk.release()
  }
}

function hostHeader(target: ProbeTarget): string {
  const name = serverNameOf(target) ?? 'localhost'
  const host = name.includes(':') ? `[${name}]` : name
  return 'port' in target && target.port !== 443 ? `${host}:${target.port}` : host
}

function goodbye(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), GOODBYE_MILLISECONDS)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.resume()
    if (socket.destroyed) {
      clearTimeout(timer)
      resolve()
    } else socket.end()
  })
}
