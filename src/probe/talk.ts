/**
 * Talking with a server that may say nothing, too much, or break off: lines and octets with one time limit for it all.
 *
 * @module probe/talk (floor 7.3)
 */
import type { Duplex } from 'node:stream'

/** No answer that is looked at is longer. */
export const MAX_ANSWER_BYTES = 64 * 1024

/** How a conversation ended before an answer was there. */
export type EndKind = 'closed' | 'failed' | 'silent' | 'too-long'

/** Not an error of ours: it says what the server did, and is always caught in this folder. */
export class TalkEnded extends Error {
  readonly kind: EndKind

  constructor(kind: EndKind, cause?: unknown) {
    super(kind, { cause })
    this.kind = kind
  }
}

/** The server offers no TLS where it should come next. Always caught in this folder, too. */
export class NoTlsOffered extends Error {}

/** A conversation. Either it is released, or its socket is destroyed. */
export class Talk {
  readonly #socket: Duplex
  readonly #timer: NodeJS.Timeout
  #heard: Buffer = Buffer.alloc(0)
  #hasHeard = false
  #end: TalkEnded | undefined
  #wake: (() => void) | undefined
  readonly #onData = (data: Buffer): void => {
    this.#hasHeard = true
    this.#heard = Buffer.concat([this.#heard, data])
    if (this.#heard.length > MAX_ANSWER_BYTES) this.#finish(new TalkEnded('too-long'))
    this.#wake?.()
  }
  readonly #onError = (error: Error): void => this.#finish(new TalkEnded('failed', error))
  readonly #onEnd = (): void => this.#finish(new TalkEnded('closed'))

  /** @param milliseconds - For everything that is said from now on. */
  constructor(socket: Duplex, milliseconds: number) {
    this.#socket = socket
    this.#timer = setTimeout(() => this.#finish(new TalkEnded('silent')), milliseconds)
    socket.on('data', this.#onData)
    socket.on('error', this.#onError)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
  }

  /** Whether the server has said anything at all. */
  get hasHeard(): boolean {
    return this.#hasHeard
  }

  write(data: Uint8Array | string): void {
    if (this.#socket.writable) this.#socket.write(data)
  }

  /**
   * Wait until what was heard begins with something whole, and take that.
   *
   * @param length - How many octets it has, once they are all there.
   * @throws {@link TalkEnded}
   */
  async take(length: (heard: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const count = length(this.#heard)
      if (count !== undefined && count <= this.#heard.length) {
        const taken = this.#heard.subarray(0, count)
        this.#heard = this.#heard.subarray(count)
        return taken
      }
      if (this.#end !== undefined) throw this.#end
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async octets(count: number): Promise<Buffer> {
    return this.take(() => count)
  }

  /** A line without its end. */
  async line(): Promise<string> {
    const line = await this.take((heard) => {
      const end = heard.indexOf(0x0a)
      return end < 0 ? undefined : end + 1
    })
    return line.toString('latin1').replace(/\r?\n$/, '')
  }

  /** The first line that fits. */
  async lineLike(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.line()
      if (pattern.test(line)) return line
    }
  }

  /** What there is until it is whole, or the conversation ends for whatever reason. */
  async rest(isWhole: (heard: Buffer) => boolean): Promise<Buffer> {
    try {
      return await this.take((heard) => (isWhole(heard) ? heard.length : undefined))
    } catch (error) {
      if (error instanceof TalkEnded) return this.#heard
      throw error
    }
  }

  /** Stop listening. @returns What was heard and not taken. */
  release(): Buffer {
    clearTimeout(this.#timer)
    this.#socket.off('data', this.#onData)
    this.#socket.off('error', this.#onError)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('close', this.#onEnd)
    this.#socket.pause()
    return this.#heard
  }

  /** The first reason counts, but an error that comes after the mere end says more: a TLS alert is one. */
  #finish(end: TalkEnded): void {
    if (this.#end === undefined || (this.#end.kind === 'closed' && end.kind === 'failed')) this.#end = end
    clearTimeout(this.#timer)
    this.#wake?.()
  }
}
