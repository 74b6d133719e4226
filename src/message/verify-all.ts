/**
 * Verifying many messages on all processor cores: their signatures on other threads, everything else here, the verdicts in
 * the order of the messages.
 *
 * @module message/verify-all (floor 7)
 */
import { sharedCopy } from '../asn1/index.js'
import { verifyCheck } from '../cms/index.js'
import type { SignaturePool } from '../crypto/index.js'
import { isSignetError } from '../errors/index.js'
import type { MessagePolicy } from './message-policy.js'
import { type Observation, refusalOf } from './verifier.js'
import { acceptMessage, prepareMessage, type PreparedMessage, requireSignature } from './verify.js'

/** A message as it came in. */
export interface IncomingMessage {
  readonly der: Uint8Array
  /** The payload of a detached message. */
  readonly content?: Uint8Array
}

/** Messages that are ahead of the oldest one without a verdict. */
const MAX_AHEAD = 512
/** Signatures that this thread verifies before it looks after the others: some two milliseconds. */
const MAX_IN_A_ROW = 24

/**
 * Verify messages, as `verifyMessage` does, and tell of each what came of it, in their order.
 *
 * No more are taken than the verdicts that are fetched leave room for. The replay memory is asked in the order of the
 * messages, so that of two that are the same the first is the fresh one.
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
  try {
    for await (const message of messages) {
      const pending = begin(message, policy(), pool)
      ahead.push(pending)
      inARow = pending.isDone ? inARow + 1 : 0
      // The event loop carries the answers of the others.
      if (inARow >= MAX_IN_A_ROW) inARow = await turn()
      while (ahead.length > 0 && (ahead.length >= MAX_AHEAD || ahead[0]?.isDone === true)) yield await next(ahead)
    }
    while (ahead.length > 0) yield await next(ahead)
  } finally {
    // Who stops early leaves nobody's answer unheard.
    for (const { outcome } of ahead) void outcome.catch(() => undefined)
  }
}

/** A message that is on its way. */
interface Pending {
  /** Whether its signature was verified here, so that nothing has to be waited for. */
  readonly isDone: boolean
  readonly outcome: Promise<PreparedMessage>
  readonly policy: MessagePolicy
}

function begin({ der, content }: IncomingMessage, policy: MessagePolicy, pool: SignaturePool): Pending {
  // Between signature and verdict whoever sent the octets may write others over them.
  const copy = sharedCopy(der)
  let isDone = true
  const examine = async (): Promise<PreparedMessage> => {
    const prepared = prepareMessage(copy, content, policy)
    isDone = pool.isBusy
    requireSignature(
      isDone ? verifyCheck(prepared.examined.check) : await pool.verify(prepared.examined.check),
      prepared,
    )
    return prepared
  }
  // It runs to its first wait before it returns.
  const outcome = examine()
  outcome.catch(() => undefined)
  return { isDone, outcome, policy }
}

async function next(ahead: Pending[]): Promise<Observation> {
  const [pending] = ahead.splice(0, 1)
  if (pending === undefined) throw new RangeError('nothing is on its way')
  try {
    return { verdict: 'verified', message: await acceptMessage(await pending.outcome, pending.policy) }
  } catch (error) {
    if (!isSignetError(error) || error.category === 'usage' || error.category === 'internal') throw error
    return { verdict: refusalOf(error), error }
  }
}

function turn(): Promise<0> {
  return new Promise((resolve) => setImmediate(resolve, 0))
}
