/**
 * A path, explained: for people as a list of rules under each certificate, and as JSON.
 *
 * @module cli/explanation (floor 8)
 */
import { type ExaminedPath, type Finding, type PathExplanation, RULES } from '../path/index.js'
import type { Certificate } from '../x509/index.js'

export function explanationJson({ findings, examined, leftAside }: PathExplanation): Record<string, unknown> {
  return {
    target: findings.map(findingJson),
    paths: examined.map((path) => ({
      valid: isValid(path),
      // In the order in which they are validated: anchor first.
      certificates: path.certificates.toReversed().map((certificate) => ({
        role: roleOf(certificate, path),
        subject: certificate.subject.toString(),
        serialNumber: certificate.serialNumber,
        fingerprint: certificate.fingerprint,
        rules: path.findings.filter((finding) => finding.certificate === certificate).map(findingJson),
      })),
    })),
    notTheIssuer: leftAside.map(({ certificate, issuer, error }) => ({
      certificate: certificate.fingerprint,
      issuer: issuer.fingerprint,
      code: error.code,
      message: error.message,
    })),
  }
}

function findingJson({ rule, error }: Finding): Record<string, unknown> {
  const { section, text } = RULES[rule]
  const kept = { rule, section, asks: text, outcome: error === undefined ? 'pass' : 'fail' }
  return error === undefined ? kept : { ...kept, code: error.code, message: error.message, details: error.details }
}

export function explanationText(explanation: PathExplanation): string {
  const { findings, examined, leftAside } = explanation
  const count = examined.length
  return [
    ...findings.map(findingText),
    ...examined.map((path, index) => pathText(path, `path ${index + 1} of ${count}`)),
    ...(count === 0 ? ['no chain of certificates leads to a trust anchor'] : []),
    ...leftAside.map(({ certificate, issuer, error }) =>
      [
        `not the issuer of ${nameOf(certificate)}:`,
        `  ${nameOf(issuer)}, serial number ${issuer.serialNumber}`,
        `  ${error.message}  [${error.code}]`,
      ].join('\n'),
    ),
  ].join('\n\n')
}

function pathText(path: ExaminedPath, heading: string): string {
  const lines = path.certificates
    .toReversed()
    .flatMap((certificate) => [
      `  ${roleOf(certificate, path)}  ${nameOf(certificate)}`,
      ...path.findings
        .filter((finding) => finding.certificate === certificate)
        .map((finding) => `    ${findingText(finding)}`),
    ])
  return [`${heading}: ${isValid(path) ? 'valid' : 'refused'}`, ...lines].join('\n')
}

const RULE_WIDTH = Math.max(...Object.keys(RULES).map((name) => name.length))

function findingText({ rule, error }: Finding): string {
  const { section, text } = RULES[rule]
  const said = error === undefined ? text : `${error.message}  [${error.code}]`
  return `${error === undefined ? 'pass' : 'FAIL'}  ${rule.padEnd(RULE_WIDTH)}  ${said}  (${section})`
}

function isValid({ findings }: ExaminedPath): boolean {
  return findings.every(({ error }) => error === undefined)
}

function roleOf(certificate: Certificate, { certificates }: ExaminedPath): 'anchor' | 'CA' | 'end entity' {
  if (certificate === certificates[0]) return 'end entity'
  return certificate === certificates.at(-1) ? 'anchor' : 'CA'
}

function nameOf({ subject, serialNumber }: Certificate): string {
  return subject.isEmpty ? `serial number ${serialNumber}` : subject.toString()
}
