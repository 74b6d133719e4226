/**
 * One end of mutual TLS: holds the generation of files in use, judges who is at the other end, and keeps looking at
 * everyone who was let in.
 *
 * @module tls/endpoint (floor 7)
 */
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import { StaleError, TrustError } from '../errors/index.js'
import { createCrlMemory } from '../path/index.js'
import { addSeconds, readClock } from '../time/index.js'
import type { TrustDirectory } from '../trust/index.js'
import { type Certificate, type Crl, parseCertificate } from '../x509/index.js'
import { contextOptions } from './context.js'
import { loadGeneration, type TlsGeneration } from './generation.js'
import { directoryOf, identify } from './identity-source.js'
import { DEFAULT_RECHECK_SECONDS, type TlsOptions } from './options.js'
import { groundsKey, judgePath, trustOf, type Verdict, type Wanted } from './judge.js'
import { forgetPeer, type Peer, provePeer, rememberPeer, requireAllowed } from './peer.js'
import { refusalOf } from './refusal.js'
import { watchFiles } from './watch.js'

/** Somebody who was let in. */
interface Live {
  readonly certificate: Certificate
  readonly wanted: Wanted
  readonly peer: Peer
  readonly verdict: Verdict
}

export class TlsEndpoint {
  readonly #options: TlsOptions
  readonly #sessions: 'none' | 'tickets'
  /** Told whenever a handshake has to be judged by something else than before. */
  readonly #renewed: (context: SecureContextOptions, digest: string) => void
  readonly #crlMemory = createCrlMemory()
  readonly #live = new Map<Socket, Live>()
  readonly #stop: (() => void)[] = []
  #generation: TlsGeneration
  /** What the context in use was made from. */
  #context = ''
  /** Counts what verdicts depend on: one that was begun before a change is begun again after it. */
  #state = 0

  /** @throws what the first generation is refused for: there is none before it that could stay */
  constructor(
    options: TlsOptions,
    sessions: 'none' | 'tickets',
    renewed: (context: SecureContextOptions, digest: string) => void,
  ) {
    this.#options = options
    this.#sessions = sessions
    this.#renewed = renewed
    this.#generation = loadGeneration(options.credential, options.passphrase)
    this.#renew(readClock(options.clock))
    this.#look()
  }

  get live(): Iterable<Socket> {
    return this.#live.keys()
  }

  /**
   * Read the files again, and use them if they are whole; then judge everyone anew who is connected.
   *
   * @throws what the new files are refused for. Then those before stay in use, and everyone is judged by them.
   */
  async reload(): Promise<void> {
    const { credential, passphrase, listener, clock } = this.#options
    try {
      const next = loadGeneration(credential, passphrase, this.#generation)
      if (next.digest !== this.#generation.digest || next.folder !== this.#generation.folder) {
        this.#generation = next
        listener.reloaded?.(next.certificate.serialNumber)
      }
      this.#renew(readClock(clock))
    } catch (error) {
      listener.refused(refusalOf(error))
      throw error
    } finally {
      await this.recheck()
    }
  }

  /** Judge everyone anew who is connected, by files, trust directory, registry and time as they are now. */
  async recheck(): Promise<void> {
    this.#state += 1
    await Promise.all([...this.#live].map(async ([socket, live]) => this.#recheckOne(socket, live)))
  }

  /**
   * Judge who is at the other end, and keep an eye on them from now on.
   *
   * @throws {@link TrustError} `ERR_TLS_HANDSHAKE`, `ERR_TLS_RESUMED`, `ERR_PATH_*`, `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`
   * @throws {@link DeniedError} `ERR_IDENTITY_*`, `ERR_ENTITY_INACTIVE`, `ERR_TLS_PEER_DENIED`
   */
  async admit(socket: TLSSocket, wanted: Wanted): Promise<Peer> {
    const shown = socket.getPeerX509Certificate()
    // SVC-01: of a resumed session without a certificate Node says that it is authorized.
    if (!socket.authorized || shown === undefined) {
      throw new TrustError('ERR_TLS_HANDSHAKE', 'the peer showed no certificate that was verified')
    }
    if (this.#sessions === 'none' && socket.isSessionReused()) {
      throw new TrustError('ERR_TLS_RESUMED', 'the session was resumed, and there should be none to resume')
    }
    const certificate = parseCertificate(shown.raw)
    return this.#judge(certificate, wanted, undefined, (judged) => {
      if (socket.destroyed) throw new TrustError('ERR_TLS_HANDSHAKE', 'the peer has gone')
      this.#live.set(socket, { certificate, wanted, ...judged })
      rememberPeer(socket, judged.peer)
      socket.once('close', () => this.#live.delete(socket))
    })
  }

  /** Whether time alone has ended somebody: asked where something happens on a connection. Ends it. */
  hasEnded(socket: Socket): boolean {
    const live = this.#live.get(socket)
    if (live === undefined) return true
    const at = readClock(this.#options.clock)
    // notAfter names a second; the whole of that second is inside.
    if (at.getTime() < live.peer.until.getTime() + 1000) return false
    this.#end(socket, live, new TrustError('ERR_PATH_EXPIRED', 'the certificate of the peer has expired meanwhile'))
    return true
  }

  /** Stop looking. Who is connected is left to the caller. */
  close(): void {
    for (const stop of this.#stop.splice(0)) stop()
  }

  async #judge(
    certificate: Certificate,
    wanted: Wanted,
    before: Verdict | undefined,
    accept: (judged: Pick<Live, 'peer' | 'verdict'>) => void,
  ): Promise<Peer> {
    const { clock, identify: source } = this.#options
    for (;;) {
      const state = this.#state
      const at = readClock(clock)
      const directory = directoryOf(source, at)
      const grounds = { generation: this.#generation, directory, graceSeconds: this.#graceSeconds }
      const verdict = judgePath(certificate, wanted, grounds, at, this.#crlMemory, before)
      const identity = await identify(verdict.path, source, directory)
      requireAllowed(identity, wanted.allow)
      // Somebody who was revoked while the registry was asked must not slip in, so nothing may come between this and that
      // they are among those who are looked at again.
      if (state !== this.#state) continue
      const peer = provePeer(verdict.path, identity)
      accept({ peer, verdict })
      return peer
    }
  }

  async #recheckOne(socket: Socket, live: Live): Promise<void> {
    try {
      await this.#judge(live.certificate, live.wanted, live.verdict, (judged) => {
        if (!this.#live.has(socket)) return
        this.#live.set(socket, { ...live, ...judged })
        rememberPeer(socket, judged.peer)
      })
    } catch (error) {
      this.#end(socket, live, error)
    }
  }

  #end(socket: Socket, live: Live, error: unknown): void {
    if (!this.#live.delete(socket)) return
    forgetPeer(socket)
    socket.destroy()
    this.#options.listener.peerClosed?.(refusalOf(error), live.peer)
  }

  /** Hand out a new context if something is new that a handshake is judged by, and say which CRLs are over. */
  #renew(at: Date): void {
    const grounds = { generation: this.#generation, directory: this.#directory(at) }
    const trust = trustOf(grounds)
    const over = trust.crls.filter((crl) => crl.currentUntil < at)
    // OpenSSL knows no grace. While CRLs count by grace alone, ours is the only judgement of revocation.
    const crls = over.length > 0 && this.#graceSeconds > 0 ? [] : trust.crls
    const made = `${groundsKey(grounds)} ${crls.length}`
    if (made !== this.#context) {
      const versions = this.#options.versions ?? 'TLSv1.3'
      this.#renewed(contextOptions(this.#generation, { ...trust, crls }, versions, this.#sessions), made)
      this.#context = made
    }
    for (const crl of over) this.#tellStale(crl)
  }

  #tellStale(crl: Crl): void {
    const nextUpdate = crl.currentUntil
    const countsUntil = addSeconds(nextUpdate, this.#graceSeconds).toISOString()
    const details = { issuer: crl.issuer.toString(), nextUpdate: nextUpdate.toISOString(), countsUntil }
    const message = `the CRL of ${details.issuer} ended at ${details.nextUpdate}, and counts until ${countsUntil}`
    this.#options.listener.stale(
      new StaleError('ERR_CRL_STALE', message, { details, hint: 'get current CRLs: signet crl publish' }),
    )
  }

  /** The newest; a directory that cannot be had refuses peers, not us. */
  #directory(at: Date): TrustDirectory | undefined {
    try {
      return directoryOf(this.#options.identify, at)
    } catch (error) {
      this.#options.listener.refused(refusalOf(error))
      return undefined
    }
  }

  get #graceSeconds(): number {
    return this.#options.staleCrlGraceSeconds ?? 0
  }

  #look(): void {
    const { credential, reload = 'watch', recheckSeconds = DEFAULT_RECHECK_SECONDS, listener } = this.#options
    const again = (): void => {
      // Whoever listens was told.
      this.reload().catch(() => undefined)
    }
    const timer = setInterval(again, recheckSeconds * 1000)
    timer.unref()
    this.#stop.push(() => clearInterval(timer))
    if (reload === 'watch') this.#stop.push(watchFiles(credential, again, listener.refused))
  }
}
