/**
 * Keeping one credential fresh: one pass over it.
 *
 * CRLs first, then the certificate, then the server: so the version to go back to has the newest CRLs already, and nothing
 * that goes wrong afterwards takes them back.
 *
 * @module agent/refresh (floor 7.4)
 */
import { rollBackCredential } from '../credential/index.js'
import { InternalError, isSignetError, type SignetError, StaleError, StoreError, TrustError } from '../errors/index.js'
import { addSeconds } from '../time/index.js'
import { runCommand } from './command.js'
import type { CredentialConfiguration } from './configuration.js'
import { type Present, presentCredential } from './present.js'
import { requireServed } from './probe.js'
import { firstOver, recorded } from './recorded.js'
import { isDue, renewCredential } from './renewal.js'
import { LONGEST_RETRY_SECONDS } from './schedule.js'
import type { CredentialStatus } from './status.js'
import type { Surroundings } from './surroundings.js'
import { deliverTrust } from './trusted-cas.js'

/**
 * Bring a credential up to date as far as that is possible now. What goes wrong is told and recorded, and thrown only if it
 * is a bug.
 *
 * @param memory - What was known after the pass before.
 */
export async function refreshCredential(
  item: CredentialConfiguration,
  memory: CredentialStatus,
  around: Surroundings,
): Promise<CredentialStatus> {
  const pass = new Pass(item, memory, around)
  await pass.run()
  return pass.status()
}

class Pass {
  readonly #item: CredentialConfiguration
  readonly #memory: CredentialStatus
  readonly #around: Surroundings
  #present: Present | undefined
  #owed: boolean
  /** What failed of what was tried: it will be tried again, later each time. */
  #failed: SignetError | undefined
  /** What is wrong besides. */
  #wrong: SignetError | undefined
  #tried = false
  #isRevoked = false

  constructor(item: CredentialConfiguration, memory: CredentialStatus, around: Surroundings) {
    this.#item = item
    this.#memory = memory
    this.#around = around
    this.#owed = memory.reloadOwed
  }

  async run(): Promise<void> {
    this.#look()
    const isNewTrust = this.#bringTrust()
    const before = this.#present
    const isRenewed = await this.#renew()
    if (isNewTrust || isRenewed) this.#owed = true
    if (isRenewed) this.#look()
    if (this.#present === undefined) return
    if (!this.#owed) await this.#notice(this.#present)
    // New CRLs cannot wait for anything.
    if (this.#owed && (isNewTrust || isRenewed || !this.#isWaiting())) {
      await this.#takeUp(this.#present, isRenewed ? before : undefined)
    }
    this.#judge(this.#present)
  }

  #look(): void {
    this.#present = this.#guarded(() => presentCredential(this.#item.directory))
  }

  #bringTrust(): boolean {
    const present = this.#present
    if (present === undefined) return false
    const delivered = this.#guarded(() => deliverTrust(this.#item, present, this.#around))
    this.#isRevoked = this.#wrong?.code === 'ERR_REVOKED'
    this.#wrong ??= delivered?.refused[0]
    if (delivered?.isNew !== true) return false
    this.#look()
    const next = firstOver(this.#present)
    this.#around.tell({
      event: 'trust-delivered',
      directory: this.#item.directory,
      crlNextUpdate: next?.toISOString() ?? null,
    })
    return true
  }

  async #renew(): Promise<boolean> {
    const isWanted = this.#around.renew === 'now' || (this.#isDue() && !this.#isWaiting())
    if (!isWanted) return false
    this.#tried = true
    try {
      await renewCredential(this.#item, this.#present, this.#around)
    } catch (error) {
      this.#failed = expected(error)
      return false
    }
    // What was there before and could not be read is of no interest any more.
    this.#wrong = undefined
    const { certificate } = presentCredential(this.#item.directory) ?? missing(this.#item)
    this.#around.tell({
      event: 'renewed',
      directory: this.#item.directory,
      serialNumber: certificate.serialNumber,
      notAfter: certificate.notAfter.toISOString(),
    })
    return true
  }

  /** A server that answers with another certificate was not reloaded, whoever delivered this one. */
  async #notice({ certificate }: Present): Promise<void> {
    const { probe } = this.#item
    if (probe === undefined) return
    try {
      const served = await this.#around.probe.served(probe.server, probe.timeoutSeconds)
      this.#owed = !served.equals(certificate)
    } catch (error) {
      if (!isSignetError(error) || error.code !== 'ERR_TLS_CONNECTION') this.#wrong ??= expected(error)
    }
  }

  /** Have the server take up what is there. Where that fails with a new certificate, the one before is taken up again. */
  async #takeUp(present: Present, before: Present | undefined): Promise<void> {
    const { directory } = this.#item
    this.#tried = true
    const isUp = await this.#isUp()
    try {
      await this.#reload(present, isUp)
      this.#owed = false
    } catch (error) {
      this.#failed = expected(error)
      // Of a server that did not answer before, nobody knows whether it would with the certificate before.
      if (before !== undefined && isUp) await this.#goBack(before)
      return
    }
    this.#around.tell({ event: 'reloaded', directory })
  }

  /** Whether the server answers at all, before it is asked to take up anything. */
  async #isUp(): Promise<boolean> {
    const { probe } = this.#item
    if (probe === undefined) return true
    try {
      await this.#around.probe.served(probe.server, probe.timeoutSeconds)
      return true
    } catch (error) {
      return expected(error).code !== 'ERR_TLS_CONNECTION'
    }
  }

  async #goBack(before: Present): Promise<void> {
    const { directory } = this.#item
    rollBackCredential(directory, before.folder)
    this.#look()
    this.#around.tell({ event: 'rolled-back', directory, serialNumber: before.certificate.serialNumber })
    try {
      await this.#reload(before, true)
      this.#owed = false
    } catch (error) {
      // That it failed before is what is reported.
      expected(error)
    }
  }

  /** One that is stopped takes up the files when it starts: that is not waited for. */
  async #reload({ certificate }: Present, isUp: boolean): Promise<void> {
    const { reload, reloadSeconds, probe } = this.#item
    for (const command of reload) await runCommand(command, { timeoutSeconds: reloadSeconds })
    if (probe !== undefined && isUp) await requireServed(this.#around.probe, probe, certificate, this.#around.wait)
  }

  /** What is wrong with what is there, whatever was done. */
  #judge({ certificate }: Present): void {
    const { at } = this.#around
    const over = firstOver(this.#present)
    if (certificate.notBefore > at) {
      // The cause of whatever else is wrong.
      this.#wrong = new StoreError('ERR_CLOCK_SUSPECT', 'the clock is behind the beginning of the certificate', {
        details: { clock: at.toISOString(), notBefore: certificate.notBefore.toISOString() },
        hint: 'set the clock of this machine',
      })
    } else if (certificate.notAfter <= at) {
      this.#wrong ??= new TrustError('ERR_PATH_EXPIRED', 'the certificate has ended', {
        details: { notAfter: certificate.notAfter.toISOString() },
      })
    } else if (over !== undefined && over <= at) {
      this.#wrong ??= new StaleError('ERR_CRL_STALE', 'a CRL is over: servers refuse everybody, or ask no more', {
        details: { nextUpdate: over.toISOString() },
        hint: 'see that the authority publishes CRLs, and that they come here',
      })
    }
  }

  #isDue(): boolean {
    return this.#isRevoked || isDue(this.#item, this.#present, this.#around)
  }

  /** Whether it is too early to try again. A time that no failure of ours can have led to is none: the clock was wrong. */
  #isWaiting(): boolean {
    const { nextAttempt } = this.#memory
    const { at } = this.#around
    if (nextAttempt === null) return false
    const until = new Date(nextAttempt)
    return until > at && until <= addSeconds(at, LONGEST_RETRY_SECONDS)
  }

  #guarded<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      this.#wrong ??= expected(error)
      return undefined
    }
  }

  status(): CredentialStatus {
    const [failed, wrong] = [this.#failed, this.#wrong]
    const isStanding = !this.#tried && this.#memory.failures > 0 && (this.#owed || this.#isDue())
    const ended = { present: this.#present, reloadOwed: this.#owed, failed, wrong, isStanding }
    const status = recorded(this.#item, this.#memory, ended, this.#around)
    const error = failed ?? wrong
    if (error !== undefined) {
      const { directory, nextAttempt } = status
      this.#around.tell({ event: 'failed', directory, error: error.toJSON(), nextAttempt })
    }
    return status
  }
}

/** What is thrown on purpose; anything else is a bug, and goes on its way. */
function expected(error: unknown): SignetError {
  if (isSignetError(error) && !(error instanceof InternalError)) return error
  throw error
}

function missing({ directory }: CredentialConfiguration): never {
  throw new InternalError('ERR_INTERNAL', `nothing was delivered to ${directory}`)
}
