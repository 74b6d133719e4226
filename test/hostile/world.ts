/**
 * Everything that signet makes, valid, and the same in every run: CAs, a certificate of each profile, CRLs, a request, a
 * trust directory, messages. What others change is compared with it.
 *
 * @module test/hostile/world
 */
import {
  contextPrimitive,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeSequence,
  encodeValue,
  OID,
} from '../../src/asn1/index.js'
import { type Profile, type ProfileName, PROFILES } from '../../src/authority/index.js'
import { openTrustDirectory, signTrustDirectory, type TrustDirectory } from '../../src/trust/index.js'
import {
  buildName,
  encodeGeneralName,
  encodeNameConstraints,
  encodeOcspNoCheck,
  type GeneralName,
} from '../../src/x509/index.js'
import { type Holder, makeCertificate, makeCrl, NOW, revoked } from '../support/certificates.js'
import { extensionDer, unknownExtension } from '../support/hierarchy.js'
import { makeSender, openRequest, type Sender, TRUST_DOMAIN, trustDocument, type World } from '../support/messages.js'
import { fixedKey } from './keys.js'

const root = makeCertificate({ subject: 'Root', ca: true, pathLength: 1, key: fixedKey('root') })
const issuing = makeCertificate({
  subject: 'Issuing',
  issuer: root,
  ca: true,
  pathLength: 0,
  key: fixedKey('issuing'),
  moreExtensionsDer: [
    encodeNameConstraints({
      permitted: [
        { kind: 'dns', value: TRUST_DOMAIN },
        { kind: 'uri', value: TRUST_DOMAIN },
        { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0) },
      ],
      excluded: [{ kind: 'email', value: 'evil.example' }],
    }),
  ],
})

/** A certificate of a profile of the authority. */
function profiled(profile: Profile, node: string, serialNumber?: string): Holder {
  const identity: GeneralName = { kind: 'uri', value: `spiffe://${TRUST_DOMAIN}/nova/${profile.name}/${node}` }
  const hosts: readonly GeneralName[] = [
    { kind: 'dns', value: `${node}.${TRUST_DOMAIN}` },
    { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 7) },
  ]
  return makeCertificate({
    subject: `${profile.name}.${node}`,
    issuer: issuing,
    // Only what can agree on keys can be a recipient.
    key: fixedKey(`${profile.name} ${node}`, profile.keyUse === 'encryption' ? 'p256' : 'ed25519'),
    keyUsage: profile.keyUsage,
    purposes: profile.extKeyUsage,
    names: profile.names === 'hosts' ? [identity, ...hosts] : [identity],
    moreExtensionsDer: profile.ocspNoCheck === true ? [encodeOcspNoCheck()] : [],
    ...(serialNumber === undefined ? {} : { serialNumber }),
  })
}

const profiles = Object.fromEntries(
  Object.values(PROFILES).map((profile) => [profile.name, profiled(profile, 'node-1')]),
) as Readonly<Record<ProfileName, Holder>>

const uri = (value: string): GeneralName => ({ kind: 'uri', value })
const oid = encodeObjectIdentifier

/** Every extension that is read, in one certificate that no path accepts. */
const everything = makeCertificate({
  subject: buildName([
    [OID.countryName, 'DE'],
    [OID.organizationName, 'Köln & Söhne'],
    [OID.emailAddress, 'a@example'],
    [OID.commonName, 'everything'],
  ]),
  issuer: root,
  ca: true,
  key: fixedKey('everything'),
  purposes: [OID.kpServerAuth, OID.anyExtendedKeyUsage],
  names: [
    { kind: 'email', value: 'a@example' },
    { kind: 'directory', name: root.certificate.subject },
    { kind: 'ip', octets: new Uint8Array(16) },
    uri('https://a.example/'),
  ],
  moreExtensionsDer: [
    encodeNameConstraints({
      permitted: [{ kind: 'directory', name: root.certificate.subject }],
      excluded: [{ kind: 'ip', octets: Uint8Array.of(...new Uint8Array(16).fill(1), ...new Uint8Array(16).fill(255)) }],
    }),
    extensionDer(OID.certificatePolicies, false, encodeSequence(encodeSequence(oid('1.3.6.1.4.1.32473.1')))),
    extensionDer(OID.policyMappings, true, encodeSequence(encodeSequence(oid('1.3.6.1.4.1.32473.1'), oid('2.5.1')))),
    extensionDer(OID.policyConstraints, true, encodeSequence(encodeContextPrimitive(0, Uint8Array.of(0)))),
    extensionDer(OID.inhibitAnyPolicy, true, encodeInteger(2)),
    extensionDer(
      OID.crlDistributionPoints,
      false,
      encodeSequence(
        encodeSequence(
          encodeContext(0, encodeContext(0, encodeGeneralName(uri('http://a.example/crl')))),
          encodeValue(contextPrimitive(1), Uint8Array.of(1, 0x7e)),
          encodeContext(2, encodeGeneralName({ kind: 'directory', name: root.certificate.subject })),
        ),
      ),
    ),
    extensionDer(
      OID.authorityInfoAccess,
      false,
      encodeSequence(encodeSequence(oid('1.3.6.1.5.5.7.48.1'), encodeGeneralName(uri('http://a.example/ocsp')))),
    ),
    unknownExtension(false),
  ],
})

/** A certificate that {@link World.crls} list as revoked. */
export const revokedHolder = profiled(PROFILES.server, 'node-2', '1234567890abcdef')

const issuingCrl = await makeCrl({
  issuer: issuing,
  crlNumber: 7,
  revoked: [
    revoked(revokedHolder.certificate.serialNumber, 'keyCompromise'),
    revoked('01'),
    revoked('ff', 'superseded'),
    { ...revoked('7fffffffffffffffffffffffffffffffffffffff', 'certificateHold'), invalidityDate: NOW },
    revoked('20'.repeat(20), 'aACompromise'),
  ],
})
const rootCrl = await makeCrl({ issuer: root })

const publisher = makeCertificate({
  subject: 'Publisher',
  issuer: issuing,
  key: fixedKey('publisher'),
  purposes: [OID.signetKpTrustDirectory],
  names: [uri(`spiffe://${TRUST_DOMAIN}/signet/trust-publisher`)],
})

export const world: World = { root, issuing, publisher, crls: [rootCrl, issuingCrl] }
export const holders = { root, issuing, publisher, everything, ...profiles }
export { issuingCrl, rootCrl }

function sender(node: string, roles: readonly string[]): Sender {
  return makeSender(world, { node, roles, key: fixedKey(`sender ${node}`) })
}

export const senders: readonly [Sender, Sender] = [
  sender('compute-07', ['compute_node']),
  sender('compute-08', ['compute_node', 'operator']),
]

export const document = trustDocument(world, senders, { sequence: 3 })
export const trustDirectoryDer = await signTrustDirectory(document, publisher)
export const trust: TrustDirectory = openTrustDirectory(trustDirectoryDer, openRequest(world))
