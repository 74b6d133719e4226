/**
 * Hostile octets (OpenSSL's fuzz corpora): every parser hands back a value or throws an error of ours, soon.
 *
 * @module test/conformance/suites/malformed
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { encodePem, normalizeBer, parsePem } from '../../../src/asn1/index.js'
import { parseForeignSignedData, parseSignedData } from '../../../src/cms/index.js'
import { decodePrivateKey, Passphrase } from '../../../src/crypto/index.js'
import {
  type Certificate,
  type Crl,
  formatGeneralName,
  parseCertificate,
  parseCertificates,
  parseCertificationRequest,
  parseCrl,
  parseCrls,
  parseOcspRequest,
  parseOcspResponse,
} from '../../../src/x509/index.js'
import { filesIn, readBytes } from '../files.js'
import { ACCEPT, attempt, type Case, type Suite, type Verdict } from '../suite.js'

export const malformed: Suite = {
  name: 'malformed',
  title: 'hostile octets for every parser',
  peers: '',
  load(corpora) {
    const folder = join(corpora, 'malformed')
    if (filesIn(folder, '') === undefined) return undefined
    const kinds = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return {
      cases: kinds.flatMap(({ name: kind }) =>
        (filesIn(join(folder, kind), '') ?? []).map((file): Case => ({
          id: `${kind}/${file}`,
          // Whether any parser takes it for something is not the question.
          expected: 'either',
          run: () => throughAll(readBytes(folder, kind, file)),
        })),
      ),
    }
  },
}

const MAX_MILLISECONDS = 1000
const MAX_GROWTH = 256 * 1024 * 1024

const PASSPHRASE = new Passphrase(Buffer.from('secret'))
const text = (input: Uint8Array): string => Buffer.from(input).toString('latin1')

/** Every parser that meets octets of strangers. */
const PARSERS: Readonly<Record<string, (input: Uint8Array) => unknown>> = {
  parseCertificate: (input) => readCertificate(parseCertificate(input)),
  parseCertificates: (input) => parseCertificates(input).map(readCertificate),
  parseCrl: (input) => readCrl(parseCrl(input)),
  parseCrls: (input) => parseCrls(input).map(readCrl),
  parseCertificationRequest,
  parseOcspRequest,
  parseOcspResponse,
  parsePem: (input) => parsePem(text(input)),
  decodePrivateKey: (input) => decodePrivateKey(text(input), PASSPHRASE),
  'decodePrivateKey in PEM': (input) => decodePrivateKey(encodePem('PRIVATE KEY', input)),
  normalizeBer,
  'parseCertificate of normalizeBer': (input) => readCertificate(parseCertificate(normalizeBer(input))),
  'parseCrl of normalizeBer': (input) => readCrl(parseCrl(normalizeBer(input))),
  parseSignedData,
  parseForeignSignedData,
}

/** Some parsers stand for the kind of document that the octets are none of: all are asked, and one acceptance counts. */
function throughAll(input: Uint8Array): Verdict {
  let verdict: Verdict = { got: 'reject' }
  for (const [name, parse] of Object.entries(PARSERS)) {
    // Processor time: a machine that others share may take long. Buffers: what parsers allocate is in them.
    const [before, start] = [process.memoryUsage().arrayBuffers, process.cpuUsage()]
    if (attempt(() => parse(input)) === ACCEPT) verdict = ACCEPT
    const { user, system } = process.cpuUsage(start)
    const milliseconds = (user + system) / 1000
    if (milliseconds > MAX_MILLISECONDS) return { got: 'slow', message: `${name} took ${milliseconds} ms` }
    const growth = process.memoryUsage().arrayBuffers - before
    if (growth > MAX_GROWTH) return { got: 'greedy', message: `${name} took ${growth} octets` }
  }
  return verdict
}

/** Ask for everything that is read only when asked for; each answer may be a refusal. */
function readCertificate(certificate: Certificate): void {
  attempt(() => certificate.publicKey)
  attempt(() => {
    certificate.readAllExtensions()
  })
  attempt(() => certificate.subjectAltName.map(formatGeneralName))
  for (const name of [certificate.subject, certificate.issuer]) attempt(() => [name.key, name.toString()])
}

function readCrl(crl: Crl): void {
  attempt(() => crl.crlNumber)
  attempt(() => crl.baseCrlNumber)
  attempt(() => crl.authorityKeyIdentifier)
  attempt(() => crl.issuingDistributionPoint)
  for (const { serialNumber } of crl.revokedCertificates) crl.find(serialNumber)
}
