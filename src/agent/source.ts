/**
 * Who issues: an authority on this machine, or a program that stands for one elsewhere. Either gets a request, and never a
 * private key.
 *
 * @module agent/source (floor 7.4)
 */
import type { Profile } from '../authority/index.js'
import type { Identity } from '../identity/index.js'
import type { Certificate, Crl } from '../x509/index.js'

/** What is asked for. */
export interface CredentialRequest {
  readonly entity: string
  readonly profile: Profile
  /** PKCS #10 in PEM, signed with the new key. */
  readonly requestPem: string
  /** Whether there is no certificate yet: what is renewed must be good, what is first need not be there. */
  readonly isFirst: boolean
}

/** What came. None of it is believed before it was validated. */
export interface IssuedChain {
  /** The certificate first, then CAs. */
  readonly certificates: readonly Certificate[]
  /** Who it is, where the source knows more than the certificate says. */
  readonly identity?: Identity
}

/** Whom to trust, by a source that is believed. */
export interface SourceTrust {
  /** Roots among them. */
  readonly cas: readonly Certificate[]
  readonly crls: readonly Crl[]
}

/** Who issues. An implementation needs to be right only in what it asks: what it returns is checked. */
export interface CredentialSource {
  /** @throws what the source refuses */
  obtain(request: CredentialRequest): Promise<IssuedChain>
  /** What it knows of whom to trust, apart from what it issues. Default: nothing. */
  trust?(): Promise<SourceTrust>
}
