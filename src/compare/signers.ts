/**
 * Who signs what is measured: for every algorithm a sender and a step of its route, and the trust directory that knows
 * them. Nothing is written anywhere.
 *
 * @module compare/signers (floor 7.2)
 */
import type { KeyObject } from 'node:crypto'
import { PROFILES } from '../authority/index.js'
import { type ValidatedRecipients, validateRecipients } from '../cms/index.js'
import {
  defaultSignature,
  generatePrivateKey,
  keyAlgorithmNamed,
  publicKeyOf,
  SIGNATURE_ALGORITHMS,
} from '../crypto/index.js'
import { UsageError } from '../errors/index.js'
import { type Identity, identityUri } from '../identity/index.js'
import type { SigningCredential } from '../message/index.js'
import { addSeconds, DAY } from '../time/index.js'
import { type DocumentSigner, openTrustDirectory, signTrustDirectory, type TrustDirectory } from '../trust/index.js'
import type { Certificate, Crl } from '../x509/index.js'
import { makeSmallAuthority, type SmallAuthority, TRUST_DOMAIN } from './small-authority.js'
import { SteadyKeyProvider } from './steady-key.js'

/** Every algorithm that signs: each kind of key, and RSA once more with PSS. */
export const SIZE_ALGORITHMS = [
  'p256',
  'p384',
  'ed25519',
  'rsa2048',
  'rsa3072',
  'rsa4096',
  'rsa2048-pss',
  'rsa3072-pss',
  'rsa4096-pss',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
] as const
export type SizeAlgorithm = (typeof SIZE_ALGORITHMS)[number]

/** The algorithm that a person named. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function sizeAlgorithmNamed(name: string): SizeAlgorithm {
  const found = SIZE_ALGORITHMS.find((algorithm) => algorithm === name)
  if (found !== undefined) return found
  throw new UsageError('ERR_CONFIG_INVALID', `there is no algorithm ${JSON.stringify(name)} that signs`, {
    hint: `choose one of ${SIZE_ALGORITHMS.join(', ')}`,
  })
}

/** A signer by one algorithm. */
export interface SizeSigner {
  readonly algorithm: SizeAlgorithm
  /** The sender's, for what is not CMS. */
  readonly privateKey: KeyObject
  readonly sender: SigningCredential
  /** {@link STEP_ENTITY}, which checks off every step of a route. */
  readonly step: SigningCredential
}

export interface Signers {
  readonly at: Date
  readonly trust: TrustDirectory
  readonly root: Certificate
  /** The CA that certified all of them. */
  readonly issuing: Certificate
  readonly signers: readonly SizeSigner[]
  /** Readers of encrypted messages, by the kind of their keys. */
  readonly readers: Readonly<Record<ReaderKey, Readonly<Record<ReaderCount, ValidatedRecipients>>>>
}

/** Keys for which is encrypted, and how many of them. */
export type ReaderKey = 'p256' | 'rsa2048'
export type ReaderCount = 1 | 3

/** Who is every step of a route: sizes do not depend on whose keys they are. */
export const STEP_ENTITY = 'gateway-01'

/**
 * Make keys and certificates for these algorithms. Long RSA keys take seconds.
 *
 * @param advance - Told after each algorithm how many are done.
 */
export async function makeSigners(
  algorithms: readonly SizeAlgorithm[],
  at: Date,
  advance: (done: number) => void = () => undefined,
): Promise<Signers> {
  const authority = makeSmallAuthority(at)
  const { root, issuing } = authority
  const holders = new Map<string, Holder>()
  const holderOf = (identity: Identity, algorithm: SizeAlgorithm): Holder => {
    // The same key signs by PKCS #1 v1.5 and by PSS.
    const { name } = keyAlgorithmNamed(algorithm.replace('-pss', ''))
    const known = holders.get(`${identity.entity} ${name}`)
    if (known !== undefined) return known
    const privateKey = generatePrivateKey(name)
    const holder = { identity, privateKey, certificate: authority.certify(identity, PROFILES.signer, privateKey) }
    holders.set(`${identity.entity} ${name}`, holder)
    return holder
  }
  const signers = algorithms.map((algorithm, index): SizeSigner => {
    const sender = holderOf(identityFor('nova-compute', 'compute-07'), algorithm)
    const step = holderOf(identityFor('gateway', STEP_ENTITY), algorithm)
    advance(index + 1)
    return {
      algorithm,
      privateKey: sender.privateKey,
      sender: credential(sender, algorithm),
      step: credential(step, algorithm),
    }
  })
  const crls = await Promise.all([authority.crl(root), authority.crl(issuing)])
  return {
    at,
    trust: await makeTrust(authority, crls, [...holders.values()], at),
    root: root.certificate,
    issuing: issuing.certificate,
    signers,
    readers: { p256: readersOf('p256', authority, crls, at), rsa2048: readersOf('rsa2048', authority, crls, at) },
  }
}

interface Holder extends DocumentSigner {
  readonly privateKey: KeyObject
}

function credential({ certificate, privateKey }: Holder, algorithm: SizeAlgorithm): SigningCredential {
  const signature = algorithm.endsWith('-pss')
    ? SIGNATURE_ALGORITHMS['rsa-pss-sha256']
    : defaultSignature(publicKeyOf(privateKey))
  return { certificate, key: new SteadyKeyProvider(privateKey, signature) }
}

async function makeTrust(
  authority: SmallAuthority,
  crls: readonly Crl[],
  signers: readonly DocumentSigner[],
  at: Date,
): Promise<TrustDirectory> {
  const { root, issuing } = authority
  const publisherKey = generatePrivateKey('p256')
  const publisher = identityFor('signet', 'trust-publisher')
  const der = await signTrustDirectory(
    {
      trustDomain: TRUST_DOMAIN,
      sequence: 1,
      issuedAt: at,
      nextUpdate: addSeconds(at, DAY),
      anchors: [root.certificate],
      authorities: [issuing.certificate],
      crls,
      signers,
    },
    {
      certificate: authority.certify(publisher, PROFILES['trust-publisher'], publisherKey),
      key: new SteadyKeyProvider(publisherKey),
    },
  )
  return openTrustDirectory(der, { pin: root.certificate.fingerprint, at, memory: 'allow-forgetting' })
}

function readersOf(
  key: ReaderKey,
  authority: SmallAuthority,
  crls: readonly Crl[],
  at: Date,
): Readonly<Record<ReaderCount, ValidatedRecipients>> {
  const certificates = ['conductor-01', 'conductor-02', 'conductor-03'].map((node) =>
    authority.certify(identityFor('nova-conductor', node), PROFILES.recipient, generatePrivateKey(key)),
  )
  const validated = (count: ReaderCount): ValidatedRecipients =>
    validateRecipients(certificates.slice(0, count), {
      anchors: [authority.root.certificate],
      certificates: [authority.issuing.certificate],
      purpose: 'message-encryption',
      revocation: { crls },
      at,
    })
  return { 1: validated(1), 3: validated(3) }
}

function identityFor(service: string, node: string): Identity {
  const uri = identityUri({ trustDomain: TRUST_DOMAIN, scope: '', service, node }).text
  return { entity: node, uri, scope: '', service, node, roles: [], grants: [], groups: [] }
}
