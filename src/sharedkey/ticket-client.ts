/**
 * The side of the key server's clients: tickets and group keys, asked for once and kept until they expire.
 *
 * @module sharedkey/ticket-client (floor 7.1)
 */
import type { SecretKey } from '../crypto/index.js'
import { TrustError } from '../errors/index.js'
import type { KeyService } from './key-server.js'
import { formatKeyName, requireName } from './names.js'
import { type NamedKey, openGroupKey, openTicket, type ResponseMetadata, signRequest, type Ticket } from './tickets.js'

export class TicketClient {
  readonly #self: NamedKey
  readonly #service: KeyService
  readonly #tickets = new Map<string, Ticket>()
  readonly #groupKeys = new Map<string, ResponseMetadata & { readonly key: SecretKey }>()

  /** @param self - The client's own name and key, which the server has, too. */
  constructor(self: NamedKey, service: KeyService) {
    requireName(self.name)
    this.#self = self
    this.#service = service
  }

  get self(): NamedKey {
    return this.#self
  }

  /**
   * A ticket to a destination, which is a name or a group.
   *
   * @throws {@link TrustError} `ERR_SHAREDKEY_MAC`, `ERR_SHAREDKEY_UNKNOWN`, and what the key service throws
   */
  async ticket(destination: string, at: Date): Promise<Ticket> {
    const kept = this.#tickets.get(destination)
    if (kept !== undefined && at < kept.expiration) return kept
    const request = signRequest(this.#self, { destination, at })
    const ticket = openTicket(await this.#service.issueTicket(request, at), this.#self.key)
    this.#requireMine(ticket, at)
    if (ticket.destination.name !== destination) throw another('ticket', ticket)
    this.#tickets.set(destination, ticket)
    return ticket
  }

  /** The key of one generation of a group, for its members. */
  async groupKey(group: string, generation: number, at: Date): Promise<SecretKey> {
    const destination = formatKeyName({ name: group, generation })
    const kept = this.#groupKeys.get(destination)
    if (kept !== undefined) return kept.key
    const request = signRequest(this.#self, { destination, at })
    const answer = openGroupKey(await this.#service.issueGroupKey(request, at), this.#self.key)
    this.#requireMine(answer, undefined)
    if (formatKeyName(answer.destination) !== destination) throw another('group key', answer)
    for (const [name, { expiration }] of this.#groupKeys) if (expiration < at) this.#groupKeys.delete(name)
    this.#groupKeys.set(destination, answer)
    return answer.key
  }

  /** An old answer has a MAC that is right, too. */
  #requireMine(answer: ResponseMetadata, at: Date | undefined): void {
    const { source, expiration } = answer
    if (formatKeyName(source) !== formatKeyName(this.#self)) throw another('ticket', answer)
    if (at !== undefined && !(at < expiration)) throw another('ticket', answer)
  }
}

function another(what: string, { source, destination, expiration }: ResponseMetadata): TrustError {
  return new TrustError(
    'ERR_SHAREDKEY_UNKNOWN',
    `the key server answered with another ${what} than the one asked for`,
    {
      details: {
        source: formatKeyName(source),
        destination: formatKeyName(destination),
        expiration: expiration.toISOString(),
      },
      hint: 'an old answer was replayed, or this node has another generation of its key than the server',
    },
  )
}
