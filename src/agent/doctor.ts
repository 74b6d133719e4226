/**
 * A doctor: looks at everything that ends or can be wrong on a machine, and says what will break when.
 *
 * @module agent/doctor (floor 7.4)
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Authority, HOME_FILES, latestCrl } from '../authority/index.js'
import { isSignetError } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import { addSeconds, type Clock } from '../time/index.js'
import { openTrustCache } from '../trust/index.js'
import { type Certificate, parseCertificates } from '../x509/index.js'
import type { AgentConfiguration, TrustConfiguration } from './configuration.js'
import { examineCredential } from './doctor-credential.js'
import { brokenBy, type Finding, judgeSpan, type Outlook, worstFirst } from './finding.js'
import { readStatus } from './status.js'

/** What a doctor is to look at. */
export interface Examination {
  /** Credential directories. */
  readonly directories: readonly string[]
  readonly configuration?: AgentConfiguration | undefined
  /** The home of an authority. */
  readonly home?: string | undefined
  readonly clock: Clock
  readonly withinSeconds?: number | undefined
}

/** An agent that has missed so many passes does not run. */
const MISSED_PASSES = 3

/**
 * Look at credential directories, at what an agent keeps, and at an authority.
 *
 * Believes nothing and changes nothing; asks nobody over the network.
 *
 * @returns The worst first.
 */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  const { directories, configuration, home, clock, withinSeconds } = examination
  const outlook = { at: clock.now(), withinSeconds }
  const all = [...directories, ...(configuration?.credentials.map(({ directory }) => directory) ?? [])]
  return worstFirst([
    ...[...new Set(all)].flatMap((directory) => examineCredential(directory, outlook)),
    ...(configuration === undefined ? [] : examineAgent(configuration, clock, outlook)),
    ...(home === undefined ? [] : await examineHome(home, clock, outlook)),
  ])
}

function examineAgent(configuration: AgentConfiguration, clock: Clock, outlook: Outlook): readonly Finding[] {
  const { trust } = configuration
  return [
    ...examineStatus(configuration, outlook),
    ...(trust === undefined ? [] : [examineTrust(trust, clock, outlook)]),
  ]
}

function examineStatus({ status: path, everySeconds }: AgentConfiguration, { at }: Outlook): readonly Finding[] {
  const about = { subject: path, what: 'agent' }
  try {
    const status = readStatus(path)
    if (status === undefined) return [{ ...about, severity: 'broken', message: 'the agent has not run yet' }]
    const findings: Finding[] = []
    const last = new Date(status.at)
    if (last > addSeconds(at, everySeconds)) {
      findings.push({
        ...about,
        severity: 'broken',
        message: `it ran last at ${status.at}, which is to come: is the clock right?`,
      })
    } else if (addSeconds(last, MISSED_PASSES * everySeconds) < at) {
      findings.push({
        ...about,
        severity: 'broken',
        message: `it ran last at ${status.at}`,
        hint: 'systemctl status signet-agent',
      })
    } else findings.push({ ...about, severity: 'ok', message: `it ran last at ${status.at}` })
    for (const { what, code, message } of status.problems) {
      findings.push({ ...about, severity: 'soon', message: `${what}: ${message} [${code}]` })
    }
    for (const { directory, lastError } of status.credentials) {
      if (lastError === null) continue
      const message = `the agent: ${lastError.message} [${lastError.code}]`
      findings.push({ severity: 'soon', subject: directory, what: 'agent', message })
    }
    return findings
  } catch (error) {
    return [brokenBy(error, path, 'agent')]
  }
}

function examineTrust({ cache: path, pin }: TrustConfiguration, clock: Clock, outlook: Outlook): Finding {
  try {
    const { sequence, issuedAt, nextUpdate } = openTrustCache(path, { pin, clock }).reload()
    const { severity, when } = judgeSpan(outlook, issuedAt, nextUpdate)
    return { severity, subject: path, what: 'trust', message: `number ${sequence} ${when}`, until: nextUpdate }
  } catch (error) {
    return brokenBy(error, path, 'trust')
  }
}

async function examineHome(home: string, clock: Clock, outlook: Outlook): Promise<readonly Finding[]> {
  const findings: Finding[] = [...examineHomeModes(home)]
  for (const name of [HOME_FILES.root, HOME_FILES.publisher]) {
    findings.push(...examineCertificates(join(home, name), outlook))
  }
  try {
    const authority = await Authority.open(home, clock)
    try {
      await authority.now()
      const { authorities, root } = authority
      findings.push(...authorities.map((ca) => examineCa(ca, home, outlook)))
      for (const ca of [...authorities, root]) findings.push(await examineLatestCrl(authority, ca, outlook))
    } finally {
      await authority.close()
    }
  } catch (error) {
    findings.push(brokenBy(error, home, 'home'))
  }
  return findings
}

async function examineLatestCrl(authority: Authority, ca: Certificate, outlook: Outlook): Promise<Finding> {
  const about = { subject: authority.home, what: 'crl' }
  const name = ca.subject.toString()
  const crl = await latestCrl(authority, ca)
  const hint = ca === authority.root ? 'signet crl publish --root DIR' : 'signet crl publish'
  if (crl === undefined) return { ...about, severity: 'broken', message: `there is no CRL of ${name}`, hint }
  const { severity, when } = judgeSpan(outlook, crl.thisUpdate, crl.currentUntil)
  const message = `${name} ${when}`
  return { ...about, severity, message, until: crl.currentUntil, ...(severity === 'ok' ? {} : { hint }) }
}

function examineCertificates(path: string, outlook: Outlook): readonly Finding[] {
  try {
    return parseCertificates(readFileBytes(path)).map((certificate) => examineCa(certificate, path, outlook))
  } catch (error) {
    if (!isSignetError(error)) throw error
    return [brokenBy(error, path, 'ca')]
  }
}

function examineCa({ subject, notBefore, notAfter }: Certificate, path: string, outlook: Outlook): Finding {
  const { severity, when } = judgeSpan(outlook, notBefore, notAfter)
  return { severity, subject: path, what: 'ca', message: `${subject.toString()} ${when}`, until: notAfter }
}

function examineHomeModes(home: string): readonly Finding[] {
  const keys = existsSync(home) ? readdirSync(home).filter((name) => name.endsWith('.key.pem')) : []
  return ['', ...keys, HOME_FILES.database, HOME_FILES.head].flatMap((name): readonly Finding[] => {
    const path = join(home, name)
    if (!existsSync(path)) return []
    const mode = statSync(path).mode & 0o777
    if ((mode & 0o077) === 0) return []
    const message = `it is open to others: mode ${mode.toString(8).padStart(4, '0')}`
    return [{ severity: 'broken', subject: path, what: 'mode', message, hint: `chmod go= ${path}` }]
  })
}
