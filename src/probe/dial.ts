/**
 * One try: connect, speak the prelude, shake hands, ask. What came of it is a value, never an error.
 *
 * In TLS 1.3 a client is connected before the server has judged it (RFC 8446 §4.4.2.4): only what is heard after that
 * counts.
 *
 * @module probe/dial (floor 7.3)
 */
import { constants } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, createSecureContext, type SecureVersion, type TLSSocket } from 'node:tls'
import type { Channel, Standing } from './answer.js'
import { ask } from './ask.js'
import type { Header } from './ask-http.js'
import type { ProbeClient } from './client.js'
import { speakPrelude } from './prelude.js'
import { breakOffOf } from './refusal.js'
import { NoTlsOffered, Talk, TalkEnded } from './talk.js'
import { type ProbeTarget, type Question, serverNameOf, sniOf } from './target.js'

/** How one try differs from the others. */
export interface Dial {
  /** Who shakes hands. Default: nobody, no certificate is shown. */
  readonly client?: ProbeClient
  /** Only this version. Default: 1.2 or 1.3. */
  readonly version?: SecureVersion
  /** TLS 1.2: no tickets, so that a session is one that the server remembers. */
  readonly tickets?: 'without'
  /** A session to resume. */
  readonly session?: Buffer
  /** Say goodbye at the end: without it, some servers forget the session. Default: not. */
  readonly end?: 'goodbye'
  readonly headers?: readonly Header[]
  /** Ask without TLS. */
  readonly channel?: 'clear'
}

/** What came of a try. */
export interface Attempt {
  /** `silent`: neither let in nor refused. `failed`: it did not come to that, for a reason of our own or of the network. */
  readonly outcome: Standing | 'silent' | 'failed'
  readonly stage: 'network' | 'prelude' | 'tls' | 'application'
  readonly said: string
  /** The version of TLS, once the client's handshake was done. */
  readonly protocol?: string
  readonly isResumed: boolean
  readonly identity?: string
  readonly whole?: string
  /** Sessions that the server gave. Secret. */
  readonly sessions: readonly Buffer[]
}

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

type Failure = Attempt

/** Connect, and speak until TLS comes next. */
export async function openTransport(
  target: ProbeTarget,
  milliseconds: number,
  starttls: ProbeTarget['starttls'],
): Promise<Failure | { readonly socket: Socket }> {
  const socket = connectTcp('path' in target ? { path: target.path } : { host: target.host, port: target.port })
  const reason = await settled(socket, 'connect', milliseconds)
  if (reason !== undefined) {
    socket.destroy()
    return failure('network', 'failed', `no connection: ${reason.text}`)
  }
  socket.on('error', () => undefined)
  if (starttls === undefined) return { socket }
  const talk = new Talk(socket, milliseconds)
  try {
    await speakPrelude(starttls, talk)
    // CVE-2011-0411 and its kin: what came in clear text may not be taken for what came by TLS.
    if (talk.release().length > 0) throw new NoTlsOffered('the server says more before the TLS handshake')
    return { socket }
  } catch (error) {
    talk.release()
    socket.destroy()
    if (error instanceof NoTlsOffered) return failure('prelude', 'refused', error.message)
    return endOf('prelude', error)
  }
}

export interface Shaken {
  readonly socket: TLSSocket
  readonly protocol: string
  readonly sessions: readonly Buffer[]
}

/** Shake hands, whoever the server is: it is judged apart. */
export async function shakeHands(
  transport: Socket,
  target: ProbeTarget,
  how: Dial,
  milliseconds: number,
): Promise<Failure | Shaken> {
  const sessions: Buffer[] = []
  let socket: TLSSocket
  try {
    const servername = sniOf(target)
    socket = connectTls({
      socket: transport,
      secureContext: contextFor(how),
      rejectUnauthorized: false,
      ...(servername === undefined ? {} : { servername }),
      ...(how.session === undefined ? {} : { session: how.session }),
    })
  } catch (error) {
    transport.destroy()
    return endOf('tls', new TalkEnded('failed', error))
  }
  const keep = (session: Buffer): void => void sessions.push(session)
  socket.on('session', keep)
  const reason = await settled(socket, 'secureConnect', milliseconds)
  socket.off('session', keep)
  socket.on('error', () => undefined)
  if (reason === undefined) return { socket, protocol: socket.getProtocol() ?? '', sessions }
  socket.destroy()
  transport.destroy()
  return endOf('tls', reason.ended)
}

const OLD: ReadonlySet<SecureVersion> = new Set(['TLSv1', 'TLSv1.1'])

function contextFor({ client, version, tickets }: Dial): ReturnType<typeof createSecureContext> {
  return createSecureContext({
    ...client?.keyPair(),
    // The server is judged by us, and not by the roots of Node.
    ca: [],
    minVersion: version ?? 'TLSv1.2',
    maxVersion: version ?? 'TLSv1.3',
    // OpenSSL 3 has the digests of the old versions at this level only.
    ...(version !== undefined && OLD.has(version) ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
    ...(tickets === undefined ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }),
  })
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

function endOf(stage: Attempt['stage'], error: unknown): Attempt {
  if (!(error instanceof TalkEnded)) throw error
  switch (error.kind) {
    case 'silent':
      return failure(stage, 'silent', 'nothing was said until the time was up')
    case 'too-long':
      return failure(stage, 'silent', 'the answer is too long')
    case 'closed':
      return failure(stage, 'refused', 'the connection was closed')
    case 'failed': {
      const end = breakOffOf(error.cause)
      if (end.kind === 'alert') return failure('tls', 'refused', `alert ${end.alert}`)
      if (end.kind === 'closed') return failure(stage, 'refused', 'the connection was closed')
      return failure(stage, 'failed', end.reason)
    }
  }
}

function failure(stage: Attempt['stage'], outcome: Attempt['outcome'], said: string): Attempt {
  return { outcome, stage, said, isResumed: false, sessions: [] }
}

interface Unsettled {
  readonly ended: TalkEnded
  readonly text: string
}

/** @returns Why the event did not come. */
function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  milliseconds: number,
): Promise<Unsettled | undefined> {
  return new Promise((resolve) => {
    let error: Error | undefined
    const onError = (found: Error): void => void (error = found)
    const end = (reason?: Unsettled): void => {
      clearTimeout(timer)
      socket.off('close', onClose)
      socket.off('error', onError)
      resolve(reason)
    }
    const onClose = (): void => {
      const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'it was closed'
      end({ ended: error === undefined ? new TalkEnded('closed') : new TalkEnded('failed', error), text: code })
    }
    const timer = setTimeout(() => end({ ended: new TalkEnded('silent'), text: 'the time is up' }), milliseconds)
    socket.on('error', onError)
    socket.once('close', onClose)
    socket.once(event, () => end())
  })
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
