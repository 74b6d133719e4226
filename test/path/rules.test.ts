import { describe, expect, it } from 'vitest'
import { encodeContextPrimitive, encodeSequence, OID } from '../../src/asn1/index.js'
import { type ErrorCode, isSignetError, TrustError } from '../../src/errors/index.js'
import { type PathRequest, type RuleName, RULES } from '../../src/path/index.js'
import { refusal, strictly } from '../../src/path/rules.js'
import { Budget } from '../../src/path/budget.js'
import { checkPath } from '../../src/path/validate.js'
import { addSeconds } from '../../src/time/index.js'
import { encodeNameConstraints } from '../../src/x509/index.js'
import { keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import {
  type Changes,
  extensionDer,
  type Hierarchy,
  hierarchy,
  unknownExtension,
  validate,
} from '../support/hierarchy.js'

const purposes = [OID.kpServerAuth]
const whole = hierarchy()

interface Case {
  readonly changes?: Changes
  readonly request?: Partial<PathRequest>
  readonly code: ErrorCode
  /** Who breaks it. Default the node. */
  readonly by?: keyof Hierarchy
}

const explicitPolicy = extensionDer(
  OID.policyConstraints,
  true,
  encodeSequence(encodeContextPrimitive(0, Buffer.of(0))),
)
const excluded = encodeNameConstraints({ permitted: [], excluded: [{ kind: 'dns', value: 'cloud.example' }] })

/** For every rule that names itself: something that breaks it alone. */
const CASES: Readonly<Partial<Record<RuleName, Case>>> = {
  validity: { changes: { node: { purposes, notAfter: addSeconds(NOW, -1) } }, code: 'ERR_PATH_EXPIRED' },
  revocation: { request: { revocation: { crls: [] } }, code: 'ERR_REVOCATION_UNKNOWN', by: 'issuing' },
  'name-constraints': {
    changes: { issuing: { moreExtensionsDer: [excluded] } },
    code: 'ERR_PATH_NAME_CONSTRAINT',
  },
  policies: { changes: { issuing: { moreExtensionsDer: [explicitPolicy] } }, code: 'ERR_PATH_POLICY', by: 'issuing' },
  'critical-extensions': {
    changes: { node: { purposes, moreExtensionsDer: [unknownExtension(true)] } },
    code: 'ERR_PATH_CRITICAL_EXTENSION',
  },
  form: {
    changes: { node: { purposes, keyUsage: ['digitalSignature', 'keyCertSign'] } },
    code: 'ERR_PATH_FORM',
  },
  authority: {
    changes: { issuing: { ca: false, keyUsage: ['keyCertSign'] } },
    code: 'ERR_PATH_NOT_CA',
    by: 'issuing',
  },
  'path-length': { changes: { root: { pathLength: 0 } }, code: 'ERR_PATH_LENGTH', by: 'issuing' },
  'key-usage': { changes: { issuing: { keyUsage: ['cRLSign'] } }, code: 'ERR_PATH_KEY_USAGE', by: 'issuing' },
  purpose: { changes: { node: { purposes: [OID.kpClientAuth] } }, code: 'ERR_PATH_PURPOSE' },
  'host-name': { request: { hostName: 'other.example' }, code: 'ERR_PATH_HOST_NAME' },
}

describe('RULES', () => {
  it('each has its place in a standard, and says in words what it asks', () => {
    for (const { section, text } of Object.values(RULES)) {
      expect(section).toMatch(/^RFC \d+ §\d/)
      expect(text).toMatch(/^[a-z][^.]+$/)
    }
  })

  it.each(Object.entries(CASES))('%s: who is refused is told rule, section and certificate', (rule, item) => {
    const path = hierarchy(item.changes)
    const error = expectCode(item.code, () => validate(path, item.request))
    expect(error.exitCode).toBe(4)
    if (rule !== 'host-name' && rule !== 'policies' && rule !== 'form') {
      const { certificate } = path[item.by ?? 'node']
      expect(error.details).toMatchObject({
        rule,
        section: RULES[rule as RuleName].section,
        subject: certificate.subject.toString(),
        serialNumber: certificate.serialNumber,
      })
    }
    for (const value of Object.values(error.details)) expect(typeof value).toBe('string')
  })

  it('issuer and signature are told where a path is given in order', () => {
    const { root, issuing, node } = whole
    const other = makeCertificate({ subject: 'Other', ca: true })
    const namesake = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, key: keyFor('namesake') })
    const checks = { at: NOW, purpose: 'server', revocation: 'allow-unchecked' } as const
    const check = (...path: readonly (typeof root)[]): unknown => {
      checkPath(
        path.map(({ certificate }) => certificate),
        checks,
        { budget: new Budget(), crlSigners: () => [] },
      )
      return undefined
    }
    check(root, issuing, node)
    expect(expectCode('ERR_PATH_NOT_FOUND', () => check(other, node)).details['rule']).toBe('issuer')
    expect(expectCode('ERR_PATH_SIGNATURE', () => check(root, namesake, node)).details['rule']).toBe('signature')
    expectCode('ERR_PATH_NOT_FOUND', () => check())
  })
})

describe('refusal', () => {
  const { certificate } = whole.node

  it('says what is given, over what it knows by itself', () => {
    const error = refusal('ERR_PATH_FORM', 'form', certificate, 'no', {
      details: { section: 'elsewhere', more: '1' },
      hint: 'try again',
    })
    expect(error).toBeInstanceOf(TrustError)
    expect(error).toMatchObject({
      code: 'ERR_PATH_FORM',
      message: 'no',
      hint: 'try again',
      details: { rule: 'form', section: 'elsewhere', more: '1', serialNumber: certificate.serialNumber },
    })
  })

  it('has no hint where there is none', () => {
    expect(refusal('ERR_REVOKED', 'revocation', certificate, 'no').hint).toBeUndefined()
  })
})

describe('strictly', () => {
  it('lets everything through that a check throws, and nothing else', () => {
    const { certificate } = whole.node
    let count = 0
    strictly('key', certificate, () => {
      count++
    })
    expect(count).toBe(1)
    for (const thrown of [new TypeError('a'), refusal('ERR_REVOKED', 'revocation', certificate, 'b'), 'text']) {
      try {
        strictly('key', certificate, () => {
          throw thrown
        })
        expect.unreachable()
      } catch (error) {
        if (isSignetError(error) || error instanceof TypeError || error === 'text') expect(error).toBe(thrown)
        else throw error
      }
    }
  })
})
