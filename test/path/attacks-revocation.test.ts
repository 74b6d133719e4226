/**
 * Named attacks on revocation, as whoever relies on a certificate meets them. What OCSP adds is in ocsp.test.ts, what is
 * read is in test/x509, and what an authority does about it is in test/authority.
 */
import dgram from 'node:dgram'
import diagnostics from 'node:diagnostics_channel'
import dns from 'node:dns'
import fs, { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, Socket } from 'node:net'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeEnumerated,
  encodeNamedBits,
  encodeNull,
  encodeSequence,
  encodeTime,
  encodeValue,
  OID,
} from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { isSignetError } from '../../src/errors/index.js'
import {
  createCrlMemory,
  explainPath,
  type PathRequest,
  validatePath,
  verifyOcspResponse,
} from '../../src/path/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import {
  type Certificate,
  type Crl,
  encodeAuthorityInfoAccess,
  encodeCrlDistributionPoints,
  encodeGeneralName,
  type GeneralName,
  type Name,
  parseCrl,
  REVOCATION_REASONS,
  type RevocationReason,
} from '../../src/x509/index.js'
import {
  type CertificateOptions,
  commonName,
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOW,
  revoked,
} from '../support/certificates.js'
import { runCli } from '../support/deployment.js'
import { editDer, fromHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import {
  extensionDer,
  type Hierarchy,
  hierarchy,
  NODE_NAMES,
  type RawCrl,
  rawCrl,
  unknownExtension,
  validate,
} from '../support/hierarchy.js'
import { outcomeOf } from '../support/only-signet-errors.js'
import { answerDer, makeOcsp, makeResponder } from '../support/ocsp.js'
import { temporaryFolder } from '../support/temporary.js'

vi.setConfig({ testTimeout: 60_000 })

const whole = hierarchy()
const { root, issuing, node } = whole
const { serialNumberOctets, serialNumber } = node.certificate
const rootCrl = await makeCrl({ issuer: root })
const goodCrl = await makeCrl({ issuer: issuing })
const listing = await makeCrl({ issuer: issuing, crlNumber: 2, revoked: [revoked(serialNumber, 'keyCompromise')] })

/** What becomes of a path under these CRLs: an error code, or `good`. */
function verdict(path: Hierarchy, crls: readonly Crl[], request: Partial<PathRequest> = {}): ErrorCode | 'good' {
  try {
    validate(path, { revocation: { crls }, ...request })
    return 'good'
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error.code
  }
}

const raw = (options: Partial<RawCrl> = {}): Crl =>
  rawCrl({ issuer: issuing.certificate.subject, key: issuing.key, ...options })
const entry = (...extensionsDer: readonly Uint8Array[]): NonNullable<RawCrl['entries']>[number] => ({
  serialNumberOctets,
  extensionsDer,
})

describe('REV-04: no CRL is no answer, and no answer is a refusal', () => {
  const folder = temporaryFolder()
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content)
    return name
  }
  file('root.pem', root.certificate.toPem())
  const chain = `${node.certificate.toPem()}${issuing.certificate.toPem()}`
  file('chain.pem', chain)
  const run = (...words: readonly string[]): ReturnType<typeof runCli> =>
    runCli(['cert', 'verify', 'chain.pem', '--ca', 'root.pem', ...words, '--json'], {
      directory: folder,
      clock: { now: () => NOW },
      variables: {},
    })
  const pemOf = (...crls: readonly Crl[]): string => crls.map((crl) => crl.toPem()).join('')

  it('REV-04: the first request after the start is refused as every other', async () => {
    expect(await run()).toMatchObject({ code: 4, errorCode: 'ERR_REVOCATION_UNKNOWN' })
    expect(await run('--crl', file('good.pem', pemOf(goodCrl, rootCrl)))).toMatchObject({ code: 0 })
    expect(await run('--crl', file('listing.pem', pemOf(listing, rootCrl)))).toMatchObject({ errorCode: 'ERR_REVOKED' })
  })

  const expired = raw({ nextUpdate: addSeconds(NOW, -1) })
  const other = makeCertificate({ subject: 'Other', ca: true })
  const files: readonly (readonly [
    claim: string,
    content: string | Uint8Array | undefined,
    codes: readonly string[],
  ])[] = [
    ['is not there', undefined, ['ERR_FILE_READ']],
    ['is empty', '', ['ERR_INPUT_EMPTY']],
    ['is garbage', Buffer.from([1, 2, 3, 4]), ['ERR_PEM_MALFORMED', 'ERR_DER_TAG', 'ERR_CRL_MALFORMED']],
    ['is cut short', pemOf(goodCrl).slice(0, 200), ['ERR_PEM_MALFORMED']],
    ['is cut short in DER', goodCrl.der.subarray(0, 100), ['ERR_DER_TRUNCATED', 'ERR_DER_LENGTH']],
    ['holds certificates', chain, ['ERR_PEM_LABEL']],
    ['has only that of the root', pemOf(rootCrl), ['ERR_REVOCATION_UNKNOWN']],
    ['has only that of the issuing CA', pemOf(goodCrl), ['ERR_REVOCATION_UNKNOWN']],
    ['has ended', pemOf(expired, rootCrl), ['ERR_REVOCATION_UNKNOWN']],
    [
      'is of another CA',
      pemOf(rawCrl({ issuer: other.certificate.subject, key: other.key }), rootCrl),
      ['ERR_REVOCATION_UNKNOWN'],
    ],
    ['is of another key', pemOf(raw({ key: keyFor('thief') }), rootCrl), ['ERR_REVOCATION_UNKNOWN']],
  ]

  it.each(files)('REV-04: where the file %s', async (_, content, codes) => {
    if (content === undefined) rmSync(join(folder, 'crl.pem'), { force: true })
    else file('crl.pem', content)
    const result = await run('--crl', 'crl.pem')
    expect(codes).toContain(result.errorCode)
    expect(result.code).not.toBe(0)
  })

  it('REV-04: deleted between two runs', async () => {
    file('crl.pem', pemOf(goodCrl, rootCrl))
    expect(await run('--crl', 'crl.pem')).toMatchObject({ code: 0 })
    rmSync(join(folder, 'crl.pem'))
    expect(await run('--crl', 'crl.pem')).toMatchObject({ errorCode: 'ERR_FILE_READ' })
    expect(await run()).toMatchObject({ errorCode: 'ERR_REVOCATION_UNKNOWN' })
  })

  it('REV-04: what opts out has a name of its own, and is told', async () => {
    expect(await run('--allow-unchecked-revocation')).toMatchObject({ code: 0, json: { revocation: 'not checked' } })
    expect(validate(whole, { revocation: { crls: [], unknownStatus: 'allow' } }).revocation).toBe('not checked')
    // A revocation is not unknown.
    expect(verdict(whole, [], { revocation: { crls: [listing], unknownStatus: 'allow' } })).toBe('ERR_REVOKED')
  })
})

describe('REV-05: old lists', () => {
  /** The good CRL without nextUpdate, signed again. */
  function endless(thisUpdate: Date): Crl {
    const { tbsDer } = raw({ thisUpdate })
    const changed = editDer(tbsDer, [4], () => [])
    const { identifierDer } = issuing.key.signatureAlgorithm
    const signature = encodeValue(0x03, Buffer.concat([Buffer.of(0), issuing.key.sign(changed)]))
    return parseCrl(encodeSequence(changed, identifierDer, signature))
  }

  it('REV-05: past, of the future, or without an end', () => {
    for (const [crl, wanted] of [
      [raw({ nextUpdate: addSeconds(NOW, -1) }), 'ERR_REVOCATION_UNKNOWN'],
      [raw({ thisUpdate: addSeconds(NOW, 1) }), 'ERR_REVOCATION_UNKNOWN'],
      [endless(addSeconds(NOW, -HOUR)), 'ERR_REVOCATION_UNKNOWN'],
      [raw(), 'good'],
    ] as const) {
      expect(verdict(whole, [rootCrl, crl])).toBe(wanted)
    }
  })

  it('REV-05: one without an end is current only for who says for how long', () => {
    const young = makeOf(root, addSeconds(NOW, -HOUR))
    const check = (maxAgeSeconds: number): string =>
      verdict(whole, [], { revocation: { crls: [young, endless(addSeconds(NOW, -HOUR))], maxAgeSeconds } })
    expect([check(HOUR), check(HOUR - 1)]).toEqual(['good', 'ERR_REVOCATION_UNKNOWN'])
  })

  it('REV-05: whoever says how old one may be is not outdone by a far nextUpdate', () => {
    const far = makeOf(issuing, addSeconds(NOW, -30 * DAY), addSeconds(NOW, 300 * DAY))
    const check = (maxAgeSeconds: number): string =>
      verdict(whole, [], { revocation: { crls: [makeOf(root, NOW), far], maxAgeSeconds } })
    expect([check(30 * DAY), check(7 * DAY)]).toEqual(['good', 'ERR_REVOCATION_UNKNOWN'])
  })

  it('REV-05: one that is over counts for as long as somebody says so, and not a second longer', () => {
    const over = makeOf(issuing, addSeconds(NOW, -DAY), addSeconds(NOW, -HOUR))
    const check = (allowStaleSeconds: number): string =>
      verdict(whole, [], { revocation: { crls: [makeOf(root, NOW), over], allowStaleSeconds } })
    expect([check(HOUR), check(HOUR - 1)]).toEqual(['good', 'ERR_REVOCATION_UNKNOWN'])
    // It makes none good that has not begun, nor one that has no end.
    for (const crl of [makeOf(issuing, addSeconds(NOW, 1)), endless(addSeconds(NOW, -HOUR))]) {
      const revocation = { crls: [makeOf(root, NOW), crl], allowStaleSeconds: DAY }
      expect(verdict(whole, [], { revocation })).toBe('ERR_REVOCATION_UNKNOWN')
    }
  })

  it('REV-05: a lower number served beside, or after, a higher one brings nobody back', () => {
    expect(verdict(whole, [rootCrl, goodCrl, listing])).toBe('ERR_REVOKED')
    expect(verdict(whole, [rootCrl, listing, goodCrl])).toBe('ERR_REVOKED')
  })

  it('REV-05: who remembers numbers counts each issuer, scope and kind for itself', () => {
    const crlMemory = createCrlMemory()
    const [one, two] = SHARDS.map((name) => scoped({ names: [name] }, { crlNumber: 9 }))
    const [low] = SHARDS.map((name) => scoped({ names: [name] }, { crlNumber: 3 }))
    if (one === undefined || two === undefined || low === undefined) throw new Error('there are three')
    const path = pointing({ names: SHARDS })
    const check = (...crls: readonly Crl[]): string =>
      verdict(path, [], { revocation: { crls: [rootCrl, ...crls], crlMemory } })
    expect(check(one)).toBe('good')
    expect(check(raw({ crlNumber: 4 }))).toBe('good')
    expect(check(two)).toBe('good')
    expect(check(low)).toBe('ERR_REVOCATION_UNKNOWN')
    expect(check(raw({ crlNumber: 3 }))).toBe('ERR_REVOCATION_UNKNOWN')
    expect(check(raw({ crlNumber: 4 }))).toBe('good')
    // Refused once, it raised nothing; another memory knows nothing of it.
    expect(verdict(path, [], { revocation: { crls: [rootCrl, low], crlMemory: createCrlMemory() } })).toBe('good')
  })

  function makeOf(issuer: Holder, thisUpdate: Date, nextUpdate = addSeconds(NOW, DAY)): Crl {
    return rawCrl({ issuer: issuer.certificate.subject, key: issuer.key, thisUpdate, nextUpdate })
  }
})

/** What an IssuingDistributionPoint may say (RFC 5280 §5.2.5). */
interface Scope {
  readonly names?: readonly GeneralName[]
  readonly user?: boolean
  readonly ca?: boolean
  readonly attribute?: boolean
  /** Bits of ReasonFlags. */
  readonly reasons?: readonly number[]
  readonly indirect?: boolean
}

const flag = (number: number, value: boolean | undefined): readonly Uint8Array[] =>
  value === undefined ? [] : [encodeContextPrimitive(number, Buffer.of(value ? 0xff : 0))]
const bits = (number: number, reasons: readonly number[]): Uint8Array =>
  encodeContextPrimitive(number, encodeNamedBits(reasons).subarray(2))
const fullName = (names: readonly GeneralName[]): Uint8Array =>
  encodeContext(0, encodeContext(0, ...names.map(encodeGeneralName)))

function scopeDer(scope: Scope, critical = true): Uint8Array {
  const value = encodeSequence(
    ...(scope.names === undefined ? [] : [fullName(scope.names)]),
    ...flag(1, scope.user),
    ...flag(2, scope.ca),
    ...(scope.reasons === undefined ? [] : [bits(3, scope.reasons)]),
    ...flag(4, scope.indirect),
    ...flag(5, scope.attribute),
  )
  return extensionDer(OID.issuingDistributionPoint, critical, value)
}

interface Point {
  readonly names?: readonly GeneralName[]
  readonly reasons?: readonly number[]
  readonly crlIssuer?: Name
}

function pointsDer(...points: readonly Point[]): Uint8Array {
  const value = encodeSequence(
    ...points.map(({ names, reasons, crlIssuer }) =>
      encodeSequence(
        ...(names === undefined ? [] : [fullName(names)]),
        ...(reasons === undefined ? [] : [bits(1, reasons)]),
        ...(crlIssuer === undefined
          ? []
          : [encodeContext(2, encodeGeneralName({ kind: 'directory', name: crlIssuer }))]),
      ),
    ),
  )
  return extensionDer(OID.crlDistributionPoints, false, value)
}

const uri = (value: string): GeneralName => ({ kind: 'uri', value })
const SHARDS = ['http://crl.example/1', 'http://crl.example/2', 'http://crl.example/3'].map(uri)
const scoped = (scope: Scope, options: Partial<RawCrl> = {}): Crl =>
  raw({ moreExtensionsDer: [scopeDer(scope)], ...options })
/** A hierarchy whose node names where its CRLs are. */
const pointing = (...points: readonly Point[]): Hierarchy =>
  hierarchy({ node: { purposes: [OID.kpServerAuth], names: NODE_NAMES, moreExtensionsDer: [pointsDer(...points)] } })

describe('REV-06: what a CRL is about (RFC 5280 §5.2.5, §6.3.3)', () => {
  it.each([
    ['user certificates', { user: true }, 'good'],
    ['CA certificates', { ca: true }, 'ERR_REVOCATION_UNKNOWN'],
    ['attribute certificates', { attribute: true }, 'ERR_REVOCATION_UNKNOWN'],
    ['certificates of others, too', { indirect: true }, 'good'],
    ['some reasons', { reasons: [1, 2] }, 'ERR_REVOCATION_UNKNOWN'],
    ['every reason, said one by one', { reasons: [1, 2, 3, 4, 5, 6, 7, 8] }, 'good'],
    ['a place that the certificate does not name', { names: SHARDS.slice(0, 1) }, 'ERR_REVOCATION_UNKNOWN'],
  ] as const)('REV-06: %s, for an end entity that names no place', (_, scope, wanted) => {
    expect(verdict(whole, [rootCrl, scoped(scope)])).toBe(wanted)
    // What is listed outside of the scope is not known to be revoked either.
    const found = verdict(whole, [rootCrl, scoped(scope, { entries: [entry()] })])
    const isAbout = wanted === 'good' || 'reasons' in scope
    expect(found).toBe(isAbout ? 'ERR_REVOKED' : 'ERR_REVOCATION_UNKNOWN')
  })

  it.each([
    ['user certificates', { user: true }, 'ERR_REVOCATION_UNKNOWN'],
    ['CA certificates', { ca: true }, 'good'],
    ['attribute certificates', { attribute: true }, 'ERR_REVOCATION_UNKNOWN'],
  ] as const)('REV-06: %s, for a CA', (_, scope, wanted) => {
    const crl = rawCrl({ issuer: root.certificate.subject, key: root.key, moreExtensionsDer: [scopeDer(scope)] })
    expect(verdict(whole, [crl, goodCrl])).toBe(wanted)
  })

  it('REV-06: two kinds at once, or nothing, is malformed and says nothing', () => {
    for (const scope of [{ user: true, ca: true }, { ca: true, attribute: true }, {}]) {
      expect(verdict(whole, [rootCrl, scoped(scope)])).toBe('ERR_REVOCATION_UNKNOWN')
      expect(verdict(whole, [rootCrl, scoped(scope), goodCrl])).toBe('good')
    }
    // A default value that is written out is not DER.
    expect(verdict(whole, [rootCrl, scoped({ user: false, ca: true })])).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-06: not critical, it counts all the same', () => {
    const lax = raw({ moreExtensionsDer: [scopeDer({ ca: true }, false)] })
    expect(verdict(whole, [rootCrl, lax])).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-06: the CRLs of some reasons answer together, and one that revokes is enough', () => {
    const some = scoped({ reasons: [1, 2, 3] })
    const rest = scoped({ reasons: [4, 5, 6, 7, 8] })
    expect(verdict(whole, [rootCrl, some, rest])).toBe('good')
    expect(verdict(whole, [rootCrl, rest, some])).toBe('good')
    expect(verdict(whole, [rootCrl, some, scoped({ reasons: [4, 5, 6, 7] })])).toBe('ERR_REVOCATION_UNKNOWN')
    const bad = scoped({ reasons: [1, 2, 3] }, { entries: [entry()] })
    expect(verdict(whole, [rootCrl, bad, rest])).toBe('ERR_REVOKED')
    expect(verdict(whole, [rootCrl, bad])).toBe('ERR_REVOKED')
    expect(verdict(whole, [rootCrl, bad, goodCrl])).toBe('ERR_REVOKED')
  })

  it('REV-06: an old CRL of some reasons leaves its reasons open', () => {
    const old = scoped({ reasons: [1, 2, 3] }, { nextUpdate: addSeconds(NOW, -1) })
    expect(verdict(whole, [rootCrl, old, scoped({ reasons: [4, 5, 6, 7, 8] })])).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-06: of several shards, the one that the certificate names, whichever of its places', () => {
    const [one, two, three] = SHARDS.map((name) => scoped({ names: [name] }))
    if (one === undefined || two === undefined || three === undefined) throw new Error('there are three')
    const second = pointing({ names: SHARDS.slice(1, 2) })
    expect(verdict(second, [rootCrl, one, three])).toBe('ERR_REVOCATION_UNKNOWN')
    expect(verdict(second, [rootCrl, one, two, three])).toBe('good')
    const again = rawCrl({
      issuer: issuing.certificate.subject,
      key: issuing.key,
      entries: [{ serialNumberOctets: second.node.certificate.serialNumberOctets }],
      moreExtensionsDer: [scopeDer({ names: SHARDS.slice(1, 2) })],
    })
    expect(verdict(second, [rootCrl, one, again, three])).toBe('ERR_REVOKED')
    // Several places in the certificate, in one point or in several: each is looked at, not only the first.
    for (const path of [
      pointing({ names: SHARDS }),
      pointing(...SHARDS.map((name) => ({ names: [name] }))),
      pointing({ names: [uri('http://elsewhere.example/')] }, { names: SHARDS.slice(2) }),
    ]) {
      expect(verdict(path, [rootCrl, three])).toBe('good')
    }
    // Several places in the CRL.
    expect(verdict(second, [rootCrl, scoped({ names: SHARDS })])).toBe('good')
    // A CRL that names no place is about all of them.
    expect(verdict(second, [rootCrl, goodCrl])).toBe('good')
  })

  it('REV-06: a place is one by its octets: no other case, no slash more', () => {
    const path = pointing({ names: SHARDS.slice(0, 1) })
    for (const other of [
      'http://CRL.example/1',
      'http://crl.example/1/',
      'http://crl.example/1?',
      'https://crl.example/1',
    ]) {
      expect(verdict(path, [rootCrl, scoped({ names: [uri(other)] })])).toBe('ERR_REVOCATION_UNKNOWN')
    }
    const asName = pointing({ names: [{ kind: 'directory', name: commonName('Place') }] })
    expect(verdict(asName, [rootCrl, scoped({ names: [{ kind: 'directory', name: commonName('PLACE') }] })])).toBe(
      'good',
    )
    expect(verdict(asName, [rootCrl, scoped({ names: [{ kind: 'dns', value: 'Place' }] })])).toBe(
      'ERR_REVOCATION_UNKNOWN',
    )
  })

  it('REV-06: a point for some reasons takes no more from a CRL than those', () => {
    const path = pointing({ names: SHARDS.slice(0, 1), reasons: [1, 2] })
    expect(verdict(path, [rootCrl, scoped({ names: SHARDS.slice(0, 1) })])).toBe('ERR_REVOCATION_UNKNOWN')
    const both = pointing(
      { names: SHARDS.slice(0, 1), reasons: [1, 2] },
      { names: SHARDS.slice(1, 2), reasons: [3, 4, 5, 6, 7, 8] },
    )
    const [one, two] = SHARDS.map((name) => scoped({ names: [name] }))
    if (one === undefined || two === undefined) throw new Error('there are two')
    expect(verdict(both, [rootCrl, one, two])).toBe('good')
    expect(verdict(both, [rootCrl, one])).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-06: distribution points that cannot be read are a refusal', () => {
    const path = hierarchy({
      node: {
        purposes: [OID.kpServerAuth],
        names: NODE_NAMES,
        moreExtensionsDer: [extensionDer(OID.crlDistributionPoints, false, encodeNull())],
      },
    })
    expect(verdict(path, [rootCrl, goodCrl])).not.toBe('good')
  })

  it('REV-06: something critical that is not known, in the CRL or in any entry of it', () => {
    expect(verdict(whole, [rootCrl, raw({ moreExtensionsDer: [unknownExtension(true)] })])).toBe(
      'ERR_REVOCATION_UNKNOWN',
    )
    const other = { serialNumberOctets: Buffer.of(9), extensionsDer: [unknownExtension(true)] }
    expect(verdict(whole, [rootCrl, raw({ entries: [other] })])).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-06: the CRLs that this authority makes are about everything: they say nothing of a scope', () => {
    expect(goodCrl.issuingDistributionPoint).toBeUndefined()
    expect(goodCrl.hasForeignEntries).toBe(false)
  })
})

describe('REV-06, REV-07: CRLs that somebody else issues (RFC 5280 §5.3.3, §6.3.3 (b))', () => {
  const options: CertificateOptions = { subject: 'CRL issuer', issuer: root, ca: false, keyUsage: ['cRLSign'] }
  const crlIssuer = makeCertificate(options)
  const path = pointing({ names: SHARDS.slice(0, 1), crlIssuer: crlIssuer.certificate.subject })
  const about = { serialNumberOctets: path.node.certificate.serialNumberOctets }
  const certificateIssuer = (name: Name): Uint8Array =>
    extensionDer(OID.certificateIssuer, true, encodeSequence(encodeGeneralName({ kind: 'directory', name })))
  const indirect = (scope: Scope, parts: Partial<RawCrl> = {}): Crl =>
    rawCrl({
      issuer: crlIssuer.certificate.subject,
      key: crlIssuer.key,
      moreExtensionsDer: [scopeDer({ names: SHARDS.slice(0, 1), ...scope })],
      ...parts,
    })
  const check = (crls: readonly Crl[], helpers: readonly Certificate[] = [crlIssuer.certificate]): string =>
    verdict(path, crls, { revocation: { crls }, intermediates: [issuing.certificate, ...helpers] })

  it('REV-07: are believed where the certificate names them, and they say that they are indirect', () => {
    expect(check([rootCrl, indirect({ indirect: true })])).toBe('good')
    expect(check([rootCrl, indirect({})])).toBe('ERR_REVOCATION_UNKNOWN')
    // A certificate that names nobody else has its own issuer's.
    expect(
      verdict(whole, [], {
        revocation: { crls: [rootCrl, indirect({ indirect: true })] },
        intermediates: [issuing.certificate, crlIssuer.certificate],
      }),
    ).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-07: revoke by serial number and issuer, not by the serial number alone', () => {
    const ofIssuing = { ...about, extensionsDer: [certificateIssuer(issuing.certificate.subject)] }
    const ofOther = { ...about, extensionsDer: [certificateIssuer(commonName('Other'))] }
    expect(check([rootCrl, indirect({ indirect: true }, { entries: [ofIssuing] })])).toBe('ERR_REVOKED')
    expect(check([rootCrl, indirect({ indirect: true }, { entries: [ofOther] })])).toBe('good')
    // Without a word it is the serial number of the issuer of the CRL.
    expect(check([rootCrl, indirect({ indirect: true }, { entries: [about] })])).toBe('good')
    // A name, once said, goes for what follows.
    const first = { serialNumberOctets: Buffer.of(9), extensionsDer: [certificateIssuer(issuing.certificate.subject)] }
    expect(check([rootCrl, indirect({ indirect: true }, { entries: [first, about] })])).toBe('ERR_REVOKED')
  })

  it('REV-07: entries that name others in a CRL that is not indirect make it useless', () => {
    const foreign = { ...about, extensionsDer: [certificateIssuer(commonName('Other'))] }
    expect(verdict(whole, [rootCrl, raw({ entries: [foreign] })])).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it.each([
    ['is not there', []],
    ['may not sign CRLs', [makeCertificate({ ...options, keyUsage: ['digitalSignature'] }).certificate]],
    ['says nothing about signing CRLs', [makeCertificate({ ...options, keyUsage: [] }).certificate]],
    ['has another key', [makeCertificate({ ...options, key: keyFor('thief') }).certificate]],
    ['has expired', [makeCertificate({ ...options, notAfter: addSeconds(NOW, -1) }).certificate]],
    [
      'leads to no anchor',
      [makeCertificate({ ...options, issuer: makeCertificate({ subject: 'Other', ca: true }) }).certificate],
    ],
    [
      'signed itself',
      [makeCertificate({ subject: 'CRL issuer', key: crlIssuer.key, keyUsage: ['cRLSign'] }).certificate],
    ],
  ] as const)('REV-07: not where their issuer %s', (_, helpers) => {
    expect(check([rootCrl, indirect({ indirect: true })], helpers)).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-07, REV-10: not where their issuer is revoked itself', async () => {
    const crl = await makeCrl({ issuer: root, revoked: [revoked(crlIssuer.certificate.serialNumber)] })
    expect(check([crl, indirect({ indirect: true })])).toBe('ERR_REVOCATION_UNKNOWN')
  })
})

describe('REV-07: another issuer, another key', () => {
  it('REV-07: a CA of the same name with another key, certified by the same root or not', async () => {
    const thief = keyFor('another Issuing')
    const namesake = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, key: thief })
    const stranger = makeCertificate({ subject: 'Issuing', ca: true, key: thief })
    const wide = hierarchy({ root: { pathLength: 5 } }).root
    const between = makeCertificate({ subject: 'Between', issuer: wide, ca: true })
    const far = makeCertificate({ subject: 'Issuing', issuer: between, ca: true, key: thief })
    expect(
      validatePath(far.certificate, {
        anchors: [wide.certificate],
        intermediates: [between.certificate],
        at: NOW,
        purpose: 'allow-any',
        revocation: 'allow-unchecked',
      }).certificates,
    ).toHaveLength(3)
    const farCrls = [await makeCrl({ issuer: wide }), await makeCrl({ issuer: between })]
    for (const holder of [stranger, far]) {
      const good = await makeCrl({ issuer: holder })
      const slander = await makeCrl({ issuer: holder, revoked: [revoked(serialNumber)] })
      const intermediates = [issuing.certificate, holder.certificate, between.certificate]
      const path = { root: wide, issuing, node }
      const check = (...crls: readonly Crl[]): string =>
        verdict(path, [], { revocation: { crls: [...farCrls, ...crls] }, intermediates })
      expect(check(good)).toBe('ERR_REVOCATION_UNKNOWN')
      expect(check(goodCrl, slander)).toBe('good')
    }
    // The root that certified the CA certified this one by the same name, too: it is the same CA (§6.3.3 (f)).
    const rolled = await makeCrl({ issuer: namesake })
    const intermediates = [issuing.certificate, namesake.certificate]
    expect(verdict(whole, [], { revocation: { crls: [rootCrl, rolled] }, intermediates })).toBe('good')
    expect(verdict(whole, [], { revocation: { crls: [rootCrl, rolled] } })).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('REV-07: after the CA changed its key, the CRL of the old key says nothing under the new one alone', async () => {
    const rekeyed = hierarchy({ issuing: { key: keyFor('new Issuing') } })
    expect(verdict(rekeyed, [rootCrl, goodCrl])).toBe('ERR_REVOCATION_UNKNOWN')
    const fresh = await makeCrl({ issuer: rekeyed.issuing })
    expect(verdict(rekeyed, [rootCrl, fresh])).toBe('good')
    // And the same serial number under the old key is another certificate's.
    expect(verdict(rekeyed, [rootCrl, fresh, listing])).toBe('good')
  })

  it('REV-07: the same serial number on the list of another CA', async () => {
    const other = makeCertificate({ subject: 'Other', issuer: root, ca: true })
    const crl = await makeCrl({ issuer: other, revoked: [revoked(serialNumber)] })
    const intermediates = [issuing.certificate, other.certificate]
    expect(verdict(whole, [], { revocation: { crls: [rootCrl, goodCrl, crl] }, intermediates })).toBe('good')
    const ofRoot = await makeCrl({ issuer: root, revoked: [revoked(serialNumber)] })
    expect(verdict(whole, [ofRoot, goodCrl])).toBe('good')
  })

  it('REV-07: the root cannot speak for the issuing CA under its own name, nor the node for anybody', async () => {
    expect(verdict(whole, [rootCrl])).toBe('ERR_REVOCATION_UNKNOWN')
    expect(verdict(whole, [rootCrl, rawCrl({ issuer: issuing.certificate.subject, key: root.key })])).toBe(
      'ERR_REVOCATION_UNKNOWN',
    )
    expect(verdict(whole, [rootCrl, await makeCrl({ issuer: node })])).toBe('ERR_REVOCATION_UNKNOWN')
  })
})

describe('REV-10: every certificate below the anchor is asked about', () => {
  it('REV-10: a CA that is revoked, whatever is said of the end entity', async () => {
    const crl = await makeCrl({ issuer: root, revoked: [revoked(issuing.certificate.serialNumber, 'cACompromise')] })
    expect(verdict(whole, [crl, goodCrl])).toBe('ERR_REVOKED')
    const error = expectCode('ERR_REVOKED', () => validate(whole, { revocation: { crls: [crl, goodCrl] } }))
    expect(error.details).toMatchObject({ subject: 'CN=Issuing', reason: 'cACompromise' })
  })

  it('REV-10: a CA of which nobody knows', () => {
    const error = expectCode('ERR_REVOCATION_UNKNOWN', () => validate(whole, { revocation: { crls: [goodCrl] } }))
    expect(error.details['subject']).toBe('CN=Issuing')
  })

  it('REV-10: a CA in the middle of a longer path, revoked or unknown', async () => {
    const top = makeCertificate({ subject: 'Top', ca: true })
    const upper = makeCertificate({ subject: 'Root', issuer: top, key: root.key, ca: true })
    const intermediates = [upper.certificate, issuing.certificate]
    const long: Hierarchy = { root: top, issuing, node }
    const topCrl = await makeCrl({ issuer: top })
    const check = (...crls: readonly Crl[]): string => verdict(long, [], { revocation: { crls }, intermediates })
    expect(check(topCrl, rootCrl, goodCrl)).toBe('good')
    expect(check(rootCrl, goodCrl)).toBe('ERR_REVOCATION_UNKNOWN')
    expect(check(topCrl, goodCrl)).toBe('ERR_REVOCATION_UNKNOWN')
    const bad = await makeCrl({ issuer: top, revoked: [revoked(upper.certificate.serialNumber)] })
    expect(check(bad, rootCrl, goodCrl)).toBe('ERR_REVOKED')
  })

  it('REV-10: the anchor is not: it is believed because it is there, and cannot take itself back', async () => {
    const self = await makeCrl({ issuer: root, revoked: [revoked(root.certificate.serialNumber)] })
    expect(verdict(whole, [self, goodCrl])).toBe('good')
  })

  it('REV-10: a CA is an anchor only where somebody put it: then nobody asks about it', () => {
    const anchors = [issuing.certificate]
    expect(verdict(whole, [], { anchors, intermediates: [], revocation: { crls: [goodCrl] } })).toBe('good')
  })
})

describe('REV-11: what cannot be read', () => {
  it('REV-11: a malformed extension of a CRL makes that CRL useless, and stops nothing else', () => {
    for (const oid of [OID.issuingDistributionPoint, OID.deltaCrlIndicator]) {
      for (const value of [encodeNull(), new Uint8Array(), fromHex('3003020101'), fromHex('0201ff')]) {
        for (const critical of [true, false]) {
          const broken = raw({ moreExtensionsDer: [extensionDer(oid, critical, value)] })
          expect(verdict(whole, [rootCrl, broken])).toBe('ERR_REVOCATION_UNKNOWN')
          expect(verdict(whole, [rootCrl, broken, goodCrl])).toBe('good')
          expect(verdict(whole, [broken, rootCrl, listing])).toBe('ERR_REVOKED')
        }
      }
    }
  })

  it('REV-11: a delta CRL without a number, or with one that is malformed, changes nothing', () => {
    const { tbsDer } = raw({ moreExtensionsDer: [extensionDer(OID.deltaCrlIndicator, true, fromHex('020101'))] })
    const { identifierDer } = issuing.key.signatureAlgorithm
    const signed = (changed: Uint8Array): Crl =>
      parseCrl(
        encodeSequence(
          changed,
          identifierDer,
          encodeValue(0x03, Buffer.concat([Buffer.of(0), issuing.key.sign(changed)])),
        ),
      )
    const numberless = signed(editDer(tbsDer, [5, 0, 1], () => []))
    expect(numberless.crlNumber).toBeUndefined()
    const negative = signed(editDer(tbsDer, [5, 0, 1], () => extensionDer(OID.crlNumber, false, fromHex('0201ff'))))
    for (const delta of [numberless, negative]) {
      expect(verdict(whole, [rootCrl, delta])).toBe('ERR_REVOCATION_UNKNOWN')
      expect(verdict(whole, [rootCrl, goodCrl, delta])).toBe('good')
      expect(verdict(whole, [rootCrl, listing, delta])).toBe('ERR_REVOKED')
    }
  })

  it('REV-11: a key identifier of a CRL that cannot be read makes it useless', () => {
    const broken = raw({
      authorityKeyIdentifier: false,
      moreExtensionsDer: [extensionDer(OID.authorityKeyIdentifier, false, encodeNull())],
    })
    expect(verdict(whole, [rootCrl, broken])).toBe('ERR_REVOCATION_UNKNOWN')
    expect(verdict(whole, [rootCrl, broken, goodCrl])).toBe('good')
  })

  it('REV-11: a helper whose key usage cannot be read neither helps nor hinders', async () => {
    const holder = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, key: keyFor('helper') })
    const broken = makeCertificate({
      subject: 'Issuing',
      issuer: root,
      extensionsDer: [extensionDer(OID.keyUsage, true, encodeNull())],
    }).certificate
    const crl = await makeCrl({ issuer: holder })
    for (const helpers of [[broken, holder.certificate], [holder.certificate, broken], [broken]]) {
      const intermediates = [issuing.certificate, ...helpers]
      expect(verdict(whole, [], { revocation: { crls: [rootCrl, goodCrl, crl] }, intermediates })).toBe('good')
    }
    const check = (...helpers: readonly Certificate[]): string =>
      verdict(whole, [], { revocation: { crls: [rootCrl, crl] }, intermediates: [issuing.certificate, ...helpers] })
    expect([check(holder.certificate), check(holder.certificate, broken), check(broken, holder.certificate)]).toEqual([
      'good',
      'good',
      'good',
    ])
  })

  it('REV-11: whatever octet of a CRL is changed, it is refused as such or believed by nobody', () => {
    const { der } = listing
    for (let offset = 0; offset < der.length; offset++) {
      let crl: Crl | undefined
      outcomeOf(() => (crl = parseCrl(der.with(offset, (der[offset] ?? 0) ^ 0x01))))
      if (crl === undefined) continue
      expect(verdict(whole, [rootCrl, crl])).toBe('ERR_REVOCATION_UNKNOWN')
      expect(verdict(whole, [rootCrl, goodCrl, crl])).toBe('good')
    }
  })
})

describe('REV-13: reasons', () => {
  const reasons = Object.entries(REVOCATION_REASONS) as readonly (readonly [RevocationReason, number])[]
  const withReason = (number: number, critical = false): Crl =>
    raw({ entries: [entry(extensionDer(OID.reasonCode, critical, encodeEnumerated(number)))] })

  it.each(reasons)('REV-13: %s (%i), critical or not', (reason, number) => {
    for (const critical of [true, false]) {
      // §5.3.1: that it goes on may stand in a delta CRL only; a full one that says so is not believed.
      const wanted = reason === 'removeFromCRL' ? 'ERR_REVOCATION_UNKNOWN' : 'ERR_REVOKED'
      expect(verdict(whole, [rootCrl, withReason(number, critical)])).toBe(wanted)
    }
  })

  it('REV-13: 7 is not used, and neither is 11: such a CRL is none', () => {
    for (const number of [7, 11, 127]) expectCode('ERR_CRL_MALFORMED', () => withReason(number))
  })

  it('REV-13: without a reason it is revoked all the same', () => {
    const error = expectCode('ERR_REVOKED', () =>
      validate(whole, { revocation: { crls: [rootCrl, raw({ entries: [entry()] })] } }),
    )
    expect(error.details['reason']).toBe('unspecified')
  })

  it('REV-13: a date of the future, or before the certificate began, revokes now', () => {
    for (const date of [addSeconds(NOW, 10 * DAY), addSeconds(NOW, -10_000 * DAY)]) {
      const { tbsDer } = raw({ entries: [entry()] })
      const changed = editDer(tbsDer, [5, 0, 1], () => encodeTime(date))
      const crl = parseCrl(
        encodeSequence(
          changed,
          issuing.key.signatureAlgorithm.identifierDer,
          encodeValue(0x03, Buffer.concat([Buffer.of(0), issuing.key.sign(changed)])),
        ),
      )
      expect(verdict(whole, [rootCrl, crl])).toBe('ERR_REVOKED')
    }
  })

  it('REV-13: a hold refuses as long as it lasts', async () => {
    const held = await makeCrl({ issuer: issuing, revoked: [revoked(serialNumber, 'certificateHold')] })
    expect(verdict(whole, [rootCrl, held])).toBe('ERR_REVOKED')
    const error = expectCode('ERR_REVOKED', () => validate(whole, { revocation: { crls: [rootCrl, held] } }))
    expect(error.details['reason']).toBe('certificateHold')
  })
})

describe('REV-12: nothing is ever fetched', () => {
  const folder = temporaryFolder()
  const canary = join(folder, 'canary.crl')
  writeFileSync(canary, goodCrl.der)
  let server: Server
  let port = 0
  let connections = 0
  const attempts: string[] = []
  let unwatch = (): void => undefined
  const channels = [
    'net.client.socket',
    'http.client.request.start',
    'undici:request:create',
    'undici:client:beforeConnect',
  ]
  const noticed = (_message: unknown, name: string | symbol): void => void attempts.push(String(name))

  beforeAll(async () => {
    server = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
    for (const name of channels) diagnostics.subscribe(name, noticed)
    unwatch = watch()
  })
  afterEach(() => {
    attempts.length = 0
  })
  afterAll(async () => {
    for (const name of channels) diagnostics.unsubscribe(name, noticed)
    unwatch()
    await new Promise((resolve) => server.close(resolve))
  })

  /** Notice every way out: sockets, names, datagrams, and the file that a URI names. Hands out the way back. */
  function watch(): () => void {
    const undo: (() => void)[] = []
    const notice = (owner: object, name: string, what: (words: readonly unknown[]) => string | undefined): void => {
      const original = Reflect.get(owner, name) as () => unknown
      undo.push(() => Object.assign(owner, { [name]: original }))
      Object.assign(owner, {
        [name]: function (this: unknown, ...words: readonly unknown[]): unknown {
          const attempt = what(words)
          if (attempt !== undefined) attempts.push(attempt)
          return Reflect.apply(original, this, words)
        },
      })
    }
    const ofCanary = ([path]: readonly unknown[]): string | undefined =>
      String(path).includes('canary') ? `file ${String(path)}` : undefined
    notice(Socket.prototype, 'connect', () => 'connect')
    notice(dgram, 'createSocket', () => 'datagram')
    for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) notice(dns, name, () => name)
    for (const name of ['open', 'openSync', 'readFile', 'readFileSync', 'createReadStream']) notice(fs, name, ofCanary)
    syncBuiltinESMExports()
    return () => {
      for (const back of undo) back()
      syncBuiltinESMExports()
    }
  }

  /** Places that a certificate may steer a careless verifier to. */
  const places = (): readonly string[] => [
    `file://${canary}`,
    `http://127.0.0.1:${port}/issuing.crl`,
    `http://localhost:${port}/issuing.crl`,
    `http://[::1]:${port}/issuing.crl`,
    'http://169.254.169.254/latest/meta-data/',
    'http://metadata.example/crl',
    `ldap://127.0.0.1:${port}/cn=CA?certificateRevocationList`,
    `ftp://127.0.0.1:${port}/issuing.crl`,
    `https://127.0.0.1:${port}/issuing.crl`,
    'data:application/pkix-crl;base64,AAAA',
    '\\\\127.0.0.1\\share\\issuing.crl',
    canary,
  ]

  /** A hierarchy in which every certificate says where to ask and where to look. */
  function steering(place: string): Hierarchy {
    const access = extensionDer(
      OID.authorityInfoAccess,
      false,
      encodeAuthorityInfoAccess(
        [OID.ocsp, OID.caIssuers].map((method) => ({ method, location: { kind: 'uri', value: place } as const })),
      ),
    )
    const freshest = extensionDer(
      OID.freshestCrl,
      false,
      encodeSequence(encodeSequence(fullName([{ kind: 'uri', value: place }]))),
    )
    const moreExtensionsDer = [encodeCrlDistributionPoints([place]), access, freshest]
    return hierarchy({
      root: { subject: 'Root', ca: true, moreExtensionsDer },
      issuing: { moreExtensionsDer },
      node: { purposes: [OID.kpServerAuth], names: NODE_NAMES, moreExtensionsDer },
    })
  }

  async function quiet(): Promise<void> {
    // What was begun may come a little later.
    await new Promise((resolve) => setImmediate(resolve))
    expect([attempts, connections]).toEqual([[], 0])
  }

  it('REV-12: whoever would fetch is noticed here', async () => {
    await new Promise<void>((resolve) => {
      const socket = new Socket()
      socket.on('close', () => {
        resolve()
      })
      socket.on('error', () => undefined)
      socket.connect(port, '127.0.0.1')
    })
    expect(readFileSync(canary).length).toBeGreaterThan(0)
    await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    dns.lookup('localhost', () => undefined)
    expect(attempts).toEqual(expect.arrayContaining(['connect', 'lookup', `file ${canary}`, 'undici:request:create']))
    expect(connections).toBeGreaterThan(1)
    connections = 0
  })

  it('REV-12: validating, with revocation asked for or not, and explaining', async () => {
    for (const place of places()) {
      const path = steering(place)
      const crls = [await makeCrl({ issuer: path.root }), await makeCrl({ issuer: path.issuing })]
      const responder = makeResponder(path.issuing)
      const response = makeOcsp({
        signer: responder,
        answers: [answerDer(path.issuing.certificate, path.node.certificate.serialNumber)],
      })
      for (const revocation of [
        'allow-unchecked',
        { crls: [] },
        { crls },
        { crls: [], unknownStatus: 'allow' },
        { crls: [], ocspResponses: [response] },
      ] as const) {
        verdict(path, [], { revocation })
        const request = {
          anchors: [path.root.certificate],
          intermediates: [],
          at: NOW,
          purpose: 'server',
          revocation,
        } as const
        // An issuer that is missing is not fetched either.
        explainPath(path.node.certificate, request)
        expectCode('ERR_PATH_NOT_FOUND', () => validatePath(path.node.certificate, request))
      }
      expect(verdict(path, crls)).toBe('good')
      expect(verdict(path, [])).toBe('ERR_REVOCATION_UNKNOWN')
      verifyOcspResponse(response, { issuer: path.issuing.certificate, at: NOW })
      path.node.certificate.readAllExtensions()
    }
    await quiet()
  })

  it('REV-12: a CRL that names where its delta, or itself, is', async () => {
    for (const place of places()) {
      const names = [{ kind: 'uri', value: place }] as const
      const freshest = extensionDer(OID.freshestCrl, false, encodeSequence(encodeSequence(fullName(names))))
      expect(verdict(whole, [rootCrl, raw({ moreExtensionsDer: [freshest] })])).toBe('good')
      verdict(whole, [rootCrl, scoped({ names })])
    }
    await quiet()
  })

  it('REV-12: the commands that look at a certificate', async () => {
    for (const [index, place] of places().entries()) {
      const path = steering(place)
      const write = (name: string, content: string): string => {
        writeFileSync(join(folder, `${index}-${name}`), content)
        return `${index}-${name}`
      }
      const chain = write('chain.pem', `${path.node.certificate.toPem()}${path.issuing.certificate.toPem()}`)
      const leaf = write('leaf.pem', path.node.certificate.toPem())
      const ca = write('root.pem', path.root.certificate.toPem())
      const crl = write('crl.pem', (await makeCrl({ issuer: path.issuing })).toPem())
      for (const line of [
        `cert show ${chain}`,
        `cert verify ${chain} --ca ${ca} --explain`,
        `cert verify ${chain} --ca ${ca} --crl ${crl}`,
        `cert verify ${leaf} --ca ${ca} --allow-unchecked-revocation`,
        `ocsp request ${chain} --out ${index}-request.der`,
        `crl show ${crl}`,
      ]) {
        const { stderr } = await runCli(line, { directory: folder, clock: { now: () => NOW }, variables: {} })
        expect(stderr).not.toContain('ERR_INTERNAL')
      }
    }
    await quiet()
  })

  it('the places of these certificates are ones that a reader finds', () => {
    const [place = ''] = places()
    const { certificate } = steering(place).node
    expect(certificate.crlDistributionPoints?.[0]?.name).toEqual({ kind: 'fullName', names: [uri(place)] })
    expect(certificate.authorityInfoAccess?.map(({ location }) => location)).toEqual([uri(place), uri(place)])
  })
})
