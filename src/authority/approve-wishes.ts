/**
 * What a certification request asks for, held against what its certificate will say.
 *
 * @module authority/approve-wishes (floor 7)
 */
import { OID, oidName } from '../asn1/index.js'
import { DeniedError } from '../errors/index.js'
import {
  type CertificationRequest,
  encodeGeneralName,
  formatGeneralName,
  type GeneralName,
  hex,
  type KeyUsage,
  readBasicConstraints,
  readExtensionValue,
  readExtKeyUsage,
  readKeyUsage,
  readSubjectAltName,
} from '../x509/index.js'
import type { Profile } from './profiles.js'

/**
 * What a request asks for must be part of what the profile grants anyway; all else is refused, not dropped, so that
 * nobody believes to have got it.
 *
 * @throws {@link DeniedError} `ERR_CSR_EXTENSION`
 */
export function checkWishes(
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
