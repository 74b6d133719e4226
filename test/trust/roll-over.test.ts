/** A new issuing CA, and a new root: receivers that run all the while believe the old and the new side by side, then only the new. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createReplayMemory, signMessage, verifyMessage } from '../../src/message/index.js'
import { addSeconds, HOUR } from '../../src/time/index.js'
import {
  openTrustCache,
  openTrustDirectory,
  signTrustDelta,
  signTrustDirectory,
  type TrustCache,
  type TrustDirectory,
  type TrustDocument,
} from '../../src/trust/index.js'
import { OID } from '../../src/asn1/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl, NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import {
  makeSender,
  makeWorld,
  receiver,
  type Sender,
  TRUST_DOMAIN,
  trustDocument,
  type World,
} from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
const content = Buffer.from('{}')
const old = await makeWorld()

/** Another issuing CA, and a publisher and CRLs of it. */
async function generation(name: string, root: Holder): Promise<World> {
  const issuing = makeCertificate({ subject: `Issuing ${name}`, issuer: root, ca: true, pathLength: 0 })
  const publisher = makeCertificate({
    subject: `Publisher ${name}`,
    issuer: issuing,
    purposes: [OID.signetKpTrustDirectory],
    names: [{ kind: 'uri', value: `spiffe://${TRUST_DOMAIN}/signet/trust-publisher` }],
  })
  return { root, issuing, publisher, crls: [await makeCrl({ issuer: root }), await makeCrl({ issuer: issuing })] }
}

/** What receivers get, one after the other: whole, and as a delta to what they have. */
interface Published {
  readonly der: Uint8Array
  readonly delta: Uint8Array | undefined
}

async function publish(
  pin: string,
  steps: readonly (readonly [Partial<TrustDocument>, Holder])[],
): Promise<readonly Published[]> {
  const published: Published[] = []
  let before: TrustDirectory | undefined
  for (const [index, [changes, publisher]] of steps.entries()) {
    const document = trustDocument(old, [], { sequence: index + 1, ...changes })
    const der = await signTrustDirectory(document, publisher)
    const directory = openTrustDirectory(der, { pin, at: NOW, memory: 'allow-forgetting' })
    const delta = before === undefined ? undefined : await signTrustDelta(before, directory, der, publisher)
    published.push({ der, delta })
    before = directory
  }
  return published
}

const says = async (cache: TrustCache, sender: Sender): Promise<string> => {
  const { der } = await signMessage(content, sender, { type: 'a.b', destination: 'here', at: NOW })
  return (await verifyMessage(der, content, receiver(cache.directory(), { replay: createReplayMemory() }))).signer.node
}
const signersOf = (...senders: readonly Sender[]): Partial<TrustDocument> => ({
  signers: senders.map(({ certificate, identity }) => ({ certificate, identity })),
})

describe('requirement 45: a new issuing CA under the same root', async () => {
  const next = await generation('2', old.root)
  const veteran = makeSender(old, { node: 'veteran' })
  const recruit = makeSender(next, { node: 'recruit' })
  /** The veteran once it has its next certificate. */
  const renewed = makeSender(next, { node: 'veteran', key: keyFor('renewed') })
  const crls = [...old.crls, ...next.crls.slice(1)]
  const pin = old.root.certificate.fingerprint
  const both = { authorities: [old.issuing.certificate, next.issuing.certificate], crls }
  const steps = await publish(pin, [
    [signersOf(veteran), old.publisher],
    [{ ...both, ...signersOf(veteran, recruit) }, old.publisher],
    [{ ...both, ...signersOf(renewed, recruit) }, next.publisher],
    [{ authorities: [next.issuing.certificate], crls: next.crls, ...signersOf(renewed, recruit) }, next.publisher],
  ])
  const unknown = 'ERR_CMS_SIGNER_UNKNOWN'

  it.each(['whole directories', 'deltas'] as const)(
    'requirement 45: MSG-16: reaches a running receiver by %s, and nobody is refused too early',
    async (how) => {
      const cache = openTrustCache(join(folder, `${how}.p7`), { pin, clock: { now: () => NOW } })
      const take = async (step: number): Promise<void> => {
        const { der, delta } = steps[step] ?? expect.fail()
        expect((await cache.update(how === 'deltas' ? (delta ?? der) : der)).changed).toBe(
          how === 'deltas' && delta !== undefined ? 'delta' : 'directory',
        )
      }
      await take(0)
      expect(await says(cache, veteran)).toBe('veteran')
      await expectCodeAsync(unknown, () => says(cache, recruit))
      await take(1)
      for (const sender of [veteran, recruit]) expect(await says(cache, sender)).toBe(sender.identity.node)
      // Whoever publishes, too, goes over to the new CA while the old one counts.
      await take(2)
      for (const sender of [renewed, recruit]) expect(await says(cache, sender)).toBe(sender.identity.node)
      await take(3)
      for (const sender of [renewed, recruit]) expect(await says(cache, sender)).toBe(sender.identity.node)
      await expectCodeAsync(unknown, () => says(cache, veteran))
      // What the old CA signs from now on is believed by nobody: neither a signer that is listed by mistake, nor a publisher.
      await expectCodeAsync('ERR_TRUST_DIRECTORY_ROLLBACK', () => cache.update(steps[1]?.der ?? expect.fail()))
      const mistake = trustDocument(old, [veteran], {
        sequence: 5,
        authorities: [next.issuing.certificate],
        crls: next.crls,
      })
      await cache.update(await signTrustDirectory(mistake, next.publisher))
      await expectCodeAsync('ERR_PATH_NOT_FOUND', () => says(cache, veteran))
      const stolen = await signTrustDirectory({ ...mistake, sequence: 6 }, old.publisher)
      await expectCodeAsync('ERR_PATH_NOT_FOUND', () => cache.update(stolen))
    },
  )
})

describe('requirement 45: a new root', async () => {
  const newRoot = makeCertificate({ subject: 'Root of 2030', ca: true, pathLength: 1 })
  const next = await generation('of 2030', newRoot)
  /** The old issuing CA, certified by the new root, too: whoever pins the new one already finds a path. */
  const { certificate, key } = old.issuing
  const cross = makeCertificate({ subject: certificate.subject, key, issuer: newRoot, ca: true, pathLength: 0 })
  const veteran = makeSender(old, { node: 'veteran' })
  const recruit = makeSender(next, { node: 'recruit' })
  const crls = [...old.crls, ...next.crls]
  const [pin, newPin] = [old.root.certificate.fingerprint, newRoot.certificate.fingerprint]
  const overlap: TrustDocument = {
    ...trustDocument(old, [veteran, recruit], { sequence: 2, crls }),
    anchors: [old.root.certificate, newRoot.certificate],
    authorities: [certificate, cross.certificate, next.issuing.certificate],
  }
  const clock = { now: () => NOW }

  it('requirement 45: MSG-16: is learnt from a directory under the old one, and then pinned; both count meanwhile', async () => {
    const first = await signTrustDirectory(trustDocument(old, [veteran]), old.publisher)
    const during = await signTrustDirectory(overlap, old.publisher)
    const after: TrustDocument = {
      ...overlap,
      ...{ sequence: 3, anchors: [newRoot.certificate], authorities: [next.issuing.certificate], crls: next.crls },
      ...signersOf(recruit),
    }
    const last = await signTrustDirectory(after, next.publisher)

    const patient = openTrustCache(join(folder, 'patient.p7'), { pin, clock })
    await patient.update(first)
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => says(patient, recruit))
    const bytes = openTrustDirectory(first, { pin, at: NOW, memory: 'allow-forgetting' })
    const openedDuring = openTrustDirectory(during, { pin, at: NOW, memory: 'allow-forgetting' })
    expect((await patient.update(await signTrustDelta(bytes, openedDuring, during, old.publisher))).changed).toBe(
      'delta',
    )
    for (const sender of [veteran, recruit]) expect(await says(patient, sender)).toBe(sender.identity.node)

    // What was signed under the old root says which is the new one; nobody else is asked.
    const learnt = patient.directory().anchors.map(({ fingerprint }) => fingerprint)
    expect(learnt).toEqual([pin, newPin])
    // Whoever pins the new one takes the same directory, by the cross certificate, and then the next.
    const moved = openTrustCache(join(folder, 'moved.p7'), { pin: newPin, clock, trustDomain: TRUST_DOMAIN })
    await expectCodeAsync('ERR_TRUST_PIN_MISMATCH', () => moved.update(first))
    await moved.update(during)
    for (const sender of [veteran, recruit]) expect(await says(moved, sender)).toBe(sender.identity.node)
    await moved.update(last)
    expect(await says(moved, recruit)).toBe('recruit')
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => says(moved, veteran))

    // Whoever pins the old one alone is told, and keeps what it has until that ends.
    await expectCodeAsync('ERR_TRUST_PIN_MISMATCH', () => patient.update(last))
    const later = { now: () => addSeconds(NOW, 25 * HOUR) }
    const stranded = openTrustCache(join(folder, 'patient.p7'), { pin, clock: later })
    expectCode('ERR_TRUST_DIRECTORY_EXPIRED', () => stranded.directory())
  })

  it('requirement 45: a root that nobody signed for is none, whoever hands it out', async () => {
    const cache = openTrustCache(join(folder, 'fake.p7'), { pin, clock })
    await cache.update(await signTrustDirectory(trustDocument(old, [veteran]), old.publisher))
    // Signed under the new root, and the old one is merely put beside it.
    const forged = await signTrustDirectory(overlap, next.publisher)
    await expectCodeAsync('ERR_PATH_NOT_FOUND', () => cache.update(forged))
    const withoutOld = await signTrustDirectory({ ...overlap, anchors: [newRoot.certificate] }, old.publisher)
    await expectCodeAsync('ERR_TRUST_PIN_MISMATCH', () => cache.update(withoutOld))
    expect(cache.sequence).toBe(1)
  })
})
