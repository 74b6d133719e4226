/**
 * An authority that is open: its home, certificates, store and clock. Its keys are opened apart, and only to sign.
 *
 * ```
 * HOME/deployment.json            what was decided at init
 * HOME/mapping.yaml               certificate → identity
 * HOME/root.pem issuing-ca.pem trust-publisher.pem
 * HOME/issuing-ca.key.pem trust-publisher.key.pem   encrypted
 * HOME/issuing-ca-2.pem issuing-ca-2.key.pem …      issuing CAs after the first
 * HOME/store.db  HOME/store.head  registry, certificates, revocations, issuance log
 * ```
 *
 * @module authority/authority (floor 7)
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CommandKeyProvider, type KeyProvider, openKeyFile, type Passphrase, samePublicKey } from '../crypto/index.js'
import { EncodingError, StateError, StoreError, UsageError } from '../errors/index.js'
import { readFileBytes, readFileText } from '../files/index.js'
import { type Mapping, parseMapping } from '../identity/index.js'
import { openStore, type Store, type StorePaths } from '../store/index.js'
import { type Clock, MINUTE, readClock } from '../time/index.js'
import { type Certificate, parseCertificates } from '../x509/index.js'
import { type Deployment, type KeyLocation, parseDeployment } from './deployment.js'
import { HOME_FILES } from './home-files.js'
import { IssuingThreads } from './issuing-threads.js'
import { type IssuingCa, issuingCasOf, issuingOne, isTrusted } from './issuing-cas.js'

/** How far the clock may be behind the last entry of the log before it is called wrong. */
const CLOCK_STEP_SECONDS = 5 * MINUTE

export class Authority {
  readonly home: string
  readonly deployment: Deployment
  readonly root: Certificate
  readonly store: Store
  /** What helps to issue many certificates: started when it is needed, ended by {@link close}. */
  readonly threads = new IssuingThreads()
  readonly #clock: Clock
  #issuingCas: readonly IssuingCa[]
  /** Keys of issuing CAs that do not issue, by number: for their CRLs. */
  readonly #otherKeys = new Map<number, KeyProvider>()
  #publisher: Certificate | undefined

  private constructor(
    home: string,
    deployment: Deployment,
    store: Store,
    clock: Clock,
    issuingCas: readonly IssuingCa[],
  ) {
    this.home = home
    this.deployment = deployment
    this.store = store
    this.#clock = clock
    this.root = onlyCertificate(join(home, HOME_FILES.root))
    this.#issuingCas = issuingCas
  }

  /**
   * Open the authority of a home.
   *
   * @throws {@link StateError} `ERR_HOME_MISSING`
   * @throws {@link StoreError} `ERR_STORE_OPEN`, `ERR_STORE_ROLLBACK`, `ERR_FILE_READ`
   */
  static async open(home: string, clock: Clock): Promise<Authority> {
    if (!existsSync(join(home, HOME_FILES.deployment))) {
      throw new StateError('ERR_HOME_MISSING', `there is no signet home at ${home}`, {
        details: { home },
        hint: 'make one with signet init, or name it with --home or SIGNET_HOME',
      })
    }
    const deployment = parseDeployment(readFileText(join(home, HOME_FILES.deployment)))
    const store = await openStore(storePaths(home))
    try {
      return new Authority(home, deployment, store, clock, await loadIssuingCas(home, deployment, store))
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** Certificates as a verifier needs them. */
  get anchors(): readonly Certificate[] {
    return [this.root]
  }

  /** The issuing CA that issues. */
  get issuingCa(): IssuingCa {
    return issuingOne(this.#issuingCas)
  }

  /** Its certificate. */
  get issuing(): Certificate {
    return this.issuingCa.certificate
  }

  /** The issuing CAs that others are to trust: that which issues first, then by number. */
  get issuingCas(): readonly IssuingCa[] {
    const { issuingCa } = this
    return [issuingCa, ...this.#issuingCas.filter((ca) => ca !== issuingCa && isTrusted(ca))]
  }

  /** Their certificates: what stands between the nodes and the root. */
  get authorities(): readonly Certificate[] {
    return this.issuingCas.map(({ certificate }) => certificate)
  }

  /** Every issuing CA there ever was and that has a certificate, by number. */
  get allIssuingCas(): readonly IssuingCa[] {
    return this.#issuingCas
  }

  /** Look again at what the store says of the issuing CAs: somebody may have gone on with a rotation. */
  async refreshIssuingCas(): Promise<void> {
    this.#issuingCas = await loadIssuingCas(this.home, this.deployment, this.store)
    this.#publisher = undefined
  }

  /** The certificate that signs the trust directory. */
  get publisher(): Certificate {
    this.#publisher ??= onlyCertificate(join(this.home, HOME_FILES.publisher))
    return this.#publisher
  }

  mapping(): Mapping {
    return parseMapping(readFileText(join(this.home, HOME_FILES.mapping)))
  }

  /**
   * The time to put into what is signed.
   *
   * @throws {@link StoreError} `ERR_CLOCK_SUSPECT` if the clock went back behind the last entry of the log
   */
  async now(): Promise<Date> {
    const now = readClock(this.#clock)
    const head = await this.store.logHead()
    const [last] = head.sequence === 0 ? [] : await this.store.logEntries(head.sequence, 1)
    if (last !== undefined && now.getTime() < Date.parse(last.at) - CLOCK_STEP_SECONDS * 1000) {
      throw new StoreError('ERR_CLOCK_SUSPECT', 'the clock of this machine is behind the issuance log', {
        details: { clock: now.toISOString(), log: last.at },
        hint: 'set the clock of this machine, then try again',
      })
    }
    return now
  }

  /**
   * Open the key of the CA that issues. Where others are to trust further issuing CAs, the keys of those are opened, too,
   * so that their CRLs can be made: {@link crlKey}.
   *
   * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH` and the key codes
   */
  async issuingKey(passphrase: Passphrase | undefined): Promise<KeyProvider> {
    const [issuing, ...others] = this.issuingCas
    for (const { number, certificate, key } of others) {
      if (key === undefined || this.#otherKeys.has(number)) continue
      this.#otherKeys.set(number, await this.#key(key, certificate, passphrase))
    }
    return this.#key(issuing?.key ?? this.deployment.issuingKey, this.issuing, passphrase)
  }

  /**
   * The key with which an issuing CA signs its CRLs.
   *
   * @param issuingKey - That of the CA that issues.
   * @throws {@link UsageError} `ERR_PASSPHRASE_REQUIRED` where it is another's, and {@link issuingKey} has not opened it
   */
  crlKey({ number, certificate }: IssuingCa, issuingKey: KeyProvider): KeyProvider {
    const key = number === this.issuingCa.number ? issuingKey : this.#otherKeys.get(number)
    if (key !== undefined) return key
    throw new UsageError('ERR_PASSPHRASE_REQUIRED', `the key of ${certificate.subject.toString()} is not open`, {
      details: { issuingCa: String(number) },
      hint: 'open the keys of all issuing CAs with the passphrase of the authority: Authority.issuingKey',
    })
  }

  /** Open the key that signs the trust directory. */
  async publisherKey(passphrase: Passphrase | undefined): Promise<KeyProvider> {
    return this.#key(this.deployment.publisherKey, this.publisher, passphrase)
  }

  /** Whether opening a key takes a passphrase. */
  get needsPassphrase(): boolean {
    return this.issuingCas.some(({ key }) => key?.kind === 'file')
  }

  async close(): Promise<void> {
    await this.threads.close()
    await this.store.close()
  }

  async #key(
    location: KeyLocation,
    certificate: Certificate,
    passphrase: Passphrase | undefined,
  ): Promise<KeyProvider> {
    const key = await openKey(location, this.home, passphrase)
    if (!samePublicKey(key.publicKey, certificate.publicKey)) {
      throw new StoreError('ERR_KEY_CERT_MISMATCH', `the key is not the key of ${certificate.subject.toString()}`, {
        details: { certificate: certificate.fingerprint },
        hint: 'put back the key that belongs to the certificate',
      })
    }
    return key
  }
}

/** Open a key where it is. */
export async function openKey(
  location: KeyLocation,
  home: string,
  passphrase: Passphrase | undefined,
): Promise<KeyProvider> {
  if (location.kind === 'command') return CommandKeyProvider.open(location.command)
  if (passphrase === undefined) {
    throw new UsageError('ERR_PASSPHRASE_REQUIRED', 'the passphrase of the authority is needed and was not given', {
      hint: 'name a file that holds it: --passphrase-file, or SIGNET_PASSPHRASE_FILE',
    })
  }
  return openKeyFile(join(home, location.path), passphrase)
}

/** As the store has them; where it has none, the one of the files. */
async function loadIssuingCas(home: string, deployment: Deployment, store: Store): Promise<readonly IssuingCa[]> {
  const known = issuingCasOf(await store.issuingCas())
  if (known.length > 0) return known
  const certificate = onlyCertificate(join(home, HOME_FILES.issuing))
  return [{ number: 1, state: 'issuing', certificate, key: deployment.issuingKey, revokedAt: undefined }]
}

export function storePaths(home: string): StorePaths {
  return { database: join(home, HOME_FILES.database), head: join(home, HOME_FILES.head) }
}

function onlyCertificate(path: string): Certificate {
  const [certificate, second] = parseCertificates(readFileBytes(path))
  if (certificate === undefined || second !== undefined) {
    throw new EncodingError('ERR_CERTIFICATE_MALFORMED', `${path} does not hold one certificate`, { details: { path } })
  }
  return certificate
}
