import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { type ErrorCode, isSignetError } from '../../src/errors/index.js'
import { MAX_SIGNATURES, validatePath, ValidatedPath } from '../../src/path/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { type Certificate, encodeAuthorityKeyIdentifier, parseCertificate } from '../../src/x509/index.js'
import {
  type CertificateOptions,
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOT_AFTER,
  NOW,
} from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { caExtensions, hierarchy, nodeExtensions, unknownExtension, validate } from '../support/hierarchy.js'

const purposes = [OID.kpServerAuth]
const REQUEST = { at: NOW, purpose: 'server', revocation: 'allow-unchecked' } as const

function codeOf(work: () => unknown): ErrorCode | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error.code
  }
}

describe('validatePath: trust anchors', () => {
  const { root, issuing, node } = hierarchy()

  it('PATH-07: without anchors nothing is trusted: not the system, not what the sender brought', () => {
    const error = expectCode('ERR_TRUST_NO_ANCHOR', () => validate({ root, issuing, node }, { anchors: [] }))
    expect(error.exitCode).toBe(2)
    const intermediates = [root.certificate, issuing.certificate]
    expectCode('ERR_TRUST_NO_ANCHOR', () => validate({ root, issuing, node }, { anchors: [], intermediates }))
  })

  it('PATH-07: a self-signed root among the intermediates is no anchor', () => {
    const other = makeCertificate({ subject: 'Other', ca: true })
    const intermediates = [root.certificate, issuing.certificate]
    expectCode('ERR_PATH_NOT_FOUND', () =>
      validate({ root, issuing, node }, { anchors: [other.certificate], intermediates }),
    )
  })

  it('PATH-07: an expired anchor anchors nothing', () => {
    const old = hierarchy({ root: { notAfter: addSeconds(NOW, -DAY) } })
    expectCode('ERR_PATH_EXPIRED', () => validate(old))
  })

  it('accepts an issuing CA as the anchor, and then asks nothing of the root', () => {
    const path = validate({ root, issuing, node }, { anchors: [issuing.certificate], intermediates: [] })
    expect(path.certificates).toEqual([node.certificate, issuing.certificate])
  })

  it('PATH-08: a certificate that is itself an anchor is matched by all of its octets', () => {
    const pinned = makeCertificate({ subject: 'pinned', purposes, serialNumber: '2a' })
    const path = validatePath(pinned.certificate, { ...REQUEST, anchors: [pinned.certificate] })
    expect(path.certificates).toEqual([pinned.certificate])
    expect(path.issuer).toBe(pinned.certificate)
    // A copy of the same octets is the same certificate.
    const copy = parseCertificate(Uint8Array.from(pinned.certificate.der))
    expect(validatePath(copy, { ...REQUEST, anchors: [pinned.certificate] }).target).toBe(copy)
  })

  it.each([
    ['another key', { key: keyFor('thief') }],
    ['another end', { notAfter: addSeconds(NOT_AFTER, -1) }],
    ['another purpose beside', { purposes: [OID.kpServerAuth, OID.kpClientAuth] }],
  ] as readonly (readonly [string, CertificateOptions])[])(
    'PATH-08: subject, issuer and serial number of an anchor with %s are not the anchor',
    (_claim, change) => {
      const pinned = makeCertificate({ subject: 'pinned', purposes, serialNumber: '2a' })
      const forged = makeCertificate({ subject: 'pinned', purposes, serialNumber: '2a', ...change })
      const code = codeOf(() => validatePath(forged.certificate, { ...REQUEST, anchors: [pinned.certificate] }))
      expect(['ERR_PATH_NOT_FOUND', 'ERR_PATH_NOT_CA']).toContain(code)
    },
  )

  it('checks an anchor that is the target: validity, purpose and critical extensions count', () => {
    const check = (options: CertificateOptions): ErrorCode | undefined => {
      const { certificate } = makeCertificate({ subject: 'pinned', purposes, ...options })
      return codeOf(() => validatePath(certificate, { ...REQUEST, anchors: [certificate] }))
    }
    expect(check({})).toBeUndefined()
    expect(check({ notAfter: addSeconds(NOW, -1) })).toBe('ERR_PATH_EXPIRED')
    expect(check({ purposes: [OID.kpClientAuth] })).toBe('ERR_PATH_PURPOSE')
    expect(check({ moreExtensionsDer: [unknownExtension(true)] })).toBe('ERR_PATH_CRITICAL_EXTENSION')
  })
})

describe('validatePath: finding a path (RFC 4158)', () => {
  const { root, issuing, node } = hierarchy()

  it('finds no path where a CA between is missing', () => {
    const error = expectCode('ERR_PATH_NOT_FOUND', () => validate({ root, issuing, node }, { intermediates: [] }))
    expect(error.details).toMatchObject({ subject: 'CN=node', issuer: 'CN=Issuing' })
  })

  it('does not care about the order of intermediates, strangers among them, or one given twice', () => {
    const strangers = ['a', 'b', 'c'].map((subject) => makeCertificate({ subject, ca: true }).certificate)
    for (const intermediates of [
      [...strangers, issuing.certificate],
      [issuing.certificate, ...strangers],
      [issuing.certificate, issuing.certificate, root.certificate],
      [node.certificate, issuing.certificate],
    ]) {
      expect(validate({ root, issuing, node }, { intermediates }).issuer).toBe(issuing.certificate)
    }
  })

  it('PATH-29: a key identifier that names another key ends the search; without one, the signature decides', () => {
    const wrong = makeCertificate({
      subject: 'n',
      issuer: issuing,
      extensionsDer: [...nodeExtensions(), encodeAuthorityKeyIdentifier(Buffer.alloc(20, 7))],
    })
    expectCode('ERR_PATH_NOT_FOUND', () => validate({ root, issuing, node: wrong }))
    const without = makeCertificate({ subject: 'n', issuer: issuing, extensionsDer: nodeExtensions() })
    expect(validate({ root, issuing, node: without }).issuer).toBe(issuing.certificate)
  })

  it('PATH-29: a key identifier that fits proves nothing', () => {
    const thief = { certificate: issuing.certificate, key: keyFor('thief') }
    const forged = makeCertificate({
      subject: 'n',
      issuer: thief,
      extensionsDer: [
        ...nodeExtensions(),
        encodeAuthorityKeyIdentifier(issuing.certificate.subjectKeyIdentifier ?? new Uint8Array()),
      ],
    })
    expectCode('ERR_PATH_SIGNATURE', () => validate({ root, issuing, node: forged }))
  })

  it('goes another way where one way is closed: an expired cross-certificate beside a good one', () => {
    const old = makeCertificate({
      subject: 'Issuing',
      issuer: root,
      ca: true,
      notAfter: addSeconds(NOW, -1),
      serialNumber: '41',
    })
    const path = validate({ root, issuing, node }, { intermediates: [old.certificate, issuing.certificate] })
    expect(path.issuer).toBe(issuing.certificate)
  })

  it('follows a cross-signed CA to the anchor that is trusted', () => {
    const trusted = makeCertificate({ subject: 'Trusted', ca: true })
    const cross = makeCertificate({ subject: 'Root', issuer: trusted, key: root.key, ca: true })
    const intermediates = [issuing.certificate, root.certificate, cross.certificate]
    const path = validate({ root: trusted, issuing, node }, { intermediates })
    expect(path.certificates).toHaveLength(4)
    expect(path.anchor).toBe(trusted.certificate)
  })

  it('a path has at most ten certificates', () => {
    for (const [length, code] of [
      [10, undefined],
      [11, 'ERR_PATH_NOT_FOUND'],
    ] as const) {
      const chain = [makeCertificate({ subject: 'Level 0', ca: true })]
      for (let level = 1; level < length - 1; level++) {
        const [issuer] = chain.slice(-1)
        if (issuer !== undefined) chain.push(makeCertificate({ subject: `Level ${level}`, issuer, ca: true }))
      }
      const [top, last] = [chain[0], chain.at(-1)]
      if (top === undefined || last === undefined) throw new Error('a chain is never empty')
      const leaf = makeCertificate({ subject: 'leaf', issuer: last, purposes })
      const intermediates = chain.slice(1).map((item) => item.certificate)
      expect(codeOf(() => validate({ root: top, issuing: last, node: leaf }, { intermediates }))).toBe(code)
    }
  })
})

describe('validatePath: graphs made to take long', () => {
  const { root, issuing, node } = hierarchy()

  function quick(work: () => unknown): ErrorCode | undefined {
    const before = process.cpuUsage()
    const code = codeOf(work)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1e6).toBeLessThan(5)
    return code
  }

  it('PATH-18: CAs that signed each other in a ring lead nowhere, and soon', () => {
    const names = ['A', 'B', 'C']
    const ring: Certificate[] = names.flatMap((subject, index) => {
      const issuerName = names[(index + 1) % names.length] ?? ''
      const issuer: Holder = makeCertificate({ subject: issuerName, key: keyFor(issuerName), ca: true })
      return [makeCertificate({ subject, issuer, key: keyFor(subject), ca: true }).certificate]
    })
    const issuer = makeCertificate({ subject: 'A', key: keyFor('A'), ca: true })
    const leaf = makeCertificate({ subject: 'leaf', issuer, purposes })
    expect(quick(() => validate({ root, issuing, node: leaf }, { intermediates: ring }))).toBe('ERR_PATH_NOT_FOUND')
    // The same ring with a way out.
    const out = makeCertificate({ subject: 'C', issuer: root, key: keyFor('C'), ca: true })
    const wide = hierarchy({ root: { pathLength: 5 } }).root
    expect(
      quick(() => validate({ root: wide, issuing, node: leaf }, { intermediates: [...ring, out.certificate] })),
    ).toBeUndefined()
  })

  it('PATH-18: CAs that all signed all are given up at a limit', () => {
    const names = Array.from({ length: 12 }, (_, index) => `Mesh ${index}`)
    const mesh = names.flatMap((subject) =>
      names
        .filter((name) => name !== subject)
        .map(
          (name) =>
            makeCertificate({ subject, issuer: makeCertificate({ subject: name, ca: true }), ca: true }).certificate,
        ),
    )
    const leaf = makeCertificate({
      subject: 'leaf',
      issuer: makeCertificate({ subject: 'Mesh 0', ca: true }),
      purposes,
    })
    const code = quick(() => validate({ root, issuing, node: leaf }, { intermediates: mesh }))
    expect(code).toBe('ERR_LIMIT_EXCEEDED')
  })

  it('PATH-18: fifty CAs of one name with different keys: key identifiers lead to the right one at once', () => {
    const same = Array.from(
      { length: 50 },
      (_, index) =>
        makeCertificate({ subject: 'Issuing', issuer: root, key: keyFor(`same ${index}`), ca: true }).certificate,
    )
    expect(quick(() => validate({ root, issuing, node }, { intermediates: same }))).toBe('ERR_PATH_NOT_FOUND')
    const intermediates = [...same, issuing.certificate]
    expect(quick(() => validate({ root, issuing, node }, { intermediates }))).toBeUndefined()
  })

  it('PATH-18: without key identifiers the one of fifty that signed is found, wherever it stands', () => {
    const same = Array.from(
      { length: 50 },
      (_, index) =>
        makeCertificate({
          subject: 'Issuing',
          issuer: root,
          key: keyFor(`same ${index}`),
          extensionsDer: caExtensions(),
        }).certificate,
    )
    const leaf = makeCertificate({ subject: 'leaf', issuer: issuing, extensionsDer: nodeExtensions() })
    const search = (intermediates: readonly Certificate[]): ErrorCode | undefined =>
      quick(() => validate({ root, issuing, node: leaf }, { intermediates }))
    expect(search([issuing.certificate, ...same])).toBeUndefined()
    expect(search([...same, issuing.certificate])).toBeUndefined()
    expect(search(same)).toBe('ERR_PATH_SIGNATURE')
  })

  it('PATH-18: among more of one name than signatures may be verified, the search ends', () => {
    const issuer = makeCertificate({ subject: 'Issuing', issuer: root, extensionsDer: caExtensions() })
    const same = Array.from({ length: MAX_SIGNATURES + 1 }, () => parseCertificate(issuer.certificate.der))
    const leaf = makeCertificate({ subject: 'leaf', issuer, extensionsDer: nodeExtensions() }).certificate.der
    const broken = parseCertificate(
      Uint8Array.from(leaf, (octet, index) => (index === leaf.length - 1 ? octet ^ 1 : octet)),
    )
    expectCode('ERR_LIMIT_EXCEEDED', () =>
      validatePath(broken, { ...REQUEST, anchors: [root.certificate], intermediates: same }),
    )
  })

  it('PATH-18: fifty CAs of one name that issued each other are given up at a limit', () => {
    const same = Array.from({ length: 50 }, (_, index) => {
      const issuer = makeCertificate({
        subject: 'Loop',
        key: keyFor(`loop ${(index + 1) % 50}`),
        extensionsDer: caExtensions(),
      })
      return makeCertificate({ subject: 'Loop', issuer, key: keyFor(`loop ${index}`), extensionsDer: caExtensions() })
        .certificate
    })
    const issuer = makeCertificate({ subject: 'Loop', key: keyFor('loop 0'), extensionsDer: caExtensions() })
    const leaf = makeCertificate({ subject: 'leaf', issuer, extensionsDer: nodeExtensions() })
    expect(quick(() => validate({ root, issuing, node: leaf }, { intermediates: same }))).toBe('ERR_LIMIT_EXCEEDED')
  })

  it('PATH-18: more than 64 paths to an anchor are not all tried', () => {
    const anchors = Array.from(
      { length: 70 },
      (_, index) =>
        makeCertificate({
          subject: 'Issuing',
          key: issuing.key,
          serialNumber: `${(index + 100).toString(16)}00`.padStart(6, '0'),
          extensionsDer: caExtensions(),
          notAfter: NOW,
        }).certificate,
    )
    const leaf = makeCertificate({ subject: 'leaf', issuer: issuing, extensionsDer: nodeExtensions() })
    const at = addSeconds(NOW, 2)
    const search = (count: number): ErrorCode | undefined =>
      codeOf(() => validate({ root, issuing, node: leaf }, { at, anchors: anchors.slice(0, count), intermediates: [] }))
    expect(search(64)).toBe('ERR_PATH_EXPIRED')
    expect(search(65)).toBe('ERR_LIMIT_EXCEEDED')
  })

  it('accepts the plain hierarchy beside five hundred strangers', () => {
    const stranger = makeCertificate({ subject: 'Stranger', ca: true }).certificate
    const intermediates = [...Array.from({ length: 500 }, () => stranger), issuing.certificate]
    expect(quick(() => validate({ root, issuing, node }, { intermediates }))).toBeUndefined()
  })
})

describe('validatePath: of several refusals the most telling one', () => {
  const { root, issuing, node } = hierarchy()
  /** Two ways from the node, each closed by another fault. */
  const other = (change: CertificateOptions): Certificate =>
    makeCertificate({ subject: 'Issuing', issuer: root, ca: true, serialNumber: '41', ...change }).certificate
  const closed: Readonly<Record<string, Certificate>> = {
    ERR_PATH_NOT_CA: other({ ca: false }),
    ERR_PATH_KEY_USAGE: other({ keyUsage: ['cRLSign'] }),
    ERR_PATH_CRITICAL_EXTENSION: other({ moreExtensionsDer: [unknownExtension(true)] }),
    ERR_PATH_PURPOSE: other({ purposes: [OID.kpOcspSigning] }),
    ERR_PATH_NOT_YET_VALID: other({ notBefore: addSeconds(NOW, 1) }),
    ERR_PATH_EXPIRED: other({ notAfter: addSeconds(NOW, -1) }),
  }
  const order = Object.keys(closed)

  it.each(order.slice(1).map((code, index) => [order[index] ?? '', code] as const))(
    '%s gives way to %s, in whichever order they are met',
    (lesser, greater) => {
      const pair = [lesser, greater].flatMap((code) => closed[code] ?? [])
      for (const intermediates of [pair, pair.toReversed()]) {
        expect(codeOf(() => validate({ root, issuing, node }, { intermediates }))).toBe(greater)
      }
    },
  )

  it('a revoked certificate is called revoked, though another way is expired', async () => {
    const crls = [
      await makeCrl({ issuer: root }),
      await makeCrl({
        issuer: issuing,
        revoked: [{ serialNumber: node.certificate.serialNumber, revocationDate: NOW, reason: 'keyCompromise' }],
      }),
    ]
    const intermediates = [closed['ERR_PATH_EXPIRED'], issuing.certificate].flatMap((item) => item ?? [])
    expect(codeOf(() => validate({ root, issuing, node }, { intermediates, revocation: { crls } }))).toBe('ERR_REVOKED')
  })

  it('the wrong host name is said first: it is wrong on every path', () => {
    const revocation = { crls: [] }
    expect(codeOf(() => validate({ root, issuing, node }, { hostName: 'other.example', revocation }))).toBe(
      'ERR_PATH_HOST_NAME',
    )
  })
})

describe('ValidatedPath: the proof', () => {
  it('PATH-26: cannot be made by anybody else, and a refusal is never a value', () => {
    // @ts-expect-error the constructor is private
    const forge = (): unknown => new ValidatedPath([], REQUEST)
    expect(forge).toThrow()
    const { root, issuing, node } = hierarchy()
    const path = validate({ root, issuing, node })
    expect(() => Object.assign(path, { at: new Date(0) })).toThrow(TypeError)
    expect(Object.keys(path)).toEqual(['certificates', 'at', 'revocation', 'policies'])
    expect(() => (path.policies as string[]).push('1.2.3')).toThrow(TypeError)
  })

  it('PATH-26: what goes wrong inside is thrown on, not taken for an answer', () => {
    const { root, issuing, node } = hierarchy()
    const broken = {
      get crls(): never {
        throw new TypeError('the disk is on fire')
      },
    }
    expect(() => validate({ root, issuing, node }, { revocation: broken })).toThrow(TypeError)
  })

  it('says whether revocation was looked at', async () => {
    const { root, issuing, node } = hierarchy()
    const crls = [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })]
    expect(validate({ root, issuing, node }, { revocation: { crls } }).revocation).toBe('checked')
  })
})
