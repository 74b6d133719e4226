/**
 * The first step of a rotation: another issuing CA, signed by the root, which others trust before it issues anything.
 *
 * @module authority/rotation-stage (floor 7)
 */
import { hash } from 'node:crypto'
import { join } from 'node:path'
import {
  encryptPrivateKey,
  generatePrivateKey,
  type KeyAlgorithmName,
  keyIdentifierOf,
  type KeyProvider,
  type Passphrase,
  samePublicKey,
} from '../crypto/index.js'
import { DeniedError, StateError } from '../errors/index.js'
import { PUBLIC_MODE, readFileText, SECRET_MODE, writeFileAtomic } from '../files/index.js'
import { validatePath } from '../path/index.js'
import type { IssuingCaRecord, StoreTransaction } from '../store/index.js'
import {
  type Certificate,
  compareSecondOpinion,
  createCertificationRequest,
  encodeNameConstraints,
  hex,
  parseCertificationRequest,
} from '../x509/index.js'
import { type Authority, openKey } from './authority.js'
import type { KeyLocation } from './deployment.js'
import { HOME_FILES, issuingCaFiles } from './home-files.js'
import { keyLocationOf, recordIssuingCa } from './issuing-cas.js'
import { caName, type RootSigner, signIssuingCa } from './make-ca.js'
import { addIssuerKey } from './mapping-issuers.js'
import { rotationOf, requireState } from './rotation-state.js'

/** What the next issuing CA is to be. */
export interface NextIssuingCa {
  readonly algorithm: KeyAlgorithmName
  /** Encrypts its key: that of the authority. */
  readonly passphrase: Passphrase
  /** A program that keeps its key, and its arguments. Default: an encrypted file. */
  readonly keyCommand?: readonly string[]
}

/**
 * Make the key of the next issuing CA, and a request to the root in PEM. Asked again before the root has signed, the
 * request is for the same key.
 *
 * @throws {@link StateError} `ERR_ROTATION_STATE` while a rotation is further on
 * @throws {@link StoreError} `ERR_FILE_WRITE`, and the key codes
 */
export async function requestIssuingCa(authority: Authority, wanted: NextIssuingCa, at: Date): Promise<string> {
  const rotation = await rotationOf(authority.store)
  if (rotation.state !== 'none' && rotation.state !== 'requested') {
    throw new StateError('ERR_ROTATION_STATE', `a rotation is under way already: ${rotation.state}`, {
      details: { state: rotation.state },
      hint: 'signet rotate status says what is next',
    })
  }
  const number = rotation.next?.number ?? Math.max(1, ...rotation.all.map((record) => record.number)) + 1
  const key =
    rotation.next === undefined
      ? await beginRequest(authority, number, wanted, at)
      : await openKey(keyLocationOf(rotation.next.key) as KeyLocation, authority.home, wanted.passphrase)
  return createCertificationRequest(key, {
    subject: caName(authority.deployment.trustDomain, `issuing CA ${number}`),
  })
}

async function beginRequest(
  authority: Authority,
  number: number,
  { algorithm, passphrase, keyCommand }: NextIssuingCa,
  at: Date,
): Promise<KeyProvider> {
  const { home, store } = authority
  const location: KeyLocation =
    keyCommand === undefined
      ? { kind: 'file', path: issuingCaFiles(number).key }
      : { kind: 'command', command: keyCommand }
  if (location.kind === 'file') {
    // A file that is there and that the store does not know is what a process left that died here.
    const pem = encryptPrivateKey(generatePrivateKey(algorithm), passphrase)
    writeFileAtomic(join(home, location.path), pem, { mode: SECRET_MODE, existing: 'replace' })
  }
  const key = await openKey(location, home, passphrase)
  await store.transaction(async (transaction) => {
    const now = await rotationOf(transaction)
    if (now.state !== 'none' || now.all.some((record) => record.number >= number)) throw meanwhile()
    if (now.all.length === 0) await recordFirst(transaction, authority, at)
    const record: IssuingCaRecord = {
      number,
      state: 'requested',
      keyIdentifier: hex(keyIdentifierOf(key.publicKey)),
      der: null,
      key: JSON.stringify(location),
      createdAt: at.toISOString(),
      updatedAt: at.toISOString(),
      revokedAt: null,
    }
    await recordIssuingCa(transaction, record, at)
  })
  await authority.refreshIssuingCas()
  return key
}

function meanwhile(): StateError {
  return new StateError('ERR_ROTATION_STATE', 'somebody else began a rotation meanwhile', {
    hint: 'signet rotate status says what is next',
  })
}

/** The issuing CA that was there from the beginning, of which the store knows nothing yet. */
async function recordFirst(transaction: StoreTransaction, { issuing, deployment }: Authority, at: Date): Promise<void> {
  const record: IssuingCaRecord = {
    number: 1,
    state: 'issuing',
    keyIdentifier: issuing.keyIdentifier,
    der: issuing.der,
    key: JSON.stringify(deployment.issuingKey),
    createdAt: issuing.notBefore.toISOString(),
    updatedAt: at.toISOString(),
    revokedAt: null,
  }
  await recordIssuingCa(transaction, record, at)
}

/**
 * Sign a request with the root, as the offline root does where it is: see {@link signIssuingCa}. Also read by a second
 * implementation before anything is kept.
 *
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE`; with what parsing throws
 */
export async function signIssuingCaRequest(
  root: RootSigner,
  request: Uint8Array,
  before: Certificate,
  at: Date,
): Promise<Certificate> {
  const certificate = await signIssuingCa(root, parseCertificationRequest(request), before, at)
  await compareSecondOpinion(certificate, root.certificate)
  return certificate
}

/**
 * Take the certificate of the next issuing CA: from now on others are to trust both. The mapping then names both keys, and
 * bundles, CRLs and trust directories that are made have both; the old one issues.
 *
 * @param passphrase - Of the authority: the key must be that of the certificate.
 * @throws {@link StateError} `ERR_ROTATION_STATE` unless it was requested
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE` where the certificate is not the one that was requested
 * @throws {@link TrustError} what path validation refuses
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where a person has to change the mapping
 */
export async function stageIssuingCa(
  authority: Authority,
  certificate: Certificate,
  passphrase: Passphrase | undefined,
  at: Date,
): Promise<void> {
  const { home, root, store } = authority
  const { next } = requireState(await rotationOf(store), 'stage', 'requested')
  const key = await openKey(keyLocationOf(next.key) as KeyLocation, home, passphrase)
  if (!samePublicKey(key.publicKey, certificate.publicKey)) {
    throw refuse(certificate, 'it is for another key than the one that was made for it')
  }
  checkNext(authority, certificate, at)
  await compareSecondOpinion(certificate, root)
  writeFileAtomic(join(home, issuingCaFiles(next.number).certificate), certificate.toPem(), {
    mode: PUBLIC_MODE,
    existing: 'replace',
  })
  trustKeyInMapping(authority, certificate)
  await store.transaction(async (transaction) => {
    const now = requireState(await rotationOf(transaction), 'stage', 'requested')
    if (now.next.keyIdentifier !== next.keyIdentifier) throw meanwhile()
    const record = { ...now.next, state: 'staged', der: certificate.der, updatedAt: at.toISOString() } as const
    await recordIssuingCa(transaction, record, at)
  })
  await authority.refreshIssuingCas()
}

/** What it must be, whoever carried it here. */
function checkNext({ root, issuing, allIssuingCas }: Authority, certificate: Certificate, at: Date): void {
  validatePath(certificate, { anchors: [root], at, purpose: 'allow-any', revocation: 'allow-unchecked' })
  const { basicConstraints, keyUsage, nameConstraints } = certificate
  if (basicConstraints?.ca !== true || basicConstraints.pathLenConstraint !== 0) {
    throw refuse(certificate, 'it is no CA below which there are no others')
  }
  if (keyUsage?.has('keyCertSign') !== true || !keyUsage.has('cRLSign')) {
    throw refuse(certificate, 'it may not sign certificates and CRLs')
  }
  const constraints = (one: Certificate['nameConstraints']): string =>
    one === undefined ? '' : hex(encodeNameConstraints(one))
  if (constraints(nameConstraints) !== constraints(issuing.nameConstraints)) {
    throw refuse(certificate, 'its name constraints are not those of the issuing CA before')
  }
  // Servers look up CRLs, and people see CAs, by their names.
  if (allIssuingCas.some((ca) => ca.certificate.subject.equals(certificate.subject))) {
    throw refuse(certificate, 'an issuing CA before had the same name')
  }
  if (certificate.notAfter < issuing.notAfter) throw refuse(certificate, 'it ends before the one that it replaces')
}

function refuse(certificate: Certificate, why: string): DeniedError {
  return new DeniedError('ERR_ISSUE_PROFILE', `this is not the certificate of the next issuing CA: ${why}`, {
    details: { subject: certificate.subject.toString(), fingerprint: certificate.fingerprint },
    hint: 'have the root sign the request again: signet root sign',
  })
}

/** Have the mapping of the home take certificates of both. */
function trustKeyInMapping({ home, issuing }: Authority, next: Certificate): void {
  const path = join(home, HOME_FILES.mapping)
  const text = readFileText(path)
  const changed = addIssuerKey(text, issuerKeyOf(issuing), issuerKeyOf(next))
  if (changed !== text) writeFileAtomic(path, changed, { mode: PUBLIC_MODE, existing: 'replace' })
}

/** As mappings name the key of a CA. */
export function issuerKeyOf({ spkiDer }: Certificate): string {
  return hash('sha256', spkiDer, 'hex')
}
