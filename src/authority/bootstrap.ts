/**
 * From nothing to an authority: a root whose key leaves at once, an issuing CA, a publisher of the trust directory, an
 * empty registry. Built out of sight and put in place in one step.
 *
 * @module authority/bootstrap (floor 7)
 */
import { hash, type KeyObject } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import {
  encryptPrivateKey,
  generatePrivateKey,
  type KeyAlgorithmName,
  type KeyProvider,
  MemoryKeyProvider,
  openKeyFile,
  type Passphrase,
} from '../crypto/index.js'
import { StateError, UsageError } from '../errors/index.js'
import {
  discardDirectory,
  lookAt,
  placeDirectory,
  PUBLIC_MODE,
  purgeTemporaries,
  readFileBytes,
  SECRET_DIRECTORY_MODE,
  SECRET_MODE,
  stageDirectory,
  writeDirectoryAtomic,
  writeFailure,
  writeNew,
} from '../files/index.js'
import { defaultMappingText } from '../identity/index.js'
import { createStore, type Store } from '../store/index.js'
import { addSeconds, type Clock, readClock } from '../time/index.js'
import { type Certificate, compareSecondOpinion, createCrl, type Crl, parseCertificates } from '../x509/index.js'
import { BACKDATE_SECONDS } from './approve-validity.js'
import { Authority, openKey, storePaths } from './authority.js'
import { HOME_FILES } from './home-files.js'
import { currentCrls, ROOT_CRL_VALIDITY_SECONDS } from './crls.js'
import {
  checkDeploymentNames,
  type Deployment,
  encodeDeployment,
  excludedNames,
  type KeyLocation,
  permittedNames,
} from './deployment.js'
import { issueOwnCertificate } from './issue.js'
import { requireRoot } from './cross-sign.js'
import { caName, makeIssuingCa, makeRootCa } from './make-ca.js'

export interface BootstrapRequest {
  /** Folder of the authority; nothing may be there, or an empty folder. */
  readonly home: string
  /** Where the root's key and certificate go, to be moved away from this machine. Nothing may be there. */
  readonly rootDirectory: string
  readonly trustDomain: string
  /** Further domains of host names beside the trust domain. */
  readonly domains: readonly string[]
  readonly addressRanges: readonly string[]
  readonly algorithm: KeyAlgorithmName
  /** Encrypts the keys in the home. */
  readonly passphrase: Passphrase
  /** Encrypts the root key. Default: the same. */
  readonly rootPassphrase?: Passphrase
  /** A program that keeps the issuing CA's key, and its arguments. Default: an encrypted file. */
  readonly issuingKeyCommand?: readonly string[]
}

export interface Bootstrapped {
  readonly home: string
  readonly rootDirectory: string
  readonly root: Certificate
  readonly issuing: Certificate
}

/** Files of the offline root bundle. */
export const ROOT_FILES = { key: 'root.key.pem', certificate: 'root.pem', readme: 'README.txt' } as const

/**
 * Make a deployment's authority.
 *
 * Two tiers: the root (pathLen 1) signs the issuing CA (pathLen 0, constrained to the deployment's names), and a first,
 * empty CRL. Both CA certificates are also read by a second implementation before anything is kept.
 *
 * @throws {@link StateError} `ERR_HOME_EXISTS`, `ERR_OUTPUT_EXISTS`; then nothing was changed
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 * @throws {@link StoreError} `ERR_FILE_WRITE`, `ERR_STORE_WRITE`
 */
export async function bootstrap(request: BootstrapRequest, clock: Clock): Promise<Bootstrapped> {
  const home = resolve(request.home)
  const rootDirectory = resolve(request.rootDirectory)
  const domains = [...new Set([request.trustDomain, ...request.domains])]
  checkDeploymentNames(request.trustDomain, domains, request.addressRanges)
  if (home === rootDirectory) {
    throw new UsageError('ERR_CONFIG_INVALID', 'the root bundle and the home are the same folder', {
      hint: 'name another folder for the root bundle',
    })
  }
  refuseOccupied(home, 'ERR_HOME_EXISTS')
  refuseOccupied(rootDirectory, 'ERR_OUTPUT_EXISTS')
  const at = readClock(clock)

  purgeTemporaries(dirname(home), basename(home))
  const stage = stageDirectory(dirname(home), SECRET_DIRECTORY_MODE, basename(home))
  try {
    const rootKey = generatePrivateKey(request.algorithm)
    const root = await makeRootCa(caName(request.trustDomain, 'root CA'), new MemoryKeyProvider(rootKey), at)
    const { key: issuingKey, location } = await makeIssuingKey(request, stage)
    const deployment: Deployment = {
      trustDomain: request.trustDomain,
      domains,
      addressRanges: request.addressRanges,
      issuingKey: location,
      publisherKey: { kind: 'file', path: HOME_FILES.publisherKey },
    }
    const signer = new MemoryKeyProvider(rootKey)
    const issuing = await makeIssuingCa(
      { certificate: root, key: signer },
      {
        subject: caName(deployment.trustDomain, 'issuing CA'),
        publicKey: issuingKey.publicKey,
        constraints: { permitted: permittedNames(deployment), excluded: excludedNames(deployment) },
        at,
      },
    )
    await compareSecondOpinion(root, root)
    await compareSecondOpinion(issuing, root)
    const rootCrl = await createRootCrl(root, signer, at)
    await fillHome(stage, { request, deployment, root, issuing, rootCrl, issuingKey, clock, at })
    const inside = relative(home, rootDirectory)
    writeRootBundle(
      isBelow(inside) ? join(stage, inside) : rootDirectory,
      rootKey,
      root,
      request.rootPassphrase ?? request.passphrase,
    )
    // rename(2) takes the place of an empty folder, and of nothing else.
    placeDirectory(stage, home)
    return { home, rootDirectory, root, issuing }
  } catch (error) {
    discardDirectory(stage)
    throw writeFailure(home, error)
  }
}

/** Open the offline root bundle: its key, checked to be the key of this root. */
export function openRootBundle(
  directory: string,
  passphrase: Passphrase,
): { readonly key: KeyProvider; readonly certificate: Certificate } {
  const [certificate] = parseCertificates(readFileBytes(join(directory, ROOT_FILES.certificate)))
  const key = openKeyFile(join(directory, ROOT_FILES.key), passphrase)
  if (certificate === undefined) throw new UsageError('ERR_CONFIG_INVALID', `${directory} is not a root bundle`)
  return { key, certificate }
}

/**
 * Make another root for a deployment, as a bundle of its own. It has the name of the one before (RFC 4210 §4.4): certificates
 * by which the two vouch for each other are then self-issued, which a path length does not count.
 *
 * @param before - The root that there is.
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`; then nothing was changed
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE` where that is no root
 */
export async function makeNextRoot(
  directory: string,
  before: Certificate,
  { algorithm, passphrase }: Pick<BootstrapRequest, 'algorithm' | 'passphrase'>,
  at: Date,
): Promise<Certificate> {
  refuseOccupied(directory, 'ERR_OUTPUT_EXISTS')
  requireRoot(before, at)
  const key = generatePrivateKey(algorithm)
  const root = await makeRootCa(before.subject, new MemoryKeyProvider(key), at)
  await compareSecondOpinion(root, root)
  writeRootBundle(directory, key, root, passphrase)
  return root
}

async function makeIssuingKey(
  request: BootstrapRequest,
  stage: string,
): Promise<{ key: KeyProvider; location: KeyLocation }> {
  if (request.issuingKeyCommand !== undefined) {
    const location: KeyLocation = { kind: 'command', command: request.issuingKeyCommand }
    return { key: await openKey(location, stage, undefined), location }
  }
  const privateKey = generatePrivateKey(request.algorithm)
  writeNew(join(stage, HOME_FILES.issuingKey), encryptPrivateKey(privateKey, request.passphrase), SECRET_MODE)
  return { key: new MemoryKeyProvider(privateKey), location: { kind: 'file', path: HOME_FILES.issuingKey } }
}

function createRootCrl(root: Certificate, key: KeyProvider, at: Date): Promise<Crl> {
  return createCrl(
    {
      issuer: root.subject,
      authorityKeyIdentifier: root.subjectKeyIdentifier ?? new Uint8Array(),
      crlNumber: 1,
      thisUpdate: addSeconds(at, -BACKDATE_SECONDS),
      nextUpdate: addSeconds(at, ROOT_CRL_VALIDITY_SECONDS),
      revokedCertificates: [],
    },
    key,
  )
}

interface HomeContents {
  readonly request: BootstrapRequest
  readonly deployment: Deployment
  readonly root: Certificate
  readonly issuing: Certificate
  readonly rootCrl: Crl
  readonly issuingKey: KeyProvider
  readonly clock: Clock
  readonly at: Date
}

async function fillHome(stage: string, contents: HomeContents): Promise<void> {
  const { request, deployment, root, issuing, issuingKey, clock, at } = contents
  const write = (name: string, content: string, mode: number = PUBLIC_MODE): void =>
    writeNew(join(stage, name), content, mode)
  write(HOME_FILES.deployment, encodeDeployment(deployment))
  write(HOME_FILES.mapping, defaultMappingText(deployment.trustDomain, hash('sha256', issuing.spkiDer, 'hex')))
  write(HOME_FILES.root, root.toPem())
  write(HOME_FILES.issuing, issuing.toPem())
  const store = await createStore(storePaths(stage))
  try {
    await recordBeginning(store, contents)
  } finally {
    await store.close()
  }
  const authority = await Authority.open(stage, clock)
  try {
    const publisherKey = generatePrivateKey(request.algorithm)
    const crls = await currentCrls(authority, issuingKey, at)
    const { certificate: publisher } = await issueOwnCertificate(
      { authority, key: issuingKey, crls, at },
      'trust-publisher',
      new MemoryKeyProvider(publisherKey).publicKey,
    )
    write(HOME_FILES.publisher, publisher.toPem())
    write(HOME_FILES.publisherKey, encryptPrivateKey(publisherKey, request.passphrase), SECRET_MODE)
  } finally {
    await authority.close()
  }
}

async function recordBeginning(store: Store, { deployment, root, issuing, rootCrl, at }: HomeContents): Promise<void> {
  await store.transaction(async (transaction) => {
    await transaction.log(at, 'authority.created', {
      trustDomain: deployment.trustDomain,
      root: root.fingerprint,
      issuing: issuing.fingerprint,
    })
    await transaction.insertCrl({
      issuer: root.keyIdentifier,
      number: 1,
      baseNumber: null,
      thisUpdate: rootCrl.thisUpdate.toISOString(),
      nextUpdate: rootCrl.currentUntil.toISOString(),
      der: rootCrl.der,
    })
    await transaction.log(at, 'crl.published', { issuer: root.keyIdentifier, number: 1, entries: 0 })
  })
}

/** Write a root bundle, all of it or nothing. */
function writeRootBundle(directory: string, rootKey: KeyObject, root: Certificate, passphrase: Passphrase): void {
  writeDirectoryAtomic(directory, SECRET_DIRECTORY_MODE, (stage) => {
    writeNew(join(stage, ROOT_FILES.key), encryptPrivateKey(rootKey, passphrase), SECRET_MODE)
    writeNew(join(stage, ROOT_FILES.certificate), root.toPem(), PUBLIC_MODE)
    writeNew(join(stage, ROOT_FILES.readme), rootReadme(root), PUBLIC_MODE)
  })
}

function rootReadme(root: Certificate): string {
  return `${root.subject.toString()}

Move this folder to offline media, in two copies, and delete it here. Its key is
needed again only to renew the root's CRL (yearly) and to make a new issuing CA.

SHA-256 fingerprint of the root certificate, the one thing to check everywhere:
${root.fingerprint}
`
}

/** Whether a relative path stays below where it starts. */
function isBelow(path: string): boolean {
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path)
}

function refuseOccupied(path: string, code: 'ERR_HOME_EXISTS' | 'ERR_OUTPUT_EXISTS'): void {
  const stats = lookAt(path)
  if (stats === undefined || (stats.isDirectory() && readdirSync(path).length === 0)) return
  const isHome = existsSync(join(path, HOME_FILES.deployment))
  throw new StateError(
    code,
    isHome ? `there is a signet home at ${path} already` : `${path} exists already and is not empty`,
    {
      details: { path },
      hint: 'choose another folder; keys that are there are never overwritten',
    },
  )
}
