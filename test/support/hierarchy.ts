/** A valid hierarchy, root → issuing → node, of which a test changes one thing. */
import {
  encodeBitString,
  encodeBoolean,
  encodeContext,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeTime,
  encodeUnsigned,
  OID,
} from '../../src/asn1/index.js'
import { keyIdentifierOf, type MemoryKeyProvider } from '../../src/crypto/index.js'
import { type PathRequest, ValidatedPath, validatePath } from '../../src/path/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  type Crl,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeCrlNumber,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeSubjectAltName,
  type GeneralName,
  type KeyUsage,
  type Name,
  parseCrl,
} from '../../src/x509/index.js'
import { type CertificateOptions, type Holder, makeCertificate, NOT_BEFORE, NOW } from './certificates.js'

export interface Hierarchy {
  readonly root: Holder
  readonly issuing: Holder
  readonly node: Holder
}

export interface Changes {
  readonly root?: CertificateOptions
  readonly issuing?: CertificateOptions
  readonly node?: CertificateOptions
}

export const NODE_NAMES: readonly GeneralName[] = [
  { kind: 'dns', value: 'node.cloud.example' },
  { kind: 'uri', value: 'spiffe://cloud.example/compute/node' },
]

/** The valid hierarchy, with these options instead of its own. */
export function hierarchy(changes: Changes = {}): Hierarchy {
  const root = makeCertificate({ subject: 'Root', ca: true, pathLength: 1, ...changes.root })
  const issuing = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, pathLength: 0, ...changes.issuing })
  const node = makeCertificate({
    subject: 'node',
    issuer: issuing,
    purposes: [OID.kpServerAuth],
    names: NODE_NAMES,
    ...changes.node,
  })
  return { root, issuing, node }
}

/** Validate the node of a hierarchy at {@link NOW} as a server, without revocation unless told otherwise. */
export function validate({ root, issuing, node }: Hierarchy, request: Partial<PathRequest> = {}): ValidatedPath {
  return validatePath(node.certificate, {
    anchors: [root.certificate],
    intermediates: [issuing.certificate],
    at: NOW,
    purpose: 'server',
    revocation: 'allow-unchecked',
    ...request,
  })
}

/** An Extension in DER. */
export function extensionDer(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return encodeSequence(
    encodeObjectIdentifier(oid),
    ...(critical ? [encodeBoolean(true)] : []),
    encodeOctetString(value),
  )
}

/** An OID that nothing here knows. */
export const UNKNOWN_OID = '1.3.6.1.4.1.32473.99'

export function unknownExtension(critical: boolean): Uint8Array {
  return extensionDer(UNKNOWN_OID, critical, encodeSequence())
}

/** The extensions of a CA without key identifiers, so that any key fits by its identifiers. */
export function caExtensions(keyUsage: readonly KeyUsage[] = ['keyCertSign', 'cRLSign']): readonly Uint8Array[] {
  return [encodeBasicConstraints({ ca: true, pathLenConstraint: undefined }), encodeKeyUsage(keyUsage)]
}

/** The extensions of a node without key identifiers. */
export function nodeExtensions(names: readonly GeneralName[] = NODE_NAMES): readonly Uint8Array[] {
  return [
    encodeBasicConstraints({ ca: false, pathLenConstraint: undefined }),
    encodeKeyUsage(['digitalSignature']),
    encodeExtKeyUsage([OID.kpServerAuth]),
    encodeSubjectAltName(names, false),
  ]
}

export interface RawCrl {
  readonly issuer: Name
  readonly key: MemoryKeyProvider
  readonly thisUpdate?: Date
  readonly nextUpdate?: Date
  /** Serial numbers and the extensions of their entries. */
  readonly entries?: readonly {
    readonly serialNumberOctets: Uint8Array
    readonly extensionsDer?: readonly Uint8Array[]
  }[]
  /** Default 1. */
  readonly crlNumber?: number
  /** Extensions after key identifier and number. */
  readonly moreExtensionsDer?: readonly Uint8Array[]
  /** Whether the CRL names its key. Default yes. */
  readonly authorityKeyIdentifier?: boolean
}

/** Sign a CRL that the library itself would never make. */
export function rawCrl(options: RawCrl): Crl {
  const { key, entries = [] } = options
  const tbsDer = encodeSequence(
    encodeInteger(1),
    key.signatureAlgorithm.identifierDer,
    options.issuer.der,
    encodeTime(options.thisUpdate ?? NOT_BEFORE),
    encodeTime(options.nextUpdate ?? addSeconds(NOW, 7 * DAY)),
    ...(entries.length === 0
      ? []
      : [
          encodeSequence(
            ...entries.map(({ serialNumberOctets, extensionsDer = [] }) =>
              encodeSequence(
                encodeUnsigned(serialNumberOctets),
                encodeTime(NOT_BEFORE),
                ...(extensionsDer.length === 0 ? [] : [encodeSequence(...extensionsDer)]),
              ),
            ),
          ),
        ]),
    encodeContext(
      0,
      encodeSequence(
        ...(options.authorityKeyIdentifier === false
          ? []
          : [encodeAuthorityKeyIdentifier(keyIdentifierOf(key.publicKey))]),
        encodeCrlNumber(options.crlNumber ?? 1),
        ...(options.moreExtensionsDer ?? []),
      ),
    ),
  )
  return parseCrl(encodeSequence(tbsDer, key.signatureAlgorithm.identifierDer, encodeBitString(key.sign(tbsDer))))
}
