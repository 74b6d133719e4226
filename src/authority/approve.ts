/**
 * What may be signed. A profile, the registry and the authority's own constraints decide what goes into a certificate;
 * from whoever asks, only the public key does.
 *
 * @module authority/approve (floor 7)
 */
import { OID, oidName } from '../asn1/index.js'
import type { PublicKey, SignatureAlgorithm } from '../crypto/index.js'
import { keyIdentifierOf } from '../crypto/index.js'
import { DeniedError } from '../errors/index.js'
import { commonNameOf, type Identity } from '../identity/index.js'
import { NameConstraintState } from '../path/index.js'
import { addSeconds, formatDuration, MINUTE } from '../time/index.js'
import {
  buildName,
  type Certificate,
  type CertificateTemplate,
  type CertificationRequest,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeGeneralName,
  encodeKeyUsage,
  encodeOcspNoCheck,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  formatGeneralName,
  type GeneralName,
  hex,
  type KeyUsage,
  type Name,
  parseIpAddress,
  readBasicConstraints,
  readExtensionValue,
  readExtKeyUsage,
  readKeyUsage,
  readSubjectAltName,
} from '../x509/index.js'
import { keyUsageFor, type Profile } from './profiles.js'

/** Clocks differ: certificates begin this long before they are made. */
export const BACKDATE_SECONDS = 5 * MINUTE

/** Who shall be certified, and for what. */
export interface ApprovalRequest {
  readonly profile: Profile
  readonly identity: Identity
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
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

let approve: (
  tbsDer: Uint8Array,
  template: CertificateTemplate,
  profile: Profile,
  shortened: boolean,
) => ApprovedCertificate

/** A certificate that was approved, before its signature. Only {@link approveCertificate} makes one; it can be taken once. */
export class ApprovedCertificate {
  static {
    approve = (tbsDer, template, profile, shortened) => new ApprovedCertificate(tbsDer, template, profile, shortened)
  }
  readonly template: CertificateTemplate
  readonly profile: Profile
  /** Whether the life of the issuer cut the profile's short. */
  readonly shortened: boolean
  #tbsDer: Uint8Array | undefined

  private constructor(tbsDer: Uint8Array, template: CertificateTemplate, profile: Profile, shortened: boolean) {
    this.#tbsDer = tbsDer
    this.template = template
    this.profile = profile
    this.shortened = shortened
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
 * @throws {@link DeniedError} `ERR_ISSUE_NAME`, `ERR_ISSUE_VALIDITY`, `ERR_ISSUE_PROFILE`, `ERR_CSR_EXTENSION`
 * @see RFC 5280 §4.2
 */
export function approveCertificate(issuer: Issuer, request: ApprovalRequest): ApprovedCertificate {
  const { profile, identity, publicKey } = request
  const names = subjectNames(request)
  checkNames(names, issuer.certificate)
  const keyUsage = keyUsageFor(profile, publicKey)
  if (request.certificationRequest !== undefined) checkWishes(request.certificationRequest, profile, keyUsage, names)
  const { notBefore, notAfter, shortened } = validity(request, issuer.certificate)
  const template: CertificateTemplate = {
    serialNumberOctets: request.serialNumberOctets,
    signatureAlgorithm: issuer.signatureAlgorithm,
    issuer: issuer.certificate.subject,
    notBefore,
    notAfter,
    subject: subjectName(issuer.organization, identity),
    spkiDer: publicKey.spkiDer,
    extensionsDer: [
      encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
      encodeKeyUsage(keyUsage),
      encodeExtKeyUsage(profile.extKeyUsage),
      encodeSubjectKeyIdentifier(keyIdentifierOf(publicKey)),
      encodeAuthorityKeyIdentifier(
        issuer.certificate.subjectKeyIdentifier ?? keyIdentifierOf(issuer.certificate.publicKey),
      ),
      encodeSubjectAltName(names, false),
      ...(profile.ocspNoCheck === true ? [encodeOcspNoCheck()] : []),
    ],
  }
  return approve(encodeTbsCertificate(template), template, profile, shortened)
}

function subjectNames({ profile, identity, dnsNames, ipAddresses }: ApprovalRequest): readonly GeneralName[] {
  const names: GeneralName[] = [{ kind: 'uri', value: identity.uri }]
  if (profile.names === 'hosts') {
    for (const value of dnsNames) names.push({ kind: 'dns', value })
    for (const address of ipAddresses) {
      const octets = parseIpAddress(address)
      if (octets === undefined) throw new DeniedError('ERR_ISSUE_NAME', `not an IP address: ${address}`)
      names.push({ kind: 'ip', octets })
    }
  }
  if (profile.needsHost && names.length === 1) {
    throw new DeniedError('ERR_ISSUE_PROFILE', `the profile ${profile.name} needs a host name or address`, {
      details: { entity: identity.entity, profile: profile.name },
      hint: 'register the entity with --dns or --ip',
    })
  }
  return names
}

/**
 * Readable, and nothing decides by it: organization, service, entity. Single-valued RDNs of plain ASCII, which every
 * server prints alike.
 */
function subjectName(organization: string, identity: Identity): Name {
  return buildName([
    [OID.organizationName, organization],
    [OID.organizationalUnitName, identity.service],
    [OID.commonName, commonNameOf(identity.entity)],
  ])
}

/** Each name by itself against the constraints of the issuer, as a verifier will. */
export function checkNames(names: readonly GeneralName[], issuer: Certificate): void {
  const constraints = issuer.nameConstraints
  for (const name of names) {
    const state = new NameConstraintState()
    state.add(constraints)
    if (!state.allows(name)) {
      throw new DeniedError('ERR_ISSUE_NAME', `this authority may not certify ${formatGeneralName(name)}`, {
        details: {
          name: formatGeneralName(name),
          permitted: (constraints?.permitted ?? []).map(formatGeneralName).join(', '),
        },
        hint: `it may certify ${(constraints?.permitted ?? []).map(formatGeneralName).join(', ')}`,
      })
    }
  }
}

/**
 * What a request asks for must be part of what the profile grants anyway; all else is refused, not dropped, so that
 * nobody believes to have got it.
 */
function checkWishes(
  request: CertificationRequest,
  profile: Profile,
  keyUsage: readonly KeyUsage[],
  names: readonly GeneralName[],
): void {
  const granted = new Set(names.map((name) => hex(encodeGeneralName(name))))
  const isGranted = (name: GeneralName): boolean =>
    (name.kind === 'uri' || name.kind === 'dns' || name.kind === 'ip') && granted.has(hex(encodeGeneralName(name)))
  for (const extension of request.extensions.values()) {
    const refuse = (what: string): DeniedError =>
      new DeniedError(
        'ERR_CSR_EXTENSION',
        `the request asks for ${what}, which the profile ${profile.name} does not grant`,
        {
          details: { extension: oidName(extension.oid), profile: profile.name },
          hint: 'make the request without extensions: the registry decides what goes into the certificate',
        },
      )
    switch (extension.oid) {
      case OID.subjectAltName: {
        const stranger = readExtensionValue(extension, readSubjectAltName).find((name) => !isGranted(name))
        if (stranger !== undefined) throw refuse(formatGeneralName(stranger))
        break
      }
      case OID.keyUsage: {
        const stranger = [...readExtensionValue(extension, readKeyUsage)].find((usage) => !keyUsage.includes(usage))
        if (stranger !== undefined) throw refuse(`the key usage ${stranger}`)
        break
      }
      case OID.extKeyUsage: {
        const stranger = [...readExtensionValue(extension, readExtKeyUsage)].find(
          (oid) => !profile.extKeyUsage.includes(oid),
        )
        if (stranger !== undefined) throw refuse(`the purpose ${oidName(stranger)}`)
        break
      }
      case OID.basicConstraints:
        if (readExtensionValue(extension, readBasicConstraints).ca) throw refuse('to be a CA')
        break
      case OID.subjectKeyIdentifier:
        // Only names the key; the authority computes its own.
        break
      default:
        throw refuse(`the extension ${oidName(extension.oid)}`)
    }
  }
}

function validity(
  request: ApprovalRequest,
  issuer: Certificate,
): { notBefore: Date; notAfter: Date; shortened: boolean } {
  const { at, profile, validitySeconds } = request
  const details = { issuer: issuer.subject.toString(), issuerNotAfter: issuer.notAfter.toISOString() }
  if (!(at >= issuer.notBefore && at <= issuer.notAfter)) {
    const expired = at > issuer.notAfter
    throw new DeniedError(
      'ERR_ISSUE_VALIDITY',
      expired ? 'the issuing CA has expired' : 'the issuing CA is not valid yet',
      {
        details: { ...details, issuerNotBefore: issuer.notBefore.toISOString(), at: at.toISOString() },
        hint: expired ? 'make a new issuing CA' : 'check the clock of this machine',
      },
    )
  }
  if (validitySeconds !== undefined && !(Number.isSafeInteger(validitySeconds) && validitySeconds > 0)) {
    throw new DeniedError('ERR_ISSUE_VALIDITY', 'a certificate lives for a whole number of seconds, at least one', {
      details: { ...details, validitySeconds: String(validitySeconds) },
    })
  }
  const notBefore = new Date(Math.max(addSeconds(at, -BACKDATE_SECONDS).getTime(), issuer.notBefore.getTime()))
  const wanted = addSeconds(at, validitySeconds ?? profile.validitySeconds)
  if (wanted <= issuer.notAfter) return { notBefore, notAfter: wanted, shortened: false }
  // Asked for by name, a longer life is refused; the profile's is cut, which the caller is told.
  if (validitySeconds !== undefined) {
    throw new DeniedError(
      'ERR_ISSUE_VALIDITY',
      `a certificate of ${formatDuration(validitySeconds)} would outlive its issuer`,
      {
        details,
        hint: 'ask for a shorter life',
      },
    )
  }
  return { notBefore, notAfter: issuer.notAfter, shortened: true }
}
