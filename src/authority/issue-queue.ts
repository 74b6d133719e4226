/**
 * Certificates for whoever asks, one by one, at the price of few commits: requests that come while others are being made
 * wait, and are made together.
 *
 * @module authority/issue-queue (floor 7)
 */
import { isSignetError, LimitError } from '../errors/index.js'
import { issueCertificates, type IssuedCertificate } from './issue.js'
import type { IssueRequest, IssuingAuthority } from './plan.js'

/** Certificates of one group: about a tenth of a second of work, which is what the last of them waits for. */
export const QUEUE_GROUP = 256
/** Requests that wait. More are refused at once rather than late. */
export const MAX_WAITING = 10_000

interface Waiting {
  readonly request: IssueRequest
  readonly resolve: (issued: IssuedCertificate) => void
  readonly reject: (error: unknown) => void
}

/** Group commit: each caller is answered when its own group is durable, and not before. */
export class IssueQueue {
  readonly #open: () => Promise<IssuingAuthority>
  readonly #issue: typeof issueCertificates
  #waiting: Waiting[] = []
  #working: Promise<void> | undefined

  /**
   * @param open - Asked for each group: the time, and CRLs that are current at it.
   * @param issue - What is done with a group. Default: a first issuance; `renewCertificates` is the other.
   */
  constructor(open: () => Promise<IssuingAuthority>, issue: typeof issueCertificates = issueCertificates) {
    this.#open = open
    this.#issue = issue
  }

  /**
   * Issue one certificate.
   *
   * What is wrong with one request is told to whoever made it, and to nobody else.
   *
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` if {@link MAX_WAITING} wait already
   * @throws as `issueCertificates`
   */
  async issue(request: IssueRequest): Promise<IssuedCertificate> {
    if (this.#waiting.length >= MAX_WAITING) throw tooMany()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject })
      this.#working ??= this.#work().finally(() => (this.#working = undefined))
    })
  }

  /** Wait until nothing is left to do. */
  async drained(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  async #work(): Promise<void> {
    // Whoever asks in the same turn is in the first group already.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#makeGroup(this.#waiting.splice(0, QUEUE_GROUP))
  }

  async #makeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const issued = await this.#issue(
        await this.#open(),
        group.map(({ request }) => request),
      )
      for (const [index, { resolve }] of group.entries()) resolve(issued[index] as IssuedCertificate)
    } catch (error) {
      if (group.length === 1 || !isFaultOfOne(error)) {
        for (const { reject } of group) reject(error)
        return
      }
      // Nothing was handed out. Each half is made anew, until only who is at fault hears of it.
      const middle = group.length >> 1
      await this.#makeGroup(group.slice(0, middle))
      await this.#makeGroup(group.slice(middle))
    }
  }
}

/** Whether a request may be to blame: not where the store, the key or the issuing CA fails, which fails for all. */
function isFaultOfOne(error: unknown): boolean {
  return isSignetError(error) && ['denied', 'state', 'encoding'].includes(error.category)
}

function tooMany(): LimitError {
  return new LimitError('ERR_LIMIT_EXCEEDED', `more than ${MAX_WAITING} requests for certificates wait`, {
    details: { limit: String(MAX_WAITING) },
    hint: 'ask again later',
  })
}
