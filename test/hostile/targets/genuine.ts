/**
 * What was really signed, in a form that can be compared: whatever verifies must be one of these.
 *
 * @module test/hostile/targets/genuine
 */
import type { VerifiedSignedData } from '../../../src/cms/index.js'
import type { VerifiedMessage } from '../../../src/message/index.js'
import type { TrustDirectory } from '../../../src/trust/index.js'
import { Violation } from '../attempt.js'

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Everything that a receiver learns from a message. */
export function messageView({ content, context, signer, certificate, signingTime }: VerifiedMessage): string {
  const { messageId, ...rest } = context
  return JSON.stringify([toHex(content), toHex(messageId), rest, signer, certificate.fingerprint, signingTime])
}

/** What a verifier learns about each signer. That others signed, too, is not signed. */
export function signerViews({ content, contentType, signers }: VerifiedSignedData): readonly string[] {
  return signers.map(({ certificate, digest, signingTime }) =>
    JSON.stringify([toHex(content), contentType, certificate.fingerprint, digest, signingTime]),
  )
}

/** Everything that a receiver learns from a trust directory. */
export function directoryView(directory: TrustDirectory): string {
  const { digest, trustDomain, sequence, issuedAt, nextUpdate, anchors, authorities, crls, signers } = directory
  return JSON.stringify([
    digest,
    [trustDomain, sequence, issuedAt, nextUpdate],
    [...anchors, ...authorities].map(({ fingerprint }) => fingerprint),
    crls.map(({ der }) => toHex(der)),
    signers.map(({ identity, certificate }) => [identity, certificate.fingerprint]),
  ])
}

/** Things that exist. */
export class Genuine {
  readonly #what: string
  readonly #known = new Set<string>()

  constructor(what: string, items: Iterable<string>) {
    this.#what = what
    for (const item of items) this.#known.add(item)
  }

  /** @throws {@link Violation} for one that nobody made */
  require(item: string): void {
    if (!this.#known.has(item))
      throw new Violation(`${this.#what} was believed that nobody made: ${item.slice(0, 4000)}`)
  }
}
