/**
 * Random histories of an authority, against a model of its own: what is revoked is on every CRL until one that was made
 * after the end of its certificate, and nothing else ever is.
 */
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import {
  answerOcsp,
  BACKDATE_SECONDS,
  issueCertificates,
  latestCrl,
  PROFILES,
  publishCrl,
  publishDeltaCrl,
  revokeCertificates,
  setEntityState,
} from '../../src/authority/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { validatePath } from '../../src/path/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import { type Certificate, certIdOf, type Crl, encodeOcspRequest, parseOcspRequest } from '../../src/x509/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, openHome, type TestAuthority } from '../support/test-authority.js'

vi.setConfig({ testTimeout: 240_000 })

const template = await makeTemplate()
const ENTITIES = ['a', 'b', 'c'] as const
const REASONS = ['unspecified', 'keyCompromise', 'superseded', 'privilegeWithdrawn'] as const

type Step =
  | { readonly do: 'issue'; readonly entity: number; readonly seconds: number }
  | { readonly do: 'revoke'; readonly pick: number; readonly reason: (typeof REASONS)[number] }
  | { readonly do: 'quarantine' | 'release' | 'retire'; readonly entity: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'full' | 'delta' | 'restart' }

const entity = fc.nat({ max: ENTITIES.length - 1 })
const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('issue' as const),
      entity,
      seconds: fc.constantFrom(HOUR, 6 * HOUR, DAY, 20 * DAY),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('revoke' as const), pick: fc.nat(), reason: fc.constantFrom(...REASONS) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('quarantine' as const, 'release' as const), entity }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), entity }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 60, HOUR, 5 * HOUR, DAY, 4 * DAY),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('full' as const, 'full' as const, 'delta' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

/** What the model knows of a certificate. */
interface Known {
  readonly certificate: Certificate
  readonly entity: string
  revoked: { readonly at: Date; readonly reason: string } | undefined
}

/** The model: what happened, and which full CRLs were made, by their beginnings. It looks into no store. */
class Model {
  readonly certificates: Known[] = []
  readonly states = new Map<string, { state: 'active' | 'quarantined' | 'retired'; since: Date }>()
  readonly fullsBegan: Date[] = []
  full: Crl | undefined
  delta: Crl | undefined
  number = 1

  /** Why a certificate is not to be believed now, if so. */
  standing({ entity: owner, revoked }: Known): { readonly at: Date; readonly reason: string } | undefined {
    const held = this.states.get(owner)
    if (revoked !== undefined) return revoked
    return held?.state === 'quarantined' ? { at: held.since, reason: 'certificateHold' } : undefined
  }

  /** What a full CRL that is made now has to list: serial number → reason and date. */
  toList(at: Date): ReadonlyMap<string, string> {
    const entries = new Map<string, string>()
    for (const known of this.certificates) {
      const { notAfter, serialNumber } = known.certificate
      const standing = this.standing(known)
      if (standing === undefined) continue
      // RFC 5280 §3.3: it leaves when a CRL that began after its end has shown it.
      const wasShown = this.fullsBegan.some((began) => began > notAfter)
      const isOver = standing.reason === 'certificateHold' ? notAfter < at : wasShown
      if (!isOver) entries.set(serialNumber, `${standing.reason} ${standing.at.toISOString()}`)
    }
    return entries
  }
}

function entriesOf(crl: Crl): ReadonlyMap<string, string> {
  const listed = crl.revokedCertificates.map(
    ({ serialNumber, reason, revocationDate }) => [serialNumber, `${reason} ${revocationDate.toISOString()}`] as const,
  )
  expect(new Set(listed.map(([serialNumber]) => serialNumber)).size).toBe(listed.length)
  expect(listed.map(([serialNumber]) => serialNumber)).toEqual(listed.map(([serialNumber]) => serialNumber).sort())
  return new Map(listed)
}

const sorted = (map: ReadonlyMap<string, string>): readonly string[] => [...map].map((pair) => pair.join(' ')).sort()

/** One history, lived by an authority and by the model at once. */
class History {
  readonly model = new Model()
  test: TestAuthority

  constructor(test: TestAuthority) {
    this.test = test
  }

  get at(): Date {
    return this.test.clock.now()
  }

  async begin(): Promise<void> {
    for (const id of ENTITIES) {
      await this.test.register(id)
      this.model.states.set(id, { state: 'active', since: this.at })
    }
    const { authority } = this.test
    const first = await latestCrl(authority, authority.issuing)
    if (first === undefined) throw new Error('an authority begins with a CRL')
    this.model.full = first
    this.model.fullsBegan.push(first.thisUpdate)
  }

  async live(step: Step): Promise<void> {
    switch (step.do) {
      case 'issue':
        return this.#issue(ENTITIES[step.entity] ?? 'a', step.seconds)
      case 'revoke':
        return this.#revoke(step.pick, step.reason)
      case 'quarantine':
        return this.#change(ENTITIES[step.entity] ?? 'a', 'active', 'quarantined')
      case 'release':
        return this.#change(ENTITIES[step.entity] ?? 'a', 'quarantined', 'active')
      case 'retire':
        return this.#retire(ENTITIES[step.entity] ?? 'a')
      case 'wait':
        this.test.clock.set(addSeconds(this.at, step.seconds))
        return
      case 'full':
        return this.#took(await publishCrl(this.test.authority, this.test.key, this.at))
      case 'delta':
        return this.#publishDelta()
      case 'restart':
        return this.#restart()
    }
  }

  async #issue(owner: string, validitySeconds: number): Promise<void> {
    if (this.model.states.get(owner)?.state !== 'active') return
    const issuing = await this.test.issuing()
    // Issuing makes a new CRL where the last one is old, or says something else.
    const [crl] = issuing.crls
    if (crl !== undefined && crl.crlNumber !== this.model.full?.crlNumber) await this.#took(crl)
    const [issued] = await issueCertificates(issuing, [
      { entity: owner, profile: PROFILES.signer, key: { kind: 'generate', algorithm: 'p256' }, validitySeconds },
    ])
    if (issued === undefined) throw new Error('one was asked for')
    this.model.certificates.push({ certificate: issued.certificate, entity: owner, revoked: undefined })
  }

  async #revoke(pick: number, reason: (typeof REASONS)[number]): Promise<void> {
    const known = this.model.certificates[pick % Math.max(1, this.model.certificates.length)]
    if (known === undefined) return
    const { serialNumber } = known.certificate
    const revoke = (): Promise<unknown> =>
      revokeCertificates(this.test.authority, { kind: 'serialNumber', serialNumber }, reason, this.at)
    // REV-13: who is revoked stays so, with the reason and the date that it has.
    if (known.revoked !== undefined) await expectCodeAsync('ERR_ALREADY_REVOKED', revoke)
    else {
      await revoke()
      known.revoked = { at: this.at, reason }
    }
  }

  async #change(id: string, from: 'active' | 'quarantined', to: 'active' | 'quarantined'): Promise<void> {
    const change = (): Promise<unknown> => setEntityState(this.test.authority, id, to, this.at)
    if (this.model.states.get(id)?.state !== from) await expectCodeAsync('ERR_ENTITY_STATE', change)
    else {
      await change()
      this.model.states.set(id, { state: to, since: this.at })
    }
  }

  async #retire(id: string): Promise<void> {
    if (this.model.states.get(id)?.state === 'retired') return
    await setEntityState(this.test.authority, id, 'retired', this.at)
    this.model.states.set(id, { state: 'retired', since: this.at })
    for (const known of this.model.certificates) {
      if (known.entity !== id || known.revoked !== undefined || known.certificate.notAfter < this.at) continue
      known.revoked = { at: this.at, reason: 'cessationOfOperation' }
    }
  }

  /** A full CRL was made. */
  async #took(crl: Crl): Promise<void> {
    const { model } = this
    expect(crl.baseCrlNumber).toBeUndefined()
    this.#expectNext(crl)
    expect(sorted(entriesOf(crl))).toEqual(sorted(model.toList(this.at)))
    model.full = crl
    model.delta = undefined
    model.fullsBegan.push(crl.thisUpdate)
    await this.#ask()
  }

  async #publishDelta(): Promise<void> {
    const { model } = this
    const { authority, key } = this.test
    if (model.full === undefined) throw new Error('there is one')
    if (model.full.currentUntil < this.at) {
      await expectCodeAsync('ERR_CRL_NO_BASE', () => publishDeltaCrl(authority, key, this.at))
      return
    }
    const crl = await publishDeltaCrl(authority, key, this.at)
    expect(crl.baseCrlNumber).toBe(model.full.crlNumber)
    this.#expectNext(crl)
    // The full CRL with these changes says what a full CRL of now would say, but for the date of a hold that began again.
    const wanted = model.toList(this.at)
    const changed = new Map(entriesOf(model.full))
    for (const [serialNumber, entry] of entriesOf(crl)) {
      if (entry.startsWith('removeFromCRL')) {
        // Of the full one, or of a delta since.
        changed.delete(serialNumber)
        continue
      }
      expect(changed.get(serialNumber)).not.toBe(entry)
      changed.set(serialNumber, entry)
    }
    const reasons = (map: ReadonlyMap<string, string>): readonly string[] =>
      [...map].map(([serialNumber, entry]) => `${serialNumber} ${entry.split(' ')[0] ?? ''}`).sort()
    // What left the list because its certificate has ended may still stand in the full one: nothing has to remove it.
    const isOver = (serialNumber: string): boolean =>
      model.certificates.some(
        ({ certificate }) => certificate.serialNumber === serialNumber && certificate.notAfter < this.at,
      )
    for (const serialNumber of changed.keys()) {
      if (!wanted.has(serialNumber) && isOver(serialNumber)) changed.delete(serialNumber)
    }
    expect(reasons(changed)).toEqual(reasons(wanted))
    model.delta = crl
    await this.#ask()
  }

  #expectNext(crl: Crl): void {
    expect(Number(BigInt(`0x${crl.crlNumber ?? '00'}`))).toBe(++this.model.number)
    expect(crl.thisUpdate).toEqual(addSeconds(this.at, -BACKDATE_SECONDS))
  }

  /** Everybody who has what was just published, and everybody who asks by OCSP, is told the same, and that is true. */
  async #ask(): Promise<void> {
    const { model, test } = this
    const { authority, key } = test
    const living = model.certificates.filter(({ certificate }) => certificate.notAfter >= this.at).slice(-4)
    if (living.length === 0) return
    const rootCrl = await latestCrl(authority, authority.root)
    const crls = [model.full, model.delta, rootCrl].filter((crl) => crl !== undefined)
    const ids = living.map(({ certificate }) => certIdOf(authority.issuing, certificate.serialNumber))
    const request = parseOcspRequest(encodeOcspRequest(ids))
    const { basic } = await answerOcsp(authority, request, { certificate: authority.issuing, key }, this.at)
    for (const [index, known] of living.entries()) {
      const standing = model.standing(known)
      const wanted = standing === undefined ? 'good' : 'revoked'
      expect(basic?.answers[index]?.status.kind).toBe(wanted)
      expect(this.#verdict(known.certificate, crls)).toBe(wanted)
    }
  }

  #verdict(certificate: Certificate, crls: readonly Crl[]): string {
    const { anchors, issuing } = this.test.authority
    try {
      validatePath(certificate, {
        anchors,
        intermediates: [issuing],
        at: this.at,
        purpose: 'message-signing',
        revocation: { crls },
      })
      return 'good'
    } catch (error) {
      if (isSignetError(error) && error.code === 'ERR_REVOKED') return 'revoked'
      throw error
    }
  }

  async #restart(): Promise<void> {
    await this.test.authority.close()
    this.test = await openHome(this.test.home, template.keys, this.test.clock)
  }

  async end(): Promise<void> {
    await this.live({ do: 'full' })
    const { revocations, certificates } = await verifyAudit(this.test.authority.store)
    expect(revocations).toBe(this.model.certificates.filter(({ revoked }) => revoked !== undefined).length)
    // One more was made when the authority was: that of its trust publisher.
    expect(certificates).toBe(this.model.certificates.length + 1)
    await this.test.authority.close()
  }
}

async function live(steps: readonly Step[]): Promise<void> {
  const history = new History(await openHome(template.copyHome(), template.keys))
  await history.begin()
  for (const step of steps) await history.live(step)
  await history.end()
}

it('REV-08: a history by hand: two certificates, a hold, a restart, and an end', async () => {
  await live([
    { do: 'issue', entity: 0, seconds: HOUR },
    { do: 'issue', entity: 0, seconds: 20 * DAY },
    { do: 'issue', entity: 1, seconds: DAY },
    { do: 'full' },
    { do: 'revoke', pick: 0, reason: 'keyCompromise' },
    { do: 'quarantine', entity: 1 },
    { do: 'delta' },
    { do: 'restart' },
    { do: 'wait', seconds: 5 * HOUR },
    { do: 'release', entity: 1 },
    { do: 'delta' },
    { do: 'full' },
    { do: 'full' },
    { do: 'retire', entity: 0 },
    { do: 'revoke', pick: 0, reason: 'superseded' },
    { do: 'delta' },
    { do: 'wait', seconds: 4 * DAY },
    { do: 'full' },
    { do: 'wait', seconds: 4 * DAY },
    { do: 'wait', seconds: 4 * DAY },
    { do: 'delta' },
  ])
})

it('REV-08, REV-13: a history by hand: holds that are lifted, and that become revocations, between two full CRLs', async () => {
  await live([
    { do: 'issue', entity: 0, seconds: 20 * DAY },
    { do: 'issue', entity: 1, seconds: 20 * DAY },
    { do: 'issue', entity: 1, seconds: HOUR },
    { do: 'quarantine', entity: 0 },
    { do: 'quarantine', entity: 1 },
    { do: 'full' },
    { do: 'wait', seconds: 60 },
    { do: 'release', entity: 0 },
    { do: 'delta' },
    { do: 'restart' },
    { do: 'revoke', pick: 1, reason: 'keyCompromise' },
    { do: 'delta' },
    { do: 'quarantine', entity: 0 },
    { do: 'wait', seconds: 5 * HOUR },
    { do: 'delta' },
    { do: 'full' },
    { do: 'release', entity: 1 },
    { do: 'release', entity: 0 },
    { do: 'full' },
    { do: 'delta' },
  ])
})

it('REV-08: random histories of issuing, revoking, holding, retiring, ending, publishing and restarting', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 5, maxLength: 50, size: 'max' }), (steps) => live(steps)),
    { numRuns: 25 },
  )
})
