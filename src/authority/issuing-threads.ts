/**
 * The threads that help an authority to issue many certificates. They are kept from one call to the next: what a thread runs is
 * compiled for it alone, which takes as long as a thousand certificates.
 *
 * @module authority/issuing-threads (floor 7)
 */
import { KeyMaker } from '../crypto/index.js'
import { StrangerThread } from './stranger-thread.js'

/** Nothing is started before many certificates are issued, and nothing keeps the process alive. */
export class IssuingThreads {
  readonly keys = new KeyMaker()
  readonly strangers = new StrangerThread()

  /** End them. */
  async close(): Promise<void> {
    await Promise.all([this.keys.close(), this.strangers.close()])
  }
}
