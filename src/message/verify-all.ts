/**
 * Verifying many messages on all processor cores: their signatures on other threads, everything else here, the verdicts in
 * the order of the messages.
 *
 * @module message/verify-all (floor 7)
 */
import { sharedCopy } from '../asn1/index.js'
import type { SignatureAsker, SignaturePool } from '../crypto/index.js'
import { isSignetError } from '../errors/index.js'
import type { MessagePolicy } from './message-policy.js'
import { type Observation, refusalOf } from './verifier.js'
import {
  acceptMessage,
  prepareMessage,
  type PreparedMessage,
  requireSignature,
  type VerifiedMessage,
} from './verify.js'

/** A message as it came in. */
export interface IncomingMessage {
  readonly der: Uint8Array
  /** The payload of a detached message. */
  readonly content?: Uint8Array
}

/** Messages that are ahead of the oldest one without a verdict. More would not be near any more when their turn comes. */
const MAX_AHEAD = 256
/** Signatures that this thread verifies before it looks after the others: some two milliseconds. */
const MAX_IN_A_ROW = 24

/**
 * Verify messages, as `verifyMessage` does, and tell of each what came of it, in their order.
 *
 * No more are taken than the verdicts that are fetched leave room for; a source that waits holds back the verdicts of
 * those before. The replay memory is asked in the order of the messages, so that of two that are the same the first is
 * the fresh one.
 *
 * @param policy - Asked for each message when its signature is to be verified, as its time is another. The same is used for
 * the whole of that message.
 * @throws as `MessageVerifier.observe`: what is a bug, and {@link UsageError} for a policy that does not say what it wants
 */
export async function* verifyAll(
  messages: Iterable<IncomingMessage> | AsyncIterable<IncomingMessage>,
  policy: () => MessagePolicy,
  pool: SignaturePool,
): AsyncGenerator<Observation, void, undefined> {
  const ahead: Pending[] = []
  let inARow = 0
  const help = async (): Promise<boolean> => {
    const helped = pool.help()
    if (helped && ++inARow >= MAX_IN_A_ROW) inARow = await turn()
    return helped
  }
  const answer = async (pending: Pending): Promise<Observation> => {
    while (!pending.isDone && (await help()));
    // What is left to do, others are at.
    if (!pending.isDone) await pending.done()
    return verdictOf(pending)
  }
  for await (const message of messages) {
    ahead.push(new Pending(message, policy(), pool))
    if (pool.isBusy) await help()
    while (ahead[0]?.isDone === true || ahead.length >= MAX_AHEAD) yield await answer(ahead.shift() as Pending)
  }
  for (const pending of ahead) yield await answer(pending)
}

/** A message that is on its way: it asks the pool, and is told. */
class Pending implements SignatureAsker {
  readonly #policy: MessagePolicy
  #prepared: PreparedMessage | undefined
  #outcome: { readonly verifies: boolean } | { readonly error: unknown } | undefined
  #waiting: (() => void) | undefined

  constructor({ der, content }: IncomingMessage, policy: MessagePolicy, pool: SignaturePool) {
    this.#policy = policy
    try {
      // Between signature and verdict whoever sent the octets may write others over them.
      this.#prepared = prepareMessage(sharedCopy(der), content, policy)
      pool.ask(this.#prepared.examined.check, this)
    } catch (error) {
      this.failed(error)
    }
  }

  get isDone(): boolean {
    return this.#outcome !== undefined
  }

  answered(verifies: boolean): void {
    this.#end({ verifies })
  }

  failed(error: unknown): void {
    this.#end({ error })
  }

  /** Wait until the pool has answered. */
  async done(): Promise<void> {
    if (!this.isDone) await new Promise<void>((resolve) => (this.#waiting = resolve))
  }

  /** @throws what refused it */
  accept(): Promise<VerifiedMessage> {
    const [prepared, outcome] = [this.#prepared, this.#outcome]
    if (outcome !== undefined && 'error' in outcome) throw outcome.error
    if (prepared === undefined || outcome === undefined) throw new RangeError('nobody has answered')
    requireSignature(outcome.verifies, prepared)
    return acceptMessage(prepared, this.#policy)
  }

  #end(outcome: { readonly verifies: boolean } | { readonly error: unknown }): void {
    this.#outcome = outcome
    this.#waiting?.()
  }
}

async function verdictOf(pending: Pending): Promise<Observation> {
  try {
    return { verdict: 'verified', message: await pending.accept() }
  } catch (error) {
    if (!isSignetError(error) || error.category === 'usage' || error.category === 'internal') throw error
    return { verdict: refusalOf(error), error }
  }
}

function turn(): Promise<0> {
  return new Promise((resolve) => setImmediate(resolve, 0))
}
