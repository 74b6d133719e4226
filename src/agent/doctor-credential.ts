/**
 * Looking at a credential directory: what is broken, and what will be.
 *
 * @module agent/doctor-credential (floor 7.4)
 */
import { lstatSync, readlinkSync, statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { isForTls, type Readers } from '../credential/index.js'
import { isSignetError } from '../errors/index.js'
import { readFileText } from '../files/index.js'
import { validatePath } from '../path/index.js'
import { addSeconds, MINUTE } from '../time/index.js'
import type { Certificate } from '../x509/index.js'
import { brokenBy, type Finding, judgeSpan, type Outlook, type Severity } from './finding.js'
import { isOf, isSignedBy } from './newer-crls.js'
import { type Present, presentCredential } from './present.js'
import { isRoot } from './trusted-cas.js'

/** How far a file may be from the future before the clock is called wrong. */
const SKEW_SECONDS = 5 * MINUTE

/** Look at a credential directory, or a folder that is itself a version. Changes nothing. */
export function examineCredential(directory: string, outlook: Outlook): readonly Finding[] {
  const findings: Finding[] = []
  const link = join(directory, 'current')
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return [finding('broken', directory, 'directory', 'there is no such folder')]
  }
  if (
    lstatSync(link, { throwIfNoEntry: false }) !== undefined &&
    statSync(link, { throwIfNoEntry: false }) === undefined
  ) {
    return [finding('broken', link, 'current', `it points at ${readlinkSync(link)}, which is not there`)]
  }
  let present: Present | undefined
  try {
    present = presentVersionOf(directory, link)
  } catch (error) {
    findings.push(brokenBy(error, directory, 'credential'))
  }
  findings.push(...examineModes(directory, present?.readers))
  if (present === undefined) {
    return findings.length > 0 ? findings : [finding('broken', directory, 'current', 'there is no version in it')]
  }
  return [
    ...findings,
    ...examineFiles(present),
    ...examineClock(present, outlook.at),
    examineCertificate(present, outlook),
    ...examinePath(present, outlook),
    ...examineCas(present, outlook),
  ]
}

/** Named as servers name it, whichever version that is. */
function presentVersionOf(directory: string, link: string): Present | undefined {
  const present = presentCredential(directory)
  return present === undefined ? presentVersion(directory) : { ...present, folder: link }
}

/** A version that somebody copied to where it is. */
function presentVersion(folder: string): Present | undefined {
  return lstatSync(join(folder, 'fullchain.pem'), { throwIfNoEntry: false }) === undefined
    ? undefined
    : presentCredential(folder, 'version')
}

function examineModes(directory: string, readers: Readers | undefined): readonly Finding[] {
  const findings: Finding[] = []
  const look = (path: string, allowed: number, what: string, worst: Severity): void => {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return
    const mode = stats.mode & 0o777
    const isGroup = readers !== undefined && stats.gid === readers.gid
    const excess = mode & ~(allowed | (isGroup ? (allowed >> 3) & 0o050 : 0))
    if ((excess & 0o022) !== 0) findings.push(loose('broken', path, what, mode, 'can be changed by others'))
    else if ((excess & 0o077) !== 0) findings.push(loose(worst, path, what, mode, 'is open to others'))
    if (!isOurs(stats)) {
      findings.push(
        finding('broken', path, what, `belongs to the user ${stats.uid}`, 'chown it to root, or to who runs this'),
      )
    }
  }
  for (const folder of ['', 'versions', 'current']) look(join(directory, folder), 0o700, 'folder', 'soon')
  for (const name of ['key.pem', 'combined.pem']) look(join(directory, 'current', name), 0o600, 'key', 'broken')
  return findings
}

function loose(severity: Severity, path: string, what: string, mode: number, why: string): Finding {
  const text = mode.toString(8).padStart(4, '0')
  return finding(severity, path, what, `it ${why}: mode ${text}`, `chmod go= ${path}, or deliver again with --group`)
}

function isOurs({ uid }: Stats): boolean {
  return uid === 0 || uid === process.geteuid?.()
}

function examineFiles({ folder, certificate }: Present): readonly Finding[] {
  if (!isForTls(certificate)) return []
  const combined = join(folder, 'combined.pem')
  const text = (name: string): string => readFileText(join(folder, name))
  try {
    if (text('combined.pem') === text('key.pem') + text('fullchain.pem')) return []
    return [finding('broken', combined, 'key', 'it is not key.pem and fullchain.pem together')]
  } catch (error) {
    if (!isSignetError(error)) throw error
    return [finding('soon', combined, 'key', 'there is none: servers that read one file cannot use this')]
  }
}

/** The clock against the times that others have set: a file from the future was written, or signed, by a clock that is ahead. */
function examineClock({ folder, crls }: Present, at: Date): readonly Finding[] {
  const latest = addSeconds(at, SKEW_SECONDS)
  const times: readonly (readonly [what: string, time: Date])[] = [
    ['the files', statSync(folder).mtime],
    ...crls.map((crl) => [`the CRL of ${crl.issuer.toString()}`, crl.thisUpdate] as const),
  ]
  return times
    .filter(([, time]) => time > latest)
    .map(([what, time]) =>
      finding('broken', folder, 'clock', `${what} are of ${time.toISOString()}: the clock is behind`, 'set the clock'),
    )
}

function examineCertificate({ certificate, folder, uri }: Present, outlook: Outlook): Finding {
  const { severity, when } = judgeSpan(outlook, certificate.notBefore, certificate.notAfter)
  return {
    ...finding(severity, join(folder, 'cert.pem'), 'certificate', `${uri} ${when}`),
    until: certificate.notAfter,
    ...(severity === 'ok' ? {} : { hint: 'signet renew, or see why the agent does not' }),
  }
}

function examinePath({ certificate, chain, caBundle, crls, folder }: Present, { at }: Outlook): readonly Finding[] {
  const anchors = caBundle.filter(isRoot)
  const request = { anchors, intermediates: [...chain, ...caBundle], purpose: 'allow-any' } as const
  try {
    // Apart from time, which is judged one by one.
    validatePath(certificate, { ...request, at: certificate.notAfter, revocation: 'allow-unchecked' })
  } catch (error) {
    return [brokenBy(error, join(folder, 'ca-bundle.pem'), 'path')]
  }
  try {
    validatePath(certificate, { ...request, at, revocation: { crls } })
    return []
  } catch (error) {
    const isTold =
      isSignetError(error) &&
      ['ERR_PATH_EXPIRED', 'ERR_PATH_NOT_YET_VALID', 'ERR_REVOCATION_UNKNOWN'].includes(error.code)
    return isTold ? [] : [brokenBy(error, join(folder, 'cert.pem'), 'path')]
  }
}

/** Each CA that is trusted, and its CRL: servers refuse whomever a CA without one issued, and some of them everybody. */
function examineCas({ caBundle, crls, folder }: Present, outlook: Outlook): readonly Finding[] {
  return caBundle.flatMap((ca) => {
    const name = ca.subject.toString()
    const { severity, when } = judgeSpan(outlook, ca.notBefore, ca.notAfter)
    return [
      { ...finding(severity, join(folder, 'ca-bundle.pem'), 'ca', `${name} ${when}`), until: ca.notAfter },
      examineCrl(ca, crls, join(folder, 'crls.pem'), outlook),
    ]
  })
}

function examineCrl(ca: Certificate, crls: Present['crls'], path: string, outlook: Outlook): Finding {
  const name = ca.subject.toString()
  const hint = 'signet crl publish, and see that it comes here'
  const crl = crls.find((one) => isOf(one, ca) && isSignedBy(one, ca))
  if (crl === undefined) return finding('broken', path, 'crl', `there is no CRL of ${name}`, hint)
  const { severity, when } = judgeSpan(outlook, crl.thisUpdate, crl.currentUntil)
  return {
    ...finding(severity, path, 'crl', `${name} ${when}`),
    until: crl.currentUntil,
    ...(severity === 'ok' ? {} : { hint }),
  }
}

function finding(severity: Severity, subject: string, what: string, message: string, hint?: string): Finding {
  return { severity, subject, what, message, ...(hint === undefined ? {} : { hint }) }
}
