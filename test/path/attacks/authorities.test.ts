/** Who may issue what: named attacks on basicConstraints and keyUsage. */
import { describe, expect, it } from 'vitest'
import {
  encodeBoolean,
  encodeInteger,
  encodeOctetString,
  encodeSequence,
  encodeValue,
  OID,
  TAG,
} from '../../../src/asn1/index.js'
import { STRICTNESS } from '../../../src/path/index.js'
import { encodeKeyUsage, KEY_USAGES } from '../../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl } from '../../support/certificates.js'
import { editDer } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import {
  caExtensions,
  type Changes,
  extensionDer,
  hierarchy,
  nodeExtensions,
  rawCrl,
  validate,
} from '../../support/hierarchy.js'
import { dns, reissue, TBS, verdictOf } from './forge.js'

const purposes = [OID.kpServerAuth]
const whole = hierarchy()
const { root, issuing, node } = whole

/** What the root signs as a CA of its own, with all of its extensions. */
const authority = (...extensionsDer: readonly Uint8Array[]): Changes => ({ issuing: { extensionsDer } })
const constraintsDer = (critical: boolean, ...fields: readonly Uint8Array[]): Uint8Array =>
  extensionDer(OID.basicConstraints, critical, encodeSequence(...fields))

describe('PATH-01: who is no CA issues nothing', () => {
  const keyUsage = encodeKeyUsage(['keyCertSign', 'cRLSign'])
  const rows: readonly (readonly [claim: string, extensionsDer: readonly Uint8Array[]])[] = [
    ['without any extension but keyUsage', [keyUsage]],
    ['with CA:FALSE and a key that may sign certificates', [constraintsDer(true), keyUsage]],
    ['with CA:FALSE that is not critical', [constraintsDer(false), keyUsage]],
    ['with CA:FALSE beside a path length', [constraintsDer(true, encodeInteger(0)), keyUsage]],
    ['with the extensions of an end entity', nodeExtensions()],
  ]

  it.each(rows)('PATH-01: a certificate %s, between or at the top', (_claim, extensionsDer) => {
    const leaf = (issuer: Holder): Holder =>
      makeCertificate({ subject: 'leaf', issuer, purposes, extensionsDer: nodeExtensions() })
    const between = makeCertificate({ subject: 'between', issuer: root, extensionsDer })
    expect(['ERR_PATH_NOT_CA', 'ERR_PATH_FORM']).toContain(
      verdictOf(() => validate({ root, issuing: between, node: leaf(between) })),
    )
    const top = makeCertificate({ subject: 'top', extensionsDer })
    expect(['ERR_PATH_NOT_CA', 'ERR_PATH_FORM']).toContain(
      verdictOf(() => validate({ root: top, issuing: top, node: leaf(top) })),
    )
  })

  it('PATH-01: an end entity under a good CA issues another end entity', () => {
    expect(validate(whole).certificates).toHaveLength(3)
    const below = makeCertificate({ subject: 'below', issuer: node, purposes })
    const intermediates = [issuing.certificate, node.certificate]
    expectCode('ERR_PATH_NOT_CA', () => validate({ root, issuing, node: below }, { intermediates }))
    // A second way round it, through a CA of the same name that nobody certified, helps as little.
    const decoy = makeCertificate({ subject: 'node', ca: true, key: keyFor('decoy') })
    for (const helpers of [
      [decoy.certificate, ...intermediates],
      [...intermediates, decoy.certificate],
    ]) {
      expectCode('ERR_PATH_NOT_CA', () => validate({ root, issuing, node: below }, { intermediates: helpers }))
    }
  })

  it('PATH-01: a certificate of version 1, signed by the root, and one that is the root', () => {
    const v1 = (holder: Holder, issuer: Holder): Holder =>
      reissue(holder, issuer, (tbs) =>
        editDer(
          editDer(tbs, TBS.explicitExtensions, () => []),
          TBS.version,
          () => [],
        ),
      )
    const old = v1(issuing, root)
    expect(old.certificate.version).toBe(1)
    expectCode('ERR_PATH_NOT_CA', () => validate({ root, issuing: old, node }))
    const top = v1(root, root)
    expectCode('ERR_PATH_NOT_CA', () => validate({ root: top, issuing, node }))
  })

  it('PATH-01: CA:TRUE counts though it is not critical', () => {
    const lax = hierarchy(authority(constraintsDer(false, encodeBoolean(true)), ...caExtensions().slice(1)))
    const leaf = makeCertificate({ subject: 'leaf', issuer: lax.issuing, extensionsDer: nodeExtensions() })
    expect(validate({ ...lax, node: leaf }).certificates).toHaveLength(3)
  })

  it('PATH-01: whatever else is asked for, a path through an end entity stays refused', () => {
    const below = makeCertificate({ subject: 'below', issuer: node, purposes, names: [dns('below.cloud.example')] })
    const intermediates = [issuing.certificate, node.certificate]
    for (const purpose of ['server', 'allow-any'] as const) {
      for (const hostName of [undefined, 'below.cloud.example']) {
        for (const strictness of Object.values(STRICTNESS)) {
          expectCode('ERR_PATH_NOT_CA', () =>
            validate(
              { root, issuing, node: below },
              {
                intermediates,
                purpose,
                ...(hostName === undefined ? {} : { hostName }),
                strictness,
              },
            ),
          )
        }
      }
    }
  })
})

describe('PATH-02: pathLenConstraint', () => {
  const depthOf = (lengths: readonly (number | undefined)[]): string => {
    const chain: Holder[] = []
    lengths.forEach((pathLength, index) => {
      const issuer = chain.at(-1)
      chain.push(
        makeCertificate({
          subject: `Level ${index} of ${lengths.join()}`,
          ca: true,
          ...(issuer === undefined ? {} : { issuer }),
          ...(pathLength === undefined ? {} : { pathLength }),
        }),
      )
    })
    const [top, last] = [chain[0], chain.at(-1)]
    if (top === undefined || last === undefined) throw new Error('a chain has at least one CA')
    const leaf = makeCertificate({ subject: 'leaf', issuer: last, purposes })
    const intermediates = chain.slice(1).map((holder) => holder.certificate)
    return verdictOf(() => validate({ root: top, issuing: last, node: leaf }, { intermediates }))
  }

  it.each([
    [[0], 'accepted'],
    [[0, undefined], 'ERR_PATH_LENGTH'],
    [[1, undefined], 'accepted'],
    [[1, undefined, undefined], 'ERR_PATH_LENGTH'],
    [[2, undefined, undefined], 'accepted'],
    [[2, undefined, undefined, undefined], 'ERR_PATH_LENGTH'],
    [[undefined, 0, undefined], 'ERR_PATH_LENGTH'],
    [[1, 0], 'accepted'],
    // One below that says more does not get more.
    [[1, 7, undefined], 'ERR_PATH_LENGTH'],
    [[0, 2 ** 31 - 1], 'ERR_PATH_LENGTH'],
    [[2, 1, 0], 'accepted'],
    [[2, 1, 0, undefined], 'ERR_PATH_LENGTH'],
    [[3, 0, 3, 3], 'ERR_PATH_LENGTH'],
  ] as readonly (readonly [readonly (number | undefined)[], string])[])(
    'PATH-02: CAs with the path lengths %j: %s',
    (lengths, verdict) => {
      expect(depthOf(lengths)).toBe(verdict)
    },
  )

  it('PATH-02: self-issued CAs are not counted, and lend nobody their place', () => {
    const top = makeCertificate({ subject: 'Roll', ca: true, pathLength: 0 })
    const next = makeCertificate({ subject: 'Roll', issuer: top, key: keyFor('Roll 2'), ca: true, pathLength: 0 })
    const third = makeCertificate({ subject: 'Roll', issuer: next, key: keyFor('Roll 3'), ca: true, pathLength: 0 })
    const leaf = makeCertificate({ subject: 'leaf', issuer: third, purposes })
    const intermediates = [next.certificate, third.certificate]
    expect(validate({ root: top, issuing: third, node: leaf }, { intermediates }).certificates).toHaveLength(4)
    const other = makeCertificate({ subject: 'Other', issuer: third, ca: true })
    const below = makeCertificate({ subject: 'leaf', issuer: other, purposes })
    expectCode('ERR_PATH_LENGTH', () =>
      validate({ root: top, issuing: other, node: below }, { intermediates: [...intermediates, other.certificate] }),
    )
  })

  it('PATH-02: a path length that is negative, 2^31, 2^40 or a string is malformed', () => {
    for (const fieldDer of [
      encodeValue(TAG.integer, Uint8Array.of(0xff)),
      encodeInteger(2 ** 31),
      encodeInteger(2 ** 40),
      encodeValue(TAG.integer, Uint8Array.of(1, ...new Uint8Array(16))),
      encodeOctetString(Uint8Array.of(1)),
    ]) {
      const changed = hierarchy(
        authority(constraintsDer(true, encodeBoolean(true), fieldDer), encodeKeyUsage(['keyCertSign'])),
      )
      const leaf = makeCertificate({ subject: 'leaf', issuer: changed.issuing, extensionsDer: nodeExtensions() })
      expectCode('ERR_EXTENSION_MALFORMED', () => validate({ ...changed, node: leaf }))
    }
  })
})

describe('PATH-03: what the key may be used for', () => {
  it.each(KEY_USAGES.map((usage) => [usage] as const))('PATH-03: a CA with the one usage %s', (usage) => {
    const verdict = usage === 'keyCertSign' ? 'accepted' : 'ERR_PATH_KEY_USAGE'
    expect(verdictOf(() => validate(hierarchy({ issuing: { keyUsage: [usage] } })))).toBe(verdict)
    expect(verdictOf(() => validate(hierarchy({ root: { keyUsage: [usage] } })))).toBe(verdict)
  })

  it('PATH-03: a CA with every usage may sign, one with every other may not, and one that does not say may', () => {
    expect(validate(hierarchy({ issuing: { keyUsage: KEY_USAGES } })).certificates).toHaveLength(3)
    expect(validate(hierarchy({ issuing: { keyUsage: [] } })).certificates).toHaveLength(3)
    const others = KEY_USAGES.filter((usage) => usage !== 'keyCertSign')
    expectCode('ERR_PATH_KEY_USAGE', () => validate(hierarchy({ issuing: { keyUsage: others } })))
  })

  it('PATH-03: a CRL counts only where its signer may sign CRLs, the CA itself or who it delegates to', async () => {
    const ofRoot = await makeCrl({ issuer: root })
    const answer = (holder: Holder, key: Holder['key'], helpers: readonly Holder[]): string => {
      const leaf = makeCertificate({ subject: 'leaf', issuer: holder, purposes })
      const crls = [ofRoot, rawCrl({ issuer: holder.certificate.subject, key })]
      const intermediates = [holder, ...helpers].map((helper) => helper.certificate)
      return verdictOf(() => validate({ root, issuing: holder, node: leaf }, { intermediates, revocation: { crls } }))
    }
    expect(answer(issuing, issuing.key, [])).toBe('accepted')
    const signsOnly = hierarchy({ issuing: { keyUsage: ['keyCertSign'] } }).issuing
    expect(answer(signsOnly, signsOnly.key, [])).toBe('ERR_REVOCATION_UNKNOWN')
    const delegate = (keyUsage: Parameters<typeof encodeKeyUsage>[0]): Holder =>
      makeCertificate({ subject: 'Issuing', issuer: root, key: keyFor('delegate'), keyUsage })
    expect(answer(issuing, keyFor('delegate'), [delegate(['cRLSign'])])).toBe('accepted')
    for (const keyUsage of [['digitalSignature'], ['keyCertSign', 'digitalSignature'], []] as const) {
      expect(answer(issuing, keyFor('delegate'), [delegate(keyUsage)])).toBe('ERR_REVOCATION_UNKNOWN')
    }
  })
})
