/**
 * An agent: keeps the credential directories of its configuration fresh, one pass after another.
 *
 * @module agent/agent (floor 7.4)
 */
import { groupId } from '../credential/index.js'
import { ERROR_CODES, EXIT_CODES, isSignetError, type SignetError } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import { addSeconds, type Clock, readClock } from '../time/index.js'
import type { TrustDirectory } from '../trust/index.js'
import { type Certificate, parseCertificates } from '../x509/index.js'
import { authoritySource } from './authority-source.js'
import { commandSource } from './command-source.js'
import type { AgentConfiguration, CredentialConfiguration, SourceConfiguration } from './configuration.js'
import type { AgentListener } from './event.js'
import { type Lock, lockDirectory } from './lock.js'
import { writeMetrics } from './metrics.js'
import { fetchOffered } from './offered.js'
import { type Probe, handshakeProbe, type Wait } from './probe.js'
import { refreshCredential } from './refresh.js'
import type { CredentialSource } from './source.js'
import { type AgentStatus, type CredentialStatus, type LastError, readStatus, writeStatus } from './status.js'
import { isRoot } from './trusted-cas.js'

/** What an agent has from outside. */
export interface AgentEnvironment {
  readonly clock: Clock
  /** From 0, below 1: how much of a wait is left to chance. */
  readonly random: () => number
  readonly listener: AgentListener
  /** Default: a handshake. */
  readonly probe?: Probe
  /** Default: by a timer. */
  readonly wait?: Wait
  /** Default: the authority or the program that the configuration names. */
  readonly sourceOf?: (source: SourceConfiguration) => CredentialSource
}

/** What came of a pass. */
export interface PassReport {
  readonly status: AgentStatus
  /** 0 where everything is fresh; else that of the first error. */
  readonly exitCode: number
  /** When the next pass is due, if something is to be tried before the usual time. */
  readonly next: Date | undefined
}

export interface PassOptions {
  /** `'now'` renews whatever the time. Default `'due'`. */
  readonly renew?: 'due' | 'now'
}

/**
 * Take charge of credential directories. Nobody else may until {@link Agent.close}.
 *
 * @throws {@link StoreError} `ERR_STORE_LOCKED`
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS` for a directory that holds something else
 */
export function openAgent(configuration: AgentConfiguration, environment: AgentEnvironment): Agent {
  return new Agent(configuration, environment)
}

/** Made by {@link openAgent}. */
export class Agent {
  #configuration: AgentConfiguration
  readonly #environment: AgentEnvironment
  #locks = new Map<string, Lock>()

  constructor(configuration: AgentConfiguration, environment: AgentEnvironment) {
    this.#configuration = configuration
    this.#environment = environment
    this.#locks = locksFor(configuration, this.#locks)
  }

  get configuration(): AgentConfiguration {
    return this.#configuration
  }

  /**
   * Go on with another configuration. Where a directory of it cannot be had, nothing changes.
   *
   * @throws as {@link openAgent}
   */
  reconfigure(configuration: AgentConfiguration): void {
    this.#locks = locksFor(configuration, this.#locks)
    this.#configuration = configuration
  }

  /**
   * Look at everything once, and bring up to date what can be.
   *
   * @throws {@link StoreError} `ERR_CLOCK_SUSPECT`, `ERR_FILE_WRITE` where the status cannot be written
   */
  async pass({ renew = 'due' }: PassOptions = {}): Promise<PassReport> {
    const { clock, listener, random, probe = handshakeProbe, wait = byTimer } = this.#environment
    const configuration = this.#configuration
    const at = readClock(clock)
    const problems: (LastError & { what: string })[] = []
    const onProblem = (what: string, error: SignetError): void => {
      problems.push({ what, ...lastError(error, at) })
      listener({ event: 'problem', what, error: error.toJSON() })
    }
    const memory = this.#remembered(onProblem)
    const sourceOf = this.#sources()
    const { credentials } = configuration
    const sources = new Set(credentials.map((item) => sourceOf(item)))
    const offered = await fetchOffered(configuration, [...sources], clock, onProblem)
    const trust = this.#tellTrust(offered.directory)
    const around = {
      ...{ at, renew, sourceOf, probe, wait, random },
      anchors: this.#anchors(onProblem),
      crls: offered.crls,
      casOf: (item: CredentialConfiguration) =>
        offered.directory === undefined ? offered.cas.get(sourceOf(item)) : casIn(offered.directory),
      readersOf: ({ group }: CredentialConfiguration) => (group === undefined ? undefined : { gid: groupId(group) }),
      tell: listener,
    }
    const statuses: CredentialStatus[] = []
    for (const item of credentials) {
      statuses.push(await refreshCredential(item, memory.get(item.directory) ?? unknownYet(item), around))
    }
    const status: AgentStatus = { schema: 1, at: at.toISOString(), trust, problems, credentials: statuses }
    // First, so that the status says where they could not be written.
    this.#writeMetrics(status, onProblem)
    writeStatus(configuration.status, status)
    const report = { status, exitCode: exitCodeOf(status), next: nextOf(statuses, at) }
    listener({ event: 'passed', exitCode: report.exitCode, next: report.next?.toISOString() ?? null })
    return report
  }

  /** Let the directories go. */
  close(): void {
    for (const lock of this.#locks.values()) lock.release()
    this.#locks.clear()
  }

  #remembered(onProblem: (what: string, error: SignetError) => void): ReadonlyMap<string, CredentialStatus> {
    try {
      const before = readStatus(this.#configuration.status)
      return new Map(before?.credentials.map((one) => [one.directory, one]))
    } catch (error) {
      // What is lost is only how long to wait, and that a server may have to be reloaded, which the probe sees.
      if (!isSignetError(error)) throw error
      onProblem('status', error)
      return new Map()
    }
  }

  /** One source for all credentials that have the same. */
  #sources(): (item: CredentialConfiguration) => CredentialSource {
    const { clock } = this.#environment
    const made = new Map<string, CredentialSource>()
    const make =
      this.#environment.sourceOf ??
      ((source: SourceConfiguration) =>
        source.kind === 'command'
          ? commandSource(source.command, source.timeoutSeconds)
          : authoritySource(source.home, source.passphraseFile, clock))
    return ({ source }) => {
      const key = JSON.stringify(source)
      const known = made.get(key) ?? make(source)
      made.set(key, known)
      return known
    }
  }

  #anchors(onProblem: (what: string, error: SignetError) => void): readonly Certificate[] {
    const { anchors } = this.#configuration
    if (anchors === undefined) return []
    try {
      return parseCertificates(readFileBytes(anchors)).filter(isRoot)
    } catch (error) {
      if (!isSignetError(error)) throw error
      onProblem('anchors', error)
      return []
    }
  }

  #tellTrust(directory: TrustDirectory | undefined): AgentStatus['trust'] {
    if (directory === undefined) return null
    const facts = { sequence: directory.sequence, nextUpdate: directory.nextUpdate.toISOString() }
    this.#environment.listener({ event: 'trust-directory', ...facts })
    return facts
  }

  #writeMetrics(status: AgentStatus, onProblem: (what: string, error: SignetError) => void): void {
    const { metrics } = this.#configuration
    if (metrics === undefined) return
    try {
      writeMetrics(metrics, status)
    } catch (error) {
      if (!isSignetError(error)) throw error
      onProblem('metrics', error)
    }
  }
}

/** Locks for all directories of a configuration: those held go on, those not wanted any more are let go. */
function locksFor({ credentials }: AgentConfiguration, held: ReadonlyMap<string, Lock>): Map<string, Lock> {
  const wanted = new Map<string, Lock>()
  const taken: Lock[] = []
  try {
    for (const { directory } of credentials) {
      const known = held.get(directory)
      const lock = known ?? lockDirectory(directory)
      if (known === undefined) taken.push(lock)
      wanted.set(directory, lock)
    }
  } catch (error) {
    for (const lock of taken) lock.release()
    throw error
  }
  for (const [directory, lock] of held) if (!wanted.has(directory)) lock.release()
  return wanted
}

function casIn({ authorities, anchors }: TrustDirectory): readonly Certificate[] {
  return [...authorities, ...anchors]
}

function unknownYet({ directory, entity, profile }: CredentialConfiguration): CredentialStatus {
  return {
    ...{ directory, entity, profile: profile.name, failures: 0, reloadOwed: false },
    ...{ serialNumber: null, uri: null, notAfter: null, renewAt: null, crlNextUpdate: null },
    ...{ lastError: null, nextAttempt: null },
  }
}

function lastError(error: SignetError, at: Date): LastError {
  return { code: error.code, message: error.message, exitCode: error.exitCode, at: at.toISOString() }
}

function exitCodeOf({ problems, credentials }: AgentStatus): number {
  const errors = [...credentials.map((one) => one.lastError), ...problems].filter((error) => error !== null)
  const [first] = errors
  // A status may have been written by another version, with a code that is not known here.
  return first === undefined ? 0 : first.code in ERROR_CODES ? first.exitCode : EXIT_CODES.internal
}

/** The first thing that is due before anything else happens. */
function nextOf(statuses: readonly CredentialStatus[], at: Date): Date | undefined {
  const instants = statuses.flatMap(({ nextAttempt, renewAt }) => [nextAttempt ?? renewAt])
  const times = instants.flatMap((instant) => (instant === null ? [] : [Date.parse(instant)]))
  return times.length === 0 ? undefined : new Date(Math.max(Math.min(...times), addSeconds(at, 1).getTime()))
}

function byTimer(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
