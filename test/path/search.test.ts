import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { type NotTheIssuer } from '../../src/path/index.js'
import { Budget } from '../../src/path/budget.js'
import { candidatePaths } from '../../src/path/search.js'
import { type Certificate, encodeAuthorityKeyIdentifier, parseCertificate } from '../../src/x509/index.js'
import { keyFor, makeCertificate } from '../support/certificates.js'
import { fromHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { caExtensions, extensionDer, hierarchy, nodeExtensions } from '../support/hierarchy.js'

const { root, issuing, node } = hierarchy()

interface Search {
  readonly paths: readonly (readonly Certificate[])[]
  readonly aside: readonly NotTheIssuer[]
}

function search(
  target: Certificate,
  anchors: readonly Certificate[],
  intermediates: readonly Certificate[] = [],
  budget = new Budget(),
): Search {
  const aside: NotTheIssuer[] = []
  const leaveAside = (one: NotTheIssuer): void => void aside.push(one)
  const request = { anchors, intermediates, algorithms: 'listed', budget, leaveAside } as const
  return { paths: [...candidatePaths(target, request)], aside }
}

/** Subjects of each path, anchor first. */
const names = ({ paths }: Search): readonly string[] =>
  paths.map((path) => path.map(({ subject }) => subject.toString().replace('CN=', '')).join(' > '))

describe('candidatePaths (RFC 4158)', () => {
  it('hands out each chain once, anchor first and target last', () => {
    const found = search(node.certificate, [root.certificate], [issuing.certificate])
    expect(found.paths).toEqual([[root.certificate, issuing.certificate, node.certificate]])
    expect(found.aside).toEqual([])
  })

  it('a target that is an anchor is a path of one, and may have others', () => {
    expect(names(search(root.certificate, [root.certificate]))).toEqual(['Root'])
    const found = search(issuing.certificate, [issuing.certificate, root.certificate])
    expect(names(found)).toEqual(['Issuing', 'Root > Issuing'])
  })

  it('a target is an anchor by its octets, not by being the same object', () => {
    const copy = parseCertificate(Uint8Array.from(root.certificate.der))
    expect(names(search(copy, [root.certificate]))).toEqual(['Root'])
  })

  it('tries anchors first, then issuers in the order given, and goes deeper before wider', () => {
    const cross = (subject: string, serialNumber: string): Certificate =>
      makeCertificate({
        subject: 'Issuing',
        issuer: makeCertificate({ subject, ca: true }),
        key: issuing.key,
        serialNumber,
        ca: true,
      }).certificate
    const [a, b] = ['A', 'B'].map((subject) => makeCertificate({ subject, ca: true }).certificate)
    if (a === undefined || b === undefined) throw new Error('there are two')
    const [viaA, viaB] = [cross('A', '41'), cross('B', '42')]
    const anchors = [root.certificate, a, b]
    expect(names(search(node.certificate, anchors, [viaA, viaB, issuing.certificate]))).toEqual([
      'A > Issuing > node',
      'B > Issuing > node',
      'Root > Issuing > node',
    ])
    expect(names(search(node.certificate, anchors, [viaB, issuing.certificate, viaA]))).toEqual([
      'B > Issuing > node',
      'Root > Issuing > node',
      'A > Issuing > node',
    ])
    // An anchor comes before every longer way.
    expect(names(search(node.certificate, [root.certificate, issuing.certificate], [viaA, viaB]))).toEqual([
      'Issuing > node',
    ])
    const self = makeCertificate({ subject: 'Issuing', key: issuing.key, ca: true, serialNumber: '43' }).certificate
    expect(names(search(node.certificate, [a, self], [viaA]))).toEqual(['Issuing > node', 'A > Issuing > node'])
  })

  it('goes on above an anchor only on its way to another', () => {
    const found = search(node.certificate, [issuing.certificate, root.certificate], [])
    expect(names(found)).toEqual(['Issuing > node'])
  })

  it('never takes one name with one key twice, whatever certificates it has', () => {
    const again = makeCertificate({
      subject: 'Issuing',
      issuer: issuing,
      key: issuing.key,
      ca: true,
      serialNumber: '44',
    })
    const found = search(node.certificate, [root.certificate], [again.certificate, issuing.certificate])
    expect(names(found)).toEqual(['Root > Issuing > node'])
    // The same name with another key is another CA.
    const older = makeCertificate({ subject: 'Issuing', issuer: root, key: keyFor('older'), ca: true })
    const rolled = makeCertificate({
      subject: 'Issuing',
      issuer: older,
      key: issuing.key,
      ca: true,
      serialNumber: '45',
    })
    expect(names(search(node.certificate, [root.certificate], [rolled.certificate, older.certificate]))).toEqual([
      'Root > Issuing > Issuing > node',
    ])
  })

  it('says who has the name and did not issue, and why', () => {
    const broken = parseCertificate(issuing.certificate.der.with(-1, (issuing.certificate.der.at(-1) ?? 0) ^ 1))
    const thief = makeCertificate({
      subject: 'Issuing',
      issuer: root,
      key: keyFor('thief'),
      extensionsDer: caExtensions(),
    }).certificate
    const found = search(node.certificate, [root.certificate], [thief, broken, issuing.certificate])
    expect(names(found)).toEqual(['Root > Issuing > node'])
    expect(found.aside.map(({ certificate, issuer, error }) => [certificate, issuer, error.code])).toEqual([
      [node.certificate, thief, 'ERR_PATH_SIGNATURE'],
      [broken, root.certificate, 'ERR_PATH_SIGNATURE'],
    ])
  })

  it('who has another key identifier than the one that is named is not even tried', () => {
    const other = makeCertificate({ subject: 'Issuing', issuer: root, key: keyFor('other'), ca: true }).certificate
    const found = search(node.certificate, [root.certificate], [other, issuing.certificate])
    expect([names(found), found.aside]).toEqual([['Root > Issuing > node'], []])
  })

  it('a key identifier that cannot be read is no hint', () => {
    const malformed = extensionDer(OID.authorityKeyIdentifier, false, fromHex('0500'))
    const leaf = makeCertificate({ issuer: issuing, extensionsDer: [...nodeExtensions(), malformed] }).certificate
    expect(search(leaf, [root.certificate], [issuing.certificate]).paths).toHaveLength(1)
    const wrong = encodeAuthorityKeyIdentifier(Buffer.alloc(20, 1))
    const misled = makeCertificate({ issuer: issuing, extensionsDer: [...nodeExtensions(), wrong] }).certificate
    expect(search(misled, [root.certificate], [issuing.certificate]).paths).toEqual([])
  })

  it('an issuer with a signature that is not allowed is left aside for that', () => {
    const weak = parseCertificate(
      fromHex(Buffer.from(node.certificate.der).toString('hex').replaceAll('2a8648ce3d040302', '2a8648ce3d040301')),
    )
    const found = search(weak, [root.certificate], [issuing.certificate])
    expect(found.paths).toEqual([])
    expect(found.aside.map(({ error }) => error.code)).toEqual(['ERR_ALGORITHM_NOT_ALLOWED'])
  })

  it('has at most ten certificates in a chain', () => {
    const chain = [makeCertificate({ subject: 'CA 0', ca: true })]
    for (let level = 1; level < 11; level++) {
      const issuer = chain.at(-1)
      if (issuer !== undefined) chain.push(makeCertificate({ subject: `CA ${level}`, issuer, ca: true }))
    }
    const certificates = chain.map(({ certificate }) => certificate)
    const [top, ...rest] = certificates
    const [ninth, tenth] = certificates.slice(9)
    if (top === undefined || ninth === undefined || tenth === undefined) throw new Error('a chain is never empty')
    expect(search(ninth, [top], rest).paths.map((path) => path.length)).toEqual([10])
    expect(search(tenth, [top], rest).paths).toEqual([])
  })

  it('looks at one issuer at a time, and counts each', () => {
    const budget = new Budget()
    const strangers = Array.from({ length: 300 }, () => makeCertificate({ subject: 'Stranger', ca: true }).certificate)
    expect(
      search(node.certificate, [root.certificate], [...strangers, issuing.certificate], budget).paths,
    ).toHaveLength(1)
    for (let count = 0; count < 19_990; count++) budget.step()
    expectCode('ERR_LIMIT_EXCEEDED', () => {
      for (let count = 0; count < 10; count++) budget.step()
    })
  })

  it('does no more work than is asked for: the first path costs no second', () => {
    const budget = new Budget()
    const leaveAside = (): void => undefined
    const intermediates = [issuing.certificate]
    const paths = candidatePaths(node.certificate, {
      anchors: [root.certificate],
      intermediates,
      algorithms: 'listed',
      budget,
      leaveAside,
    })
    expect(paths.next().done).toBe(false)
    expect(paths.return([]).done).toBe(true)
  })
})
