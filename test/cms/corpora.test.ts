/** Documents of strangers: what must be refused is, with an error of ours, and nothing takes long. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { normalizeBer, OID, parsePem } from '../../src/asn1/index.js'
import { examineSignedData, parseForeignSignedData, parseSignedData, verifySignedData } from '../../src/cms/index.js'
import { EXIT_CODES, isSignetError } from '../../src/errors/index.js'
import { verifyMessage } from '../../src/message/index.js'
import { openTrustDirectory, type TrustDirectory } from '../../src/trust/index.js'
import { type Certificate, parseCertificate, parseCertificates } from '../../src/x509/index.js'
import { makeCertificate, NOW } from '../support/certificates.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { makeDirectory, makeSender, makeWorld, openRequest, receiver, type World } from '../support/messages.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const at = (path: string): string => join(CORPORA, path)
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(at(path)))
const list = (folder: string, pattern = /./): string[] =>
  readdirSync(at(folder))
    .filter((file) => pattern.test(file))
    .map((file) => join(folder, file))

const anybody = makeCertificate({ subject: 'Anybody', ca: true })

/** The most lenient question that there is; what is refused here is refused everywhere. */
function judge(bytes: Uint8Array, anchors: readonly Certificate[], content?: Uint8Array, instant: Date = NOW): string {
  const { code } = outcomeOf(() =>
    verifySignedData(bytes, {
      anchors: [anybody.certificate, ...anchors],
      certificates: anchors,
      purpose: 'allow-any',
      revocation: 'allow-unchecked',
      at: instant,
      ...(content === undefined ? {} : { content }),
    }),
  )
  return code
}

interface OpensslCase {
  readonly file: string
  readonly op: string
  readonly expect: string
}

describe.skipIf(!corporaAvailable())('the CMS documents of OpenSSL', () => {
  const cases = corporaAvailable()
    ? (JSON.parse(readFileSync(at('openssl/cms-expected.json'), 'utf8')) as { cases: OpensslCase[] }).cases
    : []
  const VERDICTS: Readonly<Record<string, string>> = {
    'bad_signtime_attr.cms': 'ERR_CMS_UNSIGNED_ATTRIBUTE',
    'no_ct_attr.cms': 'ERR_CMS_SIGNED_ATTRIBUTES',
    'no_md_attr.cms': 'ERR_CMS_SIGNED_ATTRIBUTES',
    'ct_multiple_attr.cms': 'ERR_CMS_MALFORMED',
    'pkcs7-md4.pem': 'ERR_ALGORITHM_NOT_ALLOWED',
  }

  it.each(
    cases.filter(({ op }) => op === 'verify').map(({ file, expect: expected }) => [basename(file), file, expected]),
  )('refuses %s although its signers and their CA are trusted', (name, file, expected) => {
    const bytes = read(join('openssl', file))
    const roots = parsePem(readFileSync(at('openssl/smime-certs/smroot.pem'), 'latin1'))
      .filter(({ label }) => label === 'CERTIFICATE')
      .map(({ der }) => parseCertificate(der))
    expect(expected).toBe('fail')
    const embedded = parseForeignOrNothing(bytes)
    const instant = new Date('2020-01-01T00:00:00Z')
    expect(judge(bytes, [...roots, ...embedded], undefined, instant)).toBe(VERDICTS[name])
  })

  it.each(cases.filter(({ op }) => op === 'decrypt' || op === 'parse').map(({ file }) => [basename(file), file]))(
    'refuses %s, which is no SignedData or malformed',
    (_, file) => {
      expect(judge(read(join('openssl', file)), [])).toMatch(
        /^ERR_(CMS_TYPE_UNSUPPORTED|CMS_MALFORMED|DER_TRUNCATED|PEM_MALFORMED)$/,
      )
    },
  )

  it('has no document that must verify: all of these are to be refused', () => {
    expect(cases.filter(({ op, expect: expected }) => op === 'verify' && expected === 'ok')).toEqual([])
  })
})

function parseForeignOrNothing(bytes: Uint8Array): readonly Certificate[] {
  try {
    return parseForeignSignedData(bytes).certificatesDer.map((der) => parseCertificate(der))
  } catch {
    return []
  }
}

describe.skipIf(!corporaAvailable())('the PKI tokens of Keystone', () => {
  const tokens = corporaAvailable() ? list('openstack/pki-tokens', /token.*\.pem$|revocation_list\.pem$/) : []
  const malleated = corporaAvailable() ? list('openstack/pki-tokens/malleated', /\.der$/) : []
  const trusted = (): readonly Certificate[] =>
    ['cacert.pem', 'signing_cert.pem'].flatMap((file) => [...parseCertificates(read(`openstack/pki-tokens/${file}`))])

  it('are ten documents and eleven changed ones', () => {
    expect(tokens.length).toBeGreaterThanOrEqual(7)
    expect(malleated.length).toBeGreaterThanOrEqual(11)
  })

  it.each(tokens)('%s is refused: it has no signed attributes', (file) => {
    const bytes = read(file)
    expect(judge(bytes, trusted())).toBe('ERR_CMS_SIGNED_ATTRIBUTES')
    const [signer] = parseForeignSignedData(bytes).signerInfos
    expect(signer?.signedAttrsDer).toBeUndefined()
  })

  it.each(malleated)('%s is refused, as is every other form of one token', (file) => {
    expect(judge(read(file), trusted())).toMatch(
      /^ERR_(CMS_SIGNED_ATTRIBUTES|CMS_MALFORMED|CMS_NO_SIGNERS|DER_TRAILING_DATA|CMS_SIGNER_UNKNOWN)$/,
    )
  })
})

describe.skipIf(!corporaAvailable())('the examples of RFC 4134', () => {
  const VERDICTS: Readonly<Record<string, string>> = {
    '4.1.bin': 'ERR_CMS_SIGNED_ATTRIBUTES',
    '4.2.bin': 'ERR_CMS_SIGNED_ATTRIBUTES',
    '4.3.bin': 'ERR_CMS_SIGNED_ATTRIBUTES',
    '4.4.bin': 'ERR_ALGORITHM_NOT_ALLOWED',
    '4.5.bin': 'ERR_CMS_SIGNED_ATTRIBUTES',
    '4.6.bin': 'ERR_CMS_SIGNED_ATTRIBUTES',
    '4.7.bin': 'ERR_CMS_SIGNED_ATTRIBUTES',
    '4.10.bin': 'ERR_ALGORITHM_NOT_ALLOWED',
    '4.11.bin': 'ERR_CMS_NO_SIGNERS',
  }

  it.each(Object.entries(VERDICTS))(
    '%s is refused with %s, whose algorithms or form are of the last century',
    (file, code) => {
      const bytes = read(join('rfc4134', file))
      const detached = parseForeignSignedData(bytes).eContent === undefined && file !== '4.11.bin'
      const content = file === '4.11.bin' || detached ? read('rfc4134/ExContent.bin') : undefined
      expect(judge(bytes, [], content, new Date('2001-01-01T00:00:00Z'))).toBe(code)
    },
  )

  it('are refused or read, every file of them, with errors of ours and in a moment', () => {
    for (const file of list('rfc4134')) {
      const bytes = read(file)
      const outcome = outcomeOf(() => parseForeignSignedData(bytes))
      expect(outcome.cpuMilliseconds).toBeLessThan(1000)
      expect(judge(bytes, [])).not.toBe('accepted')
    }
  })

  it('are of other types of CMS beside SignedData, which are named', () => {
    for (const file of ['5.1.bin', '5.2.bin', '6.0.bin', '7.1.bin', '7.2.bin', '3.1.bin']) {
      expect(judge(read(join('rfc4134', file)), [])).toBe('ERR_CMS_TYPE_UNSUPPORTED')
    }
  })
})

describe.skipIf(!corporaAvailable())('hostile CMS documents', () => {
  let world: World
  let trust: TrustDirectory
  beforeAll(async () => {
    world = await makeWorld()
    trust = await makeDirectory(world, [makeSender(world, { node: 'compute-07' })])
  })
  const files = corporaAvailable() ? [...list('malformed/cms'), ...list('openssl/d2i-tests')] : []

  it('are several hundred', () => {
    expect(files.length).toBeGreaterThan(700)
  })

  it('are refused by every reader, with an error of ours and in under a second', async () => {
    const content = Buffer.from('content')
    const tally = new Map<string, number>()
    for (const file of files) {
      const bytes = read(file)
      const readers: Record<string, () => unknown> = {
        parseSignedData: () => parseSignedData(bytes),
        parseForeignSignedData: () => parseForeignSignedData(bytes),
        normalizeBer: () => normalizeBer(bytes),
        parsePem: () => parsePem(Buffer.from(bytes).toString('latin1')),
        openTrustDirectory: () => openTrustDirectory(bytes, openRequest(world)),
        verifySignedData: () =>
          examineSignedData(bytes, {
            anchors: [anybody.certificate],
            purpose: 'allow-any',
            revocation: 'allow-unchecked',
            at: NOW,
          }),
      }
      for (const [name, work] of Object.entries(readers)) {
        const outcome = outcomeOf(work)
        if (outcome.cpuMilliseconds > 1000) throw new Error(`${name} took ${outcome.cpuMilliseconds} ms over ${file}`)
        if (outcome.code === 'accepted') tally.set(name, (tally.get(name) ?? 0) + 1)
      }
      const started = process.cpuUsage()
      const error: unknown = await verifyMessage(bytes, content, receiver(trust)).then(
        () => 'accepted',
        (refusal: unknown) => refusal,
      )
      const used = process.cpuUsage(started)
      if (!isSignetError(error) || error.exitCode === EXIT_CODES.internal)
        throw new Error(`not a refusal of ours: ${file}`, { cause: error })
      expect((used.user + used.system) / 1000).toBeLessThan(1000)
    }
    // Some are BER, and one is SignedData after all; none is believed.
    for (const name of ['openTrustDirectory', 'verifySignedData', 'parseSignedData'])
      expect(tally.get(name)).toBeUndefined()
  }, 60_000)

  it('are no messages even where they are SignedData', () => {
    const readable = files.filter((file) => outcomeOf(() => parseForeignSignedData(read(file))).code === 'accepted')
    for (const file of readable) expect(parseForeignSignedData(read(file)).eContentType).not.toBe(OID.signetMessage)
  })
})
