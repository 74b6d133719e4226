/** OCSP: OpenSSL and GnuTLS believe what signet answers, and signet what OpenSSL answers; each reads the questions of the others. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { verifyOcspResponse } from '../../src/path/index.js'
import { parseCertificates, parseOcspRequest, parseOcspResponse } from '../../src/x509/index.js'
import { type CredentialFiles, makeDeployment, WALL_CLOCK } from '../support/deployment.js'
import { expectCode } from '../support/expect-code.js'
import { available, run, succeed } from './programs.js'

const hasOpenssl = available('openssl')
const hasOcsptool = available('ocsptool')

const cloud = await makeDeployment({ entities: ['good', 'gone', 'held'].map((name) => ({ id: `node-${name}` })) })
await cloud.signet('revoke node-gone --reason keyCompromise')
await cloud.signet('entity quarantine node-held')
await cloud.signet('ocsp delegate --out responder')
await cloud.signet('crl publish --out-dir crls')
const rootCrl = cloud.path('crls', `${cloud.root.keyIdentifier}.crl`)
const good = cloud.credential('node-good/tls')
const gone = cloud.credential('node-gone/tls')
const held = cloud.credential('node-held/tls')
const bundle = cloud.write('bundle.pem', readFileSync(cloud.rootFile, 'utf8') + readFileSync(cloud.issuingFile, 'utf8'))

/** Who signs: the words for `signet ocsp respond`. */
const SIGNERS = [
  ['the CA itself', ''],
  ['its responder', '--responder responder'],
] as const

let count = 0
/** A new file in the deployment. */
const fresh = (name: string): string => cloud.path(`${count++}-${name}`)

/** Have signet answer the request of a file. @returns The file of the response. */
async function answered(request: string, signer: string): Promise<string> {
  const { json } = await cloud.signet(`ocsp respond ${signer} --json`, { stdin: readFileSync(request) })
  return cloud.write(fresh('response.der'), Buffer.from(String(json['response']), 'base64'))
}

describe.skipIf(!hasOpenssl)('openssl ocsp asks signet', () => {
  /** Have OpenSSL make a request. */
  function asked(certificates: readonly CredentialFiles[], ...words: readonly string[]): string {
    const file = fresh('request.der')
    const of = certificates.flatMap(({ certificate }) => ['-cert', certificate])
    succeed('openssl', ['ocsp', ...words, '-issuer', cloud.issuingFile, ...of, '-reqout', file])
    return file
  }

  /** Have OpenSSL verify a response to a request, to which it adds nothing, and print what it says. */
  const judged = (response: string, request: string, ...words: readonly string[]): string => {
    const given = ['-respin', response, '-reqin', request, '-CAfile', bundle]
    return run('openssl', ['ocsp', '-no_nonce', '-resp_text', ...given, ...words]).output
  }
  const of = ({ certificate }: CredentialFiles): readonly string[] => [
    '-issuer',
    cloud.issuingFile,
    '-cert',
    certificate,
    '-verify_other',
    cloud.issuingFile,
  ]

  it.each(SIGNERS)('and believes each answer, signed by %s: good, revoked, on hold', async (_, signer) => {
    const request = asked([good, gone, held])
    const response = await answered(request, signer)
    const output = judged(response, request, ...of(good), '-cert', gone.certificate, '-cert', held.certificate)
    expect(output).toContain('Response verify OK')
    expect(output).not.toContain('Nonce Verify error')
    expect(output).toContain(`${good.certificate}: good`)
    expect(output).toMatch(new RegExp(`${gone.certificate}: revoked\n[^]*?Reason: keyCompromise\n`))
    expect(output).toMatch(new RegExp(`${held.certificate}: revoked\n[^]*?Reason: certificateHold\n`))
  })

  it.each(SIGNERS)('and is told that %s does not know what was never issued', async (_, signer) => {
    const request = fresh('request.der')
    const words = ['-issuer', cloud.issuingFile, '-serial', '0x7f112233445566778899']
    succeed('openssl', ['ocsp', ...words, '-no_nonce', '-reqout', request])
    const output = judged(await answered(request, signer), request, ...words, '-verify_other', cloud.issuingFile)
    expect(output).toContain('Response verify OK')
    expect(output).toContain('0x7f112233445566778899: unknown')
  })

  it.each(SIGNERS)('REV-03: and finds its nonce in the answer of %s, and no other', async (_, signer) => {
    const [first, second] = [asked([good], '-nonce'), asked([good], '-nonce')]
    const response = await answered(first, signer)
    // With -cert, OpenSSL would make a request of its own instead of the one that is named.
    const verified = (request: string): string => judged(response, request, '-verify_other', cloud.issuingFile)
    expect(verified(first)).toContain('Response verify OK')
    expect(verified(second)).toContain('Nonce Verify error')
  })

  it.each(['sha1', 'sha256', 'sha384', 'sha512'])('REV-01: and may name the CA with %s', async (digest) => {
    const request = asked([good], `-${digest}`, '-no_nonce')
    const response = await answered(request, '--responder responder')
    const output = judged(response, request, `-${digest}`, ...of(good))
    expect(output).toContain('Response verify OK')
    expect(output).toContain(`${good.certificate}: good`)
    expect(output).toContain(`Hash Algorithm: ${digest}`)
  })

  it('and may sign its request, which is of no matter', async () => {
    const request = asked([good], '-signer', good.certificate, '-signkey', good.key)
    expect(parseOcspRequest(readFileSync(request)).questions).toHaveLength(1)
    expect(judged(await answered(request, ''), request, ...of(good))).toContain(': good')
  })

  it('and reads the times that signet meant', async () => {
    const request = asked([good], '-no_nonce')
    const file = await answered(request, '--responder responder --validity 2h')
    const answer = parseOcspResponse(readFileSync(file)).basic?.answers[0]
    const output = judged(file, request, ...of(good))
    const time = (name: string): number => Date.parse(new RegExp(`${name}: (.+)`).exec(output)?.[1] ?? '')
    expect(time('This Update')).toBe(answer?.thisUpdate.getTime())
    expect(time('Next Update')).toBe(answer?.nextUpdate?.getTime())
  })

  it.each(SIGNERS)('and believes the answer of %s by the root, and by no other', async (_, signer) => {
    const response = await answered(asked([good], '-no_nonce'), signer)
    // With -issuer, OpenSSL would believe that CA whether or not it leads to a root.
    const judgedBy = (anchors: string): string =>
      run('openssl', ['ocsp', '-respin', response, '-CAfile', anchors, '-verify_other', cloud.issuingFile]).output
    expect(judgedBy(cloud.rootFile)).toContain('Response verify OK')
    expect(judgedBy(good.certificate)).toContain('Response Verify Failure')
  })

  it('and does not believe what is altered', async () => {
    const request = asked([good], '-no_nonce')
    const response = readFileSync(await answered(request, '--responder responder'))
    const offset = response.indexOf(Buffer.from('180f', 'hex')) + 15
    const broken = cloud.write(fresh('broken.der'), response.fill((response[offset] ?? 0) ^ 1, offset, offset + 1))
    expect(judged(broken, request, ...of(good))).toContain('Response Verify Failure')
  })

  it('and believes what was made beforehand', async () => {
    await cloud.signet('ocsp sign --out staples --responder responder')
    for (const [credential, wanted] of [
      [good, 'good'],
      [gone, 'revoked'],
    ] as const) {
      const { serialNumber } = credential.load().certificate
      const request = asked([credential], '-no_nonce')
      const output = judged(cloud.path('staples', `${serialNumber}.ocsp`), request, ...of(credential))
      expect(output).toContain('Response verify OK')
      expect(output).toContain(`${credential.certificate}: ${wanted}`)
    }
  })

  it('and is answered malformedRequest where it asks nonsense', async () => {
    const { json } = await cloud.signet('ocsp respond --responder responder --json', { stdin: 'nonsense' })
    const file = cloud.write(fresh('error.der'), Buffer.from(String(json['response']), 'base64'))
    expect(run('openssl', ['ocsp', '-respin', file, '-noverify']).output).toContain('malformedrequest')
  })
})

describe.skipIf(!hasOpenssl)('signet asks openssl ocsp', () => {
  /** The database of `openssl ca`: what an OpenSSL responder knows. */
  function index(): string {
    const line = ({ certificate }: CredentialFiles, state: string, revoked: string): string => {
      const [found] = parseCertificates(readFileSync(certificate))
      if (found === undefined) throw new Error('there is one')
      const end = found.notAfter
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2)
      return `${state}\t${end}\t${revoked}\t${found.serialNumber.toUpperCase()}\tunknown\t/CN=x\n`
    }
    const since = '260101000000Z'
    return cloud.write(
      'index.txt',
      `${line(good, 'V', '')}${line(gone, 'R', `${since},keyCompromise`)}${line(held, 'R', since)}`,
    )
  }
  const database = index()
  /** By whom OpenSSL answers: the CA itself, or our responder. */
  const byCa = [
    '-rsigner',
    cloud.issuingFile,
    '-rkey',
    `${cloud.home}/issuing-ca.key.pem`,
    '-passin',
    `file:${cloud.passphraseFile}`,
  ]
  const byResponder = [
    '-rsigner',
    cloud.path('responder/current/cert.pem'),
    '-rkey',
    cloud.path('responder/current/key.pem'),
  ]

  /** Have OpenSSL answer a request. */
  function served(request: string, ...words: readonly string[]): string {
    const file = fresh('served.der')
    const from = ['-index', database, '-CA', cloud.issuingFile, '-ndays', '1']
    succeed('openssl', ['ocsp', ...from, '-reqin', request, '-respout', file, ...words])
    return file
  }

  async function requested(credential: CredentialFiles, ...words: readonly string[]): Promise<string> {
    const file = fresh('ours.der')
    await cloud.signet(['ocsp', 'request', credential.fullchain, '--out', file, ...words])
    return file
  }

  const verify = (credential: CredentialFiles, response: string): ReturnType<typeof cloud.run> =>
    cloud.run(['cert', 'verify', credential.fullchain, '--ca', cloud.rootFile, '--crl', rootCrl, '--ocsp', response])

  it.each([
    ['the CA itself', byCa],
    ['our responder', byResponder],
    ['our responder, by its key', [...byResponder, '-resp_key_id']],
    ['our responder, signing with SHA-512', [...byResponder, '-rmd', 'sha512']],
  ])('and believes what it answers, signed by %s', async (_, words) => {
    expect((await verify(good, served(await requested(good), ...words))).code).toBe(0)
    expect(await verify(gone, served(await requested(gone), ...words))).toMatchObject({ errorCode: 'ERR_REVOKED' })
    expect(await verify(held, served(await requested(held), ...words))).toMatchObject({ errorCode: 'ERR_REVOKED' })
  })

  it('and reads reason and date as OpenSSL wrote them', async () => {
    const { basic } = parseOcspResponse(readFileSync(served(await requested(gone), ...byCa)))
    expect(basic?.answers.map(({ status }) => status)).toEqual([
      { kind: 'revoked', revocationDate: new Date('2026-01-01T00:00:00Z'), reason: 'keyCompromise' },
    ])
  })

  it.each(['sha1', 'sha256', 'sha384', 'sha512'])('REV-01: and names the CA with %s', async (digest) => {
    const response = served(await requested(good, '--digest', digest), ...byResponder)
    expect((await verify(good, response)).code).toBe(0)
    expect(parseOcspResponse(readFileSync(response)).basic?.answers[0]?.id.digest).toBe(digest)
  })

  it('REV-03: and finds its nonce in the answer, and no other', async () => {
    const file = await requested(good)
    const { nonce } = parseOcspRequest(readFileSync(file))
    const response = parseOcspResponse(readFileSync(served(file, ...byResponder)))
    if (nonce === undefined) throw new Error('one is sent unless told otherwise')
    const at = WALL_CLOCK.now()
    const request = { issuer: cloud.issuing, at }
    expect(verifyOcspResponse(response, { ...request, nonce }).subject.toString()).toContain('ocsp-responder')
    const other = parseOcspResponse(readFileSync(served(await requested(good), ...byResponder)))
    expectCode('ERR_OCSP_NONCE', () => verifyOcspResponse(other, { ...request, nonce }))
    const none = parseOcspResponse(readFileSync(served(await requested(good, '--no-nonce'), ...byResponder)))
    expectCode('ERR_OCSP_NONCE', () => verifyOcspResponse(none, { ...request, nonce }))
  })

  it('REV-01: and takes the answer about one for nobody else', async () => {
    const response = served(await requested(good), ...byCa)
    expect(await verify(held, response)).toMatchObject({ errorCode: 'ERR_REVOCATION_UNKNOWN' })
  })

  it('REV-02: and believes nobody who is not authorised, and nothing that is not signed', async () => {
    const request = await requested(good)
    const refused: readonly (readonly [claim: string, response: string])[] = [
      ['by a server of the same CA', served(request, '-rsigner', good.certificate, '-rkey', good.key)],
      ['by an altered signature', served(request, ...byResponder, '-badsig')],
      ['by a responder that is not sent along', served(request, ...byResponder, '-resp_no_certs')],
    ]
    for (const [claim, response] of refused) {
      expect([claim, (await verify(good, response)).errorCode]).toEqual([claim, 'ERR_REVOCATION_UNKNOWN'])
    }
    // Beside one that is authorised they do no harm.
    const [, stranger] = refused[0] ?? ['', '']
    const words = ['cert', 'verify', good.fullchain, '--ca', cloud.rootFile, '--crl', rootCrl]
    expect((await cloud.run([...words, '--ocsp', stranger, '--ocsp', served(request, ...byCa)])).code).toBe(0)
  })

  it('and is told that OpenSSL does not know what is not in its index', async () => {
    const file = fresh('elsewhere.der')
    await cloud.signet(['ocsp', 'request', cloud.path('responder/current/fullchain.pem'), '--out', file])
    const { basic } = parseOcspResponse(readFileSync(served(file, ...byCa)))
    expect(basic?.answers[0]?.status).toEqual({ kind: 'unknown' })
  })

  it('and its questions read as they were meant', async () => {
    const file = await requested(good, '--digest', 'sha256')
    const text = succeed('openssl', ['ocsp', '-reqin', file, '-req_text', '-noverify'])
    const { questions, nonce } = parseOcspRequest(readFileSync(file))
    expect(text).toContain('Version: 1 (0x0)')
    expect(text).toContain('Hash Algorithm: sha256')
    expect(text.toLowerCase()).toContain(`serial number: ${questions[0]?.serialNumber ?? ''}`)
    expect(text).toContain('OCSP Nonce')
    expect(nonce).toHaveLength(32)
  })
})

describe.skipIf(!hasOcsptool)('GnuTLS', () => {
  const request = (): string => {
    const file = fresh('gnutls.der')
    succeed('ocsptool', [
      '--generate-request',
      ...['--load-issuer', cloud.issuingFile, '--load-cert', good.certificate, '--outfile', file],
    ])
    return file
  }

  it.each([
    ['the CA itself', '', cloud.issuingFile],
    ['its responder', '--responder responder', cloud.path('responder/current/cert.pem')],
  ])('asks, and believes the answer, signed by %s', async (_, signer, signerFile) => {
    const file = request()
    expect(parseOcspRequest(readFileSync(file)).questions).toHaveLength(1)
    const response = await answered(file, signer)
    const { code, output } = run('ocsptool', [
      '--verify-response',
      '--load-response',
      response,
      '--load-signer',
      signerFile,
    ])
    expect([code, output]).toEqual([0, expect.stringContaining('Verifying OCSP Response: Success')])
    const other = ['--load-signer', good.certificate]
    expect(run('ocsptool', ['--verify-response', '--load-response', response, ...other]).output).not.toContain(
      'Response: Success',
    )
  })

  it('believes a responder that the CA authorised, by the CA alone', async () => {
    const response = await answered(request(), '--responder responder')
    const { output } = run('ocsptool', [
      '--verify-response',
      '--load-response',
      response,
      '--load-trust',
      cloud.issuingFile,
    ])
    expect(output).toContain('Verifying OCSP Response: Success')
  })

  it('reads in a response what signet wrote', async () => {
    const file = fresh('all.der')
    await cloud.signet(['ocsp', 'request', gone.fullchain, '--out', file])
    const response = await answered(file, '--responder responder')
    const output = succeed('ocsptool', ['--response-info', '--load-response', response])
    expect(output).toMatch(/Certificate Status: revoked/)
    expect(output).toContain('Response Status: Successful')
    const { basic } = parseOcspResponse(readFileSync(response))
    expect(output).toContain(basic?.answers[0]?.id.serialNumber)
    expect(output).toMatch(/Nonce: [0-9a-f]{64}/)
  })

  it('reads in a request what signet wrote', async () => {
    const file = fresh('ours.der')
    await cloud.signet(['ocsp', 'request', good.fullchain, '--out', file])
    const output = succeed('ocsptool', ['--request-info', '--load-request', file])
    expect(output).toContain(parseOcspRequest(readFileSync(file)).questions[0]?.serialNumber)
    expect(output).toContain('Nonce')
  })
})
