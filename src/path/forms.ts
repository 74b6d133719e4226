/**
 * The form of certificates: rules of RFC 5280 §4 for what CAs issue. Path validation (§6) does not need them; a
 * certificate that breaks one was not made with care.
 *
 * @module path/forms (floor 4)
 */
import { equalBytes, OID, oidName } from '../asn1/index.js'
import type { Certificate } from '../x509/index.js'
import { refusal } from './rules.js'

/** What a certificate of a path is: the first, one between, the last. */
export type Place = 'anchor' | 'authority' | 'end-entity'

interface Form {
  readonly section: string
  /** What is wrong, if anything is. */
  readonly fault: (certificate: Certificate, place: Place) => string | undefined
}

const when = (broken: boolean, fault: string): string | undefined => (broken ? fault : undefined)

const isCritical = (certificate: Certificate, oid: string): boolean =>
  certificate.extensions.get(oid)?.critical === true
const isCriticalOrAbsent = (certificate: Certificate, oid: string): boolean =>
  certificate.extensions.get(oid)?.critical !== false
const isCa = (certificate: Certificate): boolean => certificate.basicConstraints?.ca === true

export const FORMS = {
  'extensions-well-formed': {
    section: '§4.2',
    fault: (certificate) => {
      certificate.readAllExtensions()
      return undefined
    },
  },
  'version-3': {
    section: '§4.1.2.1',
    fault: ({ version }) => when(version !== 3, `the version is ${version}`),
  },
  'issuer-not-empty': {
    section: '§4.1.2.4',
    fault: ({ issuer }) => when(issuer.isEmpty, 'the issuer is empty'),
  },
  'ca-subject-not-empty': {
    section: '§4.1.2.6',
    fault: (certificate) => when(isCa(certificate) && certificate.subject.isEmpty, 'the subject of a CA is empty'),
  },
  'authority-key-identifier': {
    section: '§4.2.1.1',
    // Only who signed itself may leave it out: there is one key.
    fault: ({ isSelfIssued, authorityKeyIdentifier }) =>
      when(
        authorityKeyIdentifier === undefined ? !isSelfIssued : authorityKeyIdentifier.keyIdentifier === undefined,
        'it does not name the key of its issuer',
      ),
  },
  'key-identifiers-not-critical': {
    section: '§4.2.1.1, §4.2.1.2',
    fault: (certificate) =>
      when(
        isCritical(certificate, OID.authorityKeyIdentifier) || isCritical(certificate, OID.subjectKeyIdentifier),
        'a key identifier is critical',
      ),
  },
  'key-identifiers-agree-in-root': {
    section: 'BR §7.1.2.1.3',
    fault: ({ isSelfIssued, authorityKeyIdentifier: authority, subjectKeyIdentifier: subject }) => {
      if (!isSelfIssued || authority === undefined) return undefined
      if (authority.authorityCertSerialNumber !== undefined) return 'a root names itself by its serial number'
      const { keyIdentifier } = authority
      const agree = keyIdentifier !== undefined && subject !== undefined && equalBytes(keyIdentifier, subject)
      return when(!agree, 'a root names another key as its own')
    },
  },
  'subject-key-identifier-in-ca': {
    section: '§4.2.1.2',
    fault: (certificate) =>
      when(isCa(certificate) && certificate.subjectKeyIdentifier === undefined, 'a CA has no subject key identifier'),
  },
  'key-cert-sign-in-ca': {
    section: '§4.2.1.3, §4.2.1.9',
    fault: (certificate) =>
      when(
        !isCa(certificate) && certificate.keyUsage?.has('keyCertSign') === true,
        'its key may sign certificates and it is not a CA',
      ),
  },
  'subject-alt-name-critical-without-subject': {
    section: '§4.2.1.6',
    fault: (certificate) =>
      when(
        certificate.subject.isEmpty && !isCriticalOrAbsent(certificate, OID.subjectAltName),
        'its subject is empty and its alternative names are not critical',
      ),
  },
  'basic-constraints-critical-in-ca': {
    section: '§4.2.1.9',
    fault: (certificate) =>
      when(isCa(certificate) && !isCritical(certificate, OID.basicConstraints), 'basicConstraints are not critical'),
  },
  'path-length-in-ca': {
    section: '§4.2.1.9',
    fault: ({ basicConstraints, keyUsage }) =>
      when(
        basicConstraints?.pathLenConstraint !== undefined &&
          (!basicConstraints.ca || keyUsage?.has('keyCertSign') === false),
        'it limits the path below, and there is none',
      ),
  },
  'end-entity-not-ca': {
    section: 'BR §7.1.2.7.8',
    fault: (certificate, place) => when(place === 'end-entity' && isCa(certificate), 'the end entity is a CA'),
  },
  'name-constraints-in-ca': {
    section: '§4.2.1.10',
    fault: (certificate) =>
      when(!isCa(certificate) && certificate.nameConstraints !== undefined, 'it is not a CA and constrains names'),
  },
  'name-constraints-critical': {
    section: '§4.2.1.10',
    fault: (certificate) =>
      when(!isCriticalOrAbsent(certificate, OID.nameConstraints), 'nameConstraints are not critical'),
  },
  'policy-constraints-critical': {
    section: '§4.2.1.11, §4.2.1.14',
    fault: (certificate) => {
      const lax = [OID.policyConstraints, OID.inhibitAnyPolicy].find((oid) => !isCriticalOrAbsent(certificate, oid))
      return lax === undefined ? undefined : `${oidName(lax)} is not critical`
    },
  },
  'ext-key-usage-not-critical-in-end-entity': {
    section: 'BR §7.1.2.7.6',
    fault: (certificate, place) =>
      when(place === 'end-entity' && isCritical(certificate, OID.extKeyUsage), 'extKeyUsage is critical'),
  },
  'ext-key-usage-not-any-in-end-entity': {
    section: 'BR §7.1.2.7.10',
    fault: (certificate, place) =>
      when(
        place === 'end-entity' && certificate.extKeyUsage?.has(OID.anyExtendedKeyUsage) === true,
        'the end entity is for any purpose',
      ),
  },
  'information-access-not-critical': {
    section: '§4.2.2.1',
    fault: (certificate) => when(isCritical(certificate, OID.authorityInfoAccess), 'authorityInfoAccess is critical'),
  },
} as const satisfies Record<string, Form>

/** A rule of form; each has its section in RFC 5280, or in the Baseline Requirements (BR). */
export type FormRule = keyof typeof FORMS

/**
 * Hold one certificate to rules of form.
 *
 * @throws {@link TrustError} `ERR_PATH_FORM`
 * @throws {@link EncodingError} `ERR_EXTENSION_MALFORMED`
 */
export function checkForms(certificate: Certificate, place: Place, rules: readonly FormRule[]): void {
  for (const rule of rules) {
    const form: Form = FORMS[rule]
    const fault = form.fault(certificate, place)
    if (fault === undefined) continue
    throw refusal('ERR_PATH_FORM', 'form', certificate, `the certificate of ${named(certificate)}: ${fault}`, {
      details: { form: rule, section: form.section.startsWith('BR') ? form.section : `RFC 5280 ${form.section}` },
      hint: 'have it issued again, or choose a strictness that allows it',
    })
  }
}

function named(certificate: Certificate): string {
  return certificate.subject.isEmpty ? `serial number ${certificate.serialNumber}` : certificate.subject.toString()
}
