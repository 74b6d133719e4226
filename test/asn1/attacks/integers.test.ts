/** Large integers: named attacks on serial numbers that become equal somewhere on their way. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { OID } from '../../../src/asn1/index.js'
import { parseSignedData, verifySignedData } from '../../../src/cms/index.js'
import {
  certIdOf,
  createOcspResponse,
  encodeOcspRequest,
  parseOcspRequest,
  parseSerialText,
  type RevokedCertificate,
} from '../../../src/x509/index.js'
import { createStore } from '../../../src/store/index.js'
import {
  type Holder,
  makeCertificate,
  makeCrl,
  NOT_AFTER,
  NOT_BEFORE,
  NOW,
  revoked,
} from '../../support/certificates.js'
import { buildSignedData, buildSigner } from '../../support/cms-builder.js'
import { makeDeployment } from '../../support/deployment.js'
import { editDer } from '../../support/der.js'
import { expectCode, expectCodeAsync } from '../../support/expect-code.js'
import { hierarchy, validate } from '../../support/hierarchy.js'
import { temporaryFolder } from '../../support/temporary.js'
import { readCrl, verdictOf } from './documents.js'

vi.setConfig({ testTimeout: 60_000 })

/** Canonical serial numbers, each next to one that floating point, a prefix or a cut makes equal to it. */
const SERIALS = [
  '01',
  '0100',
  '010000',
  'ff',
  'ff00',
  '20000000000000',
  '20000000000001',
  '20000000000002',
  'ffffffffffffffff',
  '010000000000000000',
  '010000000000000001',
  `7f${'00'.repeat(19)}`,
  `7f${'00'.repeat(18)}01`,
  `7f${'00'.repeat(18)}`,
  `01${'00'.repeat(19)}`,
  `40${'ab'.repeat(18)}cd`,
  `40${'ab'.repeat(18)}ce`,
  `40${'ab'.repeat(18)}`,
  `ab`.repeat(18),
]
const decimal = (serial: string): string => BigInt(`0x${serial}`).toString()
const pairs = SERIALS.flatMap((a) => SERIALS.filter((b) => a !== b).map((b) => [a, b] as const))

const { root, issuing } = hierarchy()
const holders: ReadonlyMap<string, Holder> = new Map(
  SERIALS.map((serialNumber) => [
    serialNumber,
    makeCertificate({ subject: 'node', issuer: issuing, purposes: [OID.kpServerAuth], serialNumber }),
  ]),
)
function holder(serial: string): Holder {
  const found = holders.get(serial)
  if (found === undefined) throw new Error('there is one')
  return found
}
const ofRoot = await makeCrl({ issuer: root })
/** Entries of a CRL are read in one of two ways, by their date among other things. */
const DATES = [NOT_BEFORE, NOW]
const entry = (serial: string, revocationDate: Date): RevokedCertificate => ({ ...revoked(serial), revocationDate })

describe('DER-17: serial numbers stay apart', () => {
  it('DER-17: in a certificate, in its text, and in JSON', () => {
    for (const serial of SERIALS) {
      const { certificate } = holder(serial)
      expect(certificate.serialNumber).toBe(serial)
      expect(JSON.parse(JSON.stringify({ serial: certificate.serialNumber }))).toEqual({ serial })
      expect(BigInt(`0x${certificate.serialNumber}`)).toBe(BigInt(decimal(serial)))
    }
    expect(new Set(SERIALS.map(decimal)).size).toBe(SERIALS.length)
  })

  it('DER-17: a CRL that revokes one revokes no other', async () => {
    for (const [serial, date] of SERIALS.flatMap((number) => DATES.map((day) => [number, day] as const))) {
      const crls = [ofRoot, await makeCrl({ issuer: issuing, revoked: [entry(serial, date)] })]
      for (const other of SERIALS) {
        const node = holder(other)
        const verdict = verdictOf(() => validate({ root, issuing, node }, { revocation: { crls } }))
        expect([serial, other, verdict]).toEqual([serial, other, serial === other ? 'ERR_REVOKED' : 'accepted'])
      }
    }
  })

  it('DER-17: a CRL of all but one revokes all but one', async () => {
    for (const [serial, date] of SERIALS.flatMap((number) => DATES.map((day) => [number, day] as const))) {
      const entries = SERIALS.filter((other) => other !== serial).map((other) => entry(other, date))
      const crls = [ofRoot, await makeCrl({ issuer: issuing, revoked: entries })]
      expect(validate({ root, issuing, node: holder(serial) }, { revocation: { crls } }).revocation).toBe('checked')
    }
  })

  it('DER-17: in a CRL, a serial number in a second form is no entry', async () => {
    const { der } = await makeCrl({ issuer: issuing, revoked: [entry('7f', NOW)] })
    for (const octets of [
      [2, 2, 0, 0x7f],
      [2, 3, 0, 0, 0x7f],
      [2, 1, 0xff],
      [2, 1, 0],
      [2, 0],
    ]) {
      expect(verdictOf(() => readCrl(editDer(der, [0, 5, 0, 0], () => Uint8Array.from(octets))))).toMatch(
        /^ERR_(CRL|SERIAL)_MALFORMED$/,
      )
    }
  })

  it('DER-17: in a CRL, a serial number stands once, whatever else its entries say', async () => {
    for (const serial of SERIALS) {
      for (const [first, second] of [DATES, DATES.toReversed(), [NOW, NOW], [NOT_BEFORE, NOT_BEFORE]]) {
        if (first === undefined || second === undefined) continue
        const twice = { issuer: issuing, revoked: [entry(serial, first), entry('05', NOW), entry(serial, second)] }
        await expectCodeAsync('ERR_CRL_MALFORMED', () => makeCrl(twice))
      }
    }
  })

  it('DER-17: OCSP answers for the one that was asked about', async () => {
    for (const [asked, other] of pairs) {
      const id = certIdOf(issuing.certificate, asked)
      expect(parseOcspRequest(encodeOcspRequest([id])).questions.map(({ serialNumber }) => serialNumber)).toEqual([
        asked,
      ])
      if (asked.length < 38 && other.length < 38) continue
      const response = await createOcspResponse(
        {
          signer: issuing.certificate,
          producedAt: NOW,
          answers: [{ id, status: { kind: 'good' }, thisUpdate: NOW, nextUpdate: NOT_AFTER }],
          certificates: [],
        },
        issuing.key,
      )
      const revocation = { crls: [ofRoot], ocspResponses: [response] }
      expect(validate({ root, issuing, node: holder(asked) }, { revocation }).revocation).toBe('checked')
      expectCode('ERR_REVOCATION_UNKNOWN', () => validate({ root, issuing, node: holder(other) }, { revocation }))
    }
  })

  it('DER-17: a signer that is named by issuer and serial number is that one', () => {
    const content = Buffer.from('content')
    const request = {
      anchors: [root.certificate],
      certificates: [issuing.certificate, ...[...holders.values()].map(({ certificate }) => certificate)],
      purpose: 'server',
      revocation: 'allow-unchecked',
      at: NOW,
    } as const
    for (const serial of SERIALS) {
      const signer = buildSigner({ content, holder: holder(serial), identifier: 'issuerAndSerialNumber' })
      const document = buildSignedData({ eContent: content, signers: [signer] })
      expect(parseSignedData(document).signerInfos[0]?.sid).toMatchObject({ serialNumber: serial })
      expect(verifySignedData(document, request).signers[0]?.certificate.serialNumber).toBe(serial)
      const others = request.certificates.filter(({ serialNumber }) => serialNumber !== serial)
      expectCode('ERR_CMS_SIGNER_UNKNOWN', () => verifySignedData(document, { ...request, certificates: others }))
    }
  })

  it('DER-17: as text: hexadecimal and decimal of the same number are one, all others are none', () => {
    for (const serial of SERIALS) {
      const forms = [
        serial,
        serial.toUpperCase(),
        `0x${serial}`,
        `0000${serial}`,
        (serial.match(/../g) ?? []).join(':'),
        (serial.match(/../g) ?? []).join(' ').toUpperCase(),
        `dec:${decimal(serial)}`,
        `dec:000${decimal(serial)}`.slice(0, 53),
      ]
      for (const form of forms) {
        if (form.startsWith('dec:000') && !form.endsWith(decimal(serial))) continue
        expect([form, parseSerialText(form)]).toEqual([form, serial])
      }
    }
    for (const text of [
      '',
      'dec:',
      'dec:-1',
      'dec:1.0',
      'dec:1e3',
      'dec:0x10',
      'dec:ff',
      'DEC:5',
      '1e+21',
      '-1',
      '+1',
    ]) {
      expectCode('ERR_SERIAL_MALFORMED', () => parseSerialText(text))
    }
    for (const text of [`dec:${'9'.repeat(50)}`, 'f'.repeat(129), '12g4', '0x', '1,000', 'Infinity', 'NaN']) {
      expectCode('ERR_SERIAL_MALFORMED', () => parseSerialText(text))
    }
  })

  it('DER-17: in the store: found by all of it, and by nothing less', async () => {
    const home = join(temporaryFolder(), 'store')
    mkdirSync(home)
    const store = await createStore({ database: join(home, 'store.db'), head: join(home, 'store.head') })
    afterAll(() => store.close())
    await store.transaction(async (transaction) => {
      for (const serialNumber of SERIALS) {
        const common = { serialNumber, entityId: 'a', profile: 'peer' }
        await transaction.insertIntents([{ ...common, tbsDigest: 'd', createdAt: NOW.toISOString(), issuer: 1 }])
        await transaction.insertCertificates([
          {
            ...common,
            keyIdentifier: `k${serialNumber}`,
            spkiDigest: `s${serialNumber}`,
            subjectDigest: 'd',
            fingerprint: holder(serialNumber).certificate.fingerprint,
            notBefore: NOW.toISOString(),
            notAfter: NOT_AFTER.toISOString(),
            der: holder(serialNumber).certificate.der,
            issuer: 1,
            keySource: null,
          },
        ])
        await transaction.log(NOW, 'test', { serialNumber })
      }
    })
    for (const serial of SERIALS) {
      const found = await store.certificate(serial)
      expect(found?.certificate.serialNumber).toBe(serial)
      expect(found?.certificate.fingerprint).toBe(holder(serial).certificate.fingerprint)
    }
    for (const other of ['1', '00', '1.0', '01 ', '100', `${SERIALS.at(-1) ?? ''}00`, 'FF', '%', '_1']) {
      expect(await store.certificate(other)).toBeUndefined()
    }
  })

  it('DER-17: on the command line, in JSON and in the log', async () => {
    const cloud = await makeDeployment({ entities: [{ id: 'a' }, { id: 'b' }] })
    const list = async (): Promise<readonly { serialNumber: string; revoked: string | null }[]> => {
      const { json } = await cloud.signet('cert list --json')
      return json['certificates'] as { serialNumber: string; revoked: string | null }[]
    }
    const leaves = (await list()).filter(({ serialNumber }) => serialNumber.length === 40)
    const [first, second, third] = leaves.map(({ serialNumber }) => serialNumber)
    if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
    const neighbour = (BigInt(`0x${first}`) ^ 1n).toString(16)
    const near = [first.slice(0, -2), first.slice(2), `${first.slice(0, -1)}0${first.slice(-1)}`, neighbour]
    for (const serial of [...near, `dec:${Number(BigInt(`0x${first}`)).toString()}`, `dec:${decimal(neighbour)}`]) {
      const { errorCode } = await cloud.run(['revoke', '--serial', serial])
      expect(errorCode).toMatch(/^ERR_(CERTIFICATE_UNKNOWN|SERIAL_MALFORMED)$/)
    }
    expect((await list()).filter(({ revoked: reason }) => reason !== null)).toEqual([])
    await cloud.signet(['revoke', '--serial', (first.match(/../g) ?? []).join(':').toUpperCase()])
    await cloud.signet(['revoke', '--serial', `dec:${decimal(second)}`])
    const gone = (await list()).filter(({ revoked: reason }) => reason !== null)
    expect(gone.map(({ serialNumber }) => serialNumber).sort()).toEqual([first, second].sort())
    await cloud.signet('crl publish --out crls.pem')
    const listed = cloud.crls.flatMap((crl) => crl.revokedCertificates.map(({ serialNumber }) => serialNumber))
    expect(listed.sort()).toEqual([first, second].sort())
    await cloud.signet('audit export --out log.ndjson')
    const log = cloud.read('log.ndjson').toString('utf8')
    for (const serial of [first, second, third]) expect(log).toContain(serial)
    expect((await cloud.signet('audit verify')).code).toBe(0)
  })
})
