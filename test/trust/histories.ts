/**
 * A deployment that publishes one trust directory after another.
 *
 * ```ts
 * const history = await makeHistory(world)
 * const first = await history.publish([alice])
 * const second = await history.publish([alice, bob])
 * const delta = await history.delta(first, second)
 * ```
 */
import { addSeconds, MINUTE } from '../../src/time/index.js'
import {
  openPastTrustDirectory,
  signTrustDelta,
  signTrustDirectory,
  type TrustDirectory,
  type TrustDocument,
} from '../../src/trust/index.js'
import { type Holder, NOW } from '../support/certificates.js'
import { type Sender, trustDocument, type World } from '../support/messages.js'

export interface Publication {
  readonly der: Uint8Array
  readonly directory: TrustDirectory
}

export class History {
  readonly #world: World
  #sequence = 0

  constructor(world: World) {
    this.#world = world
  }

  /** The next directory; each is issued a minute after the one before. */
  async publish(senders: readonly Sender[], overrides: Partial<TrustDocument> = {}): Promise<Publication> {
    const sequence = ++this.#sequence
    const document = trustDocument(this.#world, senders, {
      sequence,
      issuedAt: addSeconds(NOW, (sequence - 1) * MINUTE),
      ...overrides,
    })
    const der = await signTrustDirectory(document, this.#world.publisher)
    return { der, directory: openPastTrustDirectory(der, this.#world.root.certificate.fingerprint) }
  }

  delta(from: Publication, to: Publication, publisher: Holder = this.#world.publisher): Promise<Uint8Array> {
    return signTrustDelta(from.directory, to.directory, to.der, publisher)
  }
}
