/**
 * What may be signed. A profile, the registry and the authority's own constraints decide what goes into a certificate;
 * from whoever asks, only the public key does.
 *
 * @module authority/approve (floor 7)
 */
import { encodeSequence, OID } from '../asn1/index.js'
import type { PublicKey, SignatureAlgorithm } from '../crypto/index.js'
import { keyIdentifierOf } from '../crypto/index.js'
import { DeniedError } from '../errors/index.js'
import { commonNameOf, type Identity } from '../identity/index.js'
import {
  buildName,
  type Certificate,
  type CertificateTemplate,
  type CertificationRequest,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeOcspNoCheck,
  encodeRdn,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  type GeneralName,
  type KeyUsage,
  TbsFrame,
} from '../x509/index.js'
import { type Named, nameChecker, subjectNames } from './approve-names.js'
import { type Validity, validityFor } from './approve-validity.js'
import { checkWishes } from './approve-wishes.js'
import { keyUsageFor, type Profile } from './profiles.js'

/** Who shall be certified, and for what. */
export interface ApprovalRequest extends Named {
  readonly publicKey: PublicKey
  /** The request of the key's holder, if there is one: what it asks for is compared, never copied. */
  readonly certificationRequest?: CertificationRequest
  /** Lifetime asked for. Default: that of the profile, cut to the life of the issuer. */
  readonly validitySeconds?: number
  readonly serialNumberOctets: Uint8Array
  readonly at: Date
}

/** The authority that would sign. */
export interface Issuer {
  readonly certificate: Certificate
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly organization: string
}

let approve: (tbsDer: Uint8Array, template: () => CertificateTemplate, kind: Kind) => ApprovedCertificate

/** A certificate that was approved, before its signature. Only an {@link Approver} makes one; it can be taken once. */
export class ApprovedCertificate {
  static {
    approve = (tbsDer, template, kind) => new ApprovedCertificate(tbsDer, template, kind)
  }
  readonly profile: Profile
  /** Whether the life of the issuer cut the profile's short. */
  readonly shortened: boolean
  readonly #template: () => CertificateTemplate
  #tbsDer: Uint8Array | undefined

  private constructor(tbsDer: Uint8Array, template: () => CertificateTemplate, { profile, validity }: Kind) {
    this.#tbsDer = tbsDer
    this.#template = template
    this.profile = profile
    this.shortened = validity.shortened
  }

  /** What was approved, field by field: the same as the octets. */
  get template(): CertificateTemplate {
    return this.#template()
  }

  /** The octets to sign, once. */
  take(): Uint8Array {
    const tbsDer = this.#tbsDer
    if (tbsDer === undefined) throw new DeniedError('ERR_ISSUE_PROFILE', 'an approval is used once')
    this.#tbsDer = undefined
    return tbsDer
  }
}

/**
 * Approve a certificate, or say why not.
 *
 * @throws as {@link Approver.approve}
 */
export function approveCertificate(issuer: Issuer, request: ApprovalRequest): ApprovedCertificate {
  return new Approver(issuer, request.at).approve(request)
}

/** Certificates that differ only in whom they name, and in their keys. */
interface Kind {
  readonly profile: Profile
  readonly validity: Validity
  readonly frame: TbsFrame
  /** Extensions before, between and after those of one's own: subjectKeyIdentifier and subjectAltName. */
  readonly first: readonly Uint8Array[]
  readonly between: Uint8Array
  readonly last: readonly Uint8Array[]
}

/** Services whose names are kept encoded. A deployment has a handful; a registry may have as many as entities. */
const MAX_SERVICES = 1000

/** Approves certificates at one instant; what many have in common is worked out once. */
export class Approver {
  readonly #issuer: Issuer
  readonly #at: Date
  readonly #checkNames: (names: readonly GeneralName[]) => void
  readonly #authorityKeyIdentifier: Uint8Array
  readonly #kinds = new Map<string, Kind>()
  readonly #services = new Map<string, readonly Uint8Array[]>()

  constructor(issuer: Issuer, at: Date) {
    const { certificate } = issuer
    this.#issuer = issuer
    this.#at = at
    this.#checkNames = nameChecker(certificate)
    this.#authorityKeyIdentifier = encodeAuthorityKeyIdentifier(
      certificate.subjectKeyIdentifier ?? keyIdentifierOf(certificate.publicKey),
    )
  }

  /**
   * Approve a certificate, or say why not.
   *
   * @throws {@link DeniedError} `ERR_ISSUE_NAME`, `ERR_ISSUE_VALIDITY`, `ERR_ISSUE_PROFILE`, `ERR_CSR_EXTENSION`
   * @see RFC 5280 §4.2
   */
  approve(request: Omit<ApprovalRequest, 'at'>): ApprovedCertificate {
    const { profile, identity, publicKey, serialNumberOctets, certificationRequest } = request
    const names = subjectNames(request)
    this.#checkNames(names)
    const keyUsage = keyUsageFor(profile, publicKey)
    if (certificationRequest !== undefined) checkWishes(certificationRequest, profile, keyUsage, names)
    const kind = this.#kindOf(request, keyUsage)
    const { spkiDer } = publicKey
    const extensionsDer = [
      ...kind.first,
      encodeSubjectKeyIdentifier(keyIdentifierOf(publicKey)),
      kind.between,
      encodeSubjectAltName(names, false),
      ...kind.last,
    ]
    const subjectDer = this.#subjectDer(identity)
    const tbsDer = kind.frame.encode({ serialNumberOctets, subjectDer, spkiDer, extensionsDer })
    const template = (): CertificateTemplate => ({
      serialNumberOctets,
      signatureAlgorithm: this.#issuer.signatureAlgorithm,
      issuer: this.#issuer.certificate.subject,
      notBefore: kind.validity.notBefore,
      notAfter: kind.validity.notAfter,
      subject: buildName(this.#attributes(identity)),
      spkiDer,
      extensionsDer,
    })
    return approve(tbsDer, template, kind)
  }

  #kindOf({ profile, validitySeconds }: Omit<ApprovalRequest, 'at'>, keyUsage: readonly KeyUsage[]): Kind {
    const key = JSON.stringify([profile.name, keyUsage, validitySeconds])
    let kind = this.#kinds.get(key)
    // A profile is data that whoever calls may have made; its name alone is no proof that it is the same.
    if (kind?.profile !== profile) this.#kinds.set(key, (kind = this.#makeKind(profile, validitySeconds, keyUsage)))
    return kind
  }

  #makeKind(profile: Profile, validitySeconds: number | undefined, keyUsage: readonly KeyUsage[]): Kind {
    const { certificate, signatureAlgorithm } = this.#issuer
    const asked = validitySeconds === undefined ? {} : { validitySeconds }
    const validity = validityFor(certificate, { profile, at: this.#at, ...asked })
    const { notBefore, notAfter } = validity
    const first = [
      encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
      encodeKeyUsage(keyUsage),
      encodeExtKeyUsage(profile.extKeyUsage),
    ]
    return {
      profile,
      validity,
      frame: new TbsFrame({ signatureAlgorithm, issuer: certificate.subject, notBefore, notAfter }),
      first,
      between: this.#authorityKeyIdentifier,
      last: profile.ocspNoCheck === true ? [encodeOcspNoCheck()] : [],
    }
  }

  /**
   * Readable, and nothing decides by it: organization, service, entity. Single-valued RDNs of plain ASCII, which every
   * server prints alike.
   */
  #attributes({ service, entity }: Identity): readonly (readonly [type: string, text: string])[] {
    return [
      [OID.organizationName, this.#issuer.organization],
      [OID.organizationalUnitName, service],
      [OID.commonName, commonNameOf(entity)],
    ]
  }

  /** As {@link buildName} encodes it; what comes before the entity is the same for all of one service. */
  #subjectDer(identity: Identity): Uint8Array {
    const { service } = identity
    let head = this.#services.get(service)
    if (head === undefined) {
      head = this.#attributes(identity)
        .slice(0, -1)
        .map(([type, text]) => encodeRdn(type, text))
      if (this.#services.size === MAX_SERVICES) this.#services.clear()
      this.#services.set(service, head)
    }
    return encodeSequence(...head, encodeRdn(OID.commonName, commonNameOf(identity.entity)))
  }
}
