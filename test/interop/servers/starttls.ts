/** Servers that say something before TLS begins, and what clients say after it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as secure, type TLSSocket } from 'node:tls'
import { type Answer, tlsOptions } from './trial.js'
import type { ClientTls } from './world.js'

/** Octets that come in, to be waited for. */
export class Incoming {
  readonly #socket: Socket
  #octets = Buffer.alloc(0)
  #ended: Error | undefined
  #notify: () => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data) => {
      this.#octets = Buffer.concat([this.#octets, data])
      this.#notify()
    })
    const end = (error: Error): void => {
      this.#ended ??= error
      this.#notify()
    }
    socket.on('error', end)
    socket.on('timeout', () => socket.destroy(new Error('no answer')))
    socket.on('close', () => end(new Error('closed')))
  }

  /** The next octets, as many as that. @throws once there are no more */
  async take(count: number): Promise<Buffer> {
    while (this.#octets.length < count) {
      if (this.#ended !== undefined) throw this.#ended
      await new Promise<void>((resolve) => (this.#notify = resolve))
    }
    const taken = this.#octets.subarray(0, count)
    this.#octets = this.#octets.subarray(count)
    return taken
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    let text = ''
    while (!text.endsWith('\n')) text += (await this.take(1)).toString('latin1')
    return text.trimEnd()
  }

  /** Listen no more: somebody else does. */
  release(): void {
    this.#socket.removeAllListeners()
  }
}

export interface Secured {
  readonly socket: TLSSocket
  readonly incoming: Incoming
}

/** Connect, say what comes before TLS, and begin it. TLS 1.3 may still refuse the client with the first answer. */
export async function startTls(
  port: number,
  client: ClientTls,
  prelude: (plain: Socket, incoming: Incoming) => Promise<void>,
  session?: Buffer,
): Promise<Secured> {
  const plain = connect(port, '127.0.0.1')
  plain.setTimeout(15_000)
  const heard = new Incoming(plain)
  await prelude(plain, heard)
  heard.release()
  const options = tlsOptions(port, client, session)
  const socket = secure({ ...options, socket: plain })
  const incoming = new Incoming(socket)
  const failed = once(socket, 'close').then(() => incoming.take(1))
  await Promise.race([once(socket, 'secureConnect'), failed])
  return { socket, incoming }
}

/** The serial number that the other end shows. */
export function serialOf({ socket }: Secured): string {
  return socket.getPeerX509Certificate()?.serialNumber ?? ''
}

export function refusalOf(error: unknown): Answer {
  return { refused: error instanceof Error ? error.message : String(error) }
}

/** The last session that a server gave by the time that the connection ends: TLS 1.3 gives them at any time. */
export async function sessionOf(
  { socket }: Pick<Secured, 'socket'>,
  work: () => Promise<unknown>,
): Promise<Buffer | undefined> {
  let session: Buffer | undefined
  socket.on('session', (given: Buffer) => (session = given))
  await work()
  const closed = once(socket, 'close').catch(() => undefined)
  socket.end()
  socket.destroySoon()
  await closed
  // TLS 1.2 gives it in the handshake.
  return session ?? (socket.getProtocol() === 'TLSv1.3' ? undefined : socket.getSession())
}
