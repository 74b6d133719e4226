/**
 * What a validated path says that a rule can ask for, taken from the decoded structures once.
 *
 * @module identity/certificate-facts (floor 5)
 */
import { hash } from 'node:crypto'
import { TAG } from '../asn1/index.js'
import type { ValidatedPath } from '../path/index.js'
import { type NameAttribute, principalName, type RelativeDistinguishedName } from '../x509/index.js'
import { componentsOf, type NameKind } from './name-syntax.js'
import type { Components } from './pattern.js'

export class CertificateFacts {
  readonly #path: ValidatedPath
  readonly #names = new Map<NameKind, readonly Components[]>()
  #issuerKey: string | undefined

  constructor(path: ValidatedPath) {
    this.#path = path
  }

  /** SHA-256 of the public key of the CA that issued the certificate, lower-case hexadecimal. */
  get issuerKey(): string {
    return (this.#issuerKey ??= hash('sha256', this.#path.issuer.spkiDer, 'hex'))
  }

  /** Every alternative name of one kind, in order. One that is malformed has no components, and counts. */
  names(kind: NameKind): readonly Components[] {
    const known = this.#names.get(kind)
    if (known !== undefined) return known
    const names = this.#path.target.subjectAltName.flatMap((name): readonly Components[] => {
      if (name.kind === kind) return [componentsOf(kind, name.value)]
      if (name.kind !== 'other' || (kind !== 'upn' && kind !== 'kerberos')) return []
      const principal = principalName(name)
      if (principal?.kind !== kind) return []
      return [
        principal.kind === 'upn' ? componentsOf(kind, principal.value) : [principal.realm, ...principal.components],
      ]
    })
    this.#names.set(kind, names)
    return names
  }

  /** Every IP address: 4 or 16 octets. */
  get addresses(): readonly Uint8Array[] {
    return this.#path.target.subjectAltName.flatMap((name) => (name.kind === 'ip' ? [name.octets] : []))
  }

  get rdns(): readonly RelativeDistinguishedName[] {
    return this.#path.target.subject.rdns
  }

  /** Extended key purposes that the certificate names. Absent means none, and anyExtendedKeyUsage is only itself. */
  get purposes(): ReadonlySet<string> {
    return this.#path.target.extKeyUsage ?? new Set()
  }

  /** Certificate policies for which the path is valid. */
  get policies(): readonly string[] {
    return this.#path.policies
  }
}

/** The text of an attribute, if it has one on which all agree: of TeletexString, RFC 5280 §7.1 says nothing. */
export function textOf({ text, valueDer }: NameAttribute): string | undefined {
  return valueDer[0] === TAG.teletexString ? undefined : text
}
