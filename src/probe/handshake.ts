/**
 * From nothing to a TLS connection: connect, speak the prelude, shake hands.
 *
 * @module probe/handshake (floor 7.3)
 */
import { constants } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureVersion, type TLSSocket } from 'node:tls'
import { type Attempt, type Dial, endOf, failure } from './attempt.js'
import { speakPrelude } from './prelude.js'
import { NoTlsOffered, Talk, TalkEnded } from './talk.js'
import { type ProbeTarget, sniOf } from './target.js'

/** Connect, and speak until TLS comes next. */
export async function openTransport(
  target: ProbeTarget,
  milliseconds: number,
  starttls: ProbeTarget['starttls'],
): Promise<Attempt | { readonly socket: Socket }> {
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
    // Nobody was asked for a certificate yet: whoever it was, this is no verdict on them.
    const said = error instanceof NoTlsOffered ? error.message : endOf('prelude', error).said
    return failure('prelude', 'failed', said)
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
): Promise<Attempt | Shaken> {
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
