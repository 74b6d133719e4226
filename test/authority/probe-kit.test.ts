import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import {
  type IssuedCertificate,
  issueProbeKit,
  PROBE_ENTITY,
  type ProbeKit,
  revokeOfKit,
} from '../../src/authority/index.js'
import { addSeconds } from '../../src/time/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate } from '../support/test-authority.js'

const template = await makeTemplate()
const issuedOf = ({ expired, revoked, wrongPurpose, unmapped }: ProbeKit): readonly IssuedCertificate[] => [
  expired,
  revoked,
  wrongPurpose,
  unmapped,
]

describe('issueProbeKit', () => {
  it('issues to an entity that has no roles, and registers it once', async () => {
    const { authority, issuing, clock } = await template.open()
    const kit = await issueProbeKit(await issuing(), 'p256')
    const again = await issueProbeKit(await issuing(), 'p256')
    for (const { identity } of [issuedOf(kit), issuedOf(again)].flat()) {
      expect(identity).toMatchObject({ entity: PROBE_ENTITY, roles: [], grants: [], groups: [] })
    }
    expect(kit.expired.certificate.notAfter).toEqual(addSeconds(clock.now(), 1))
    expect(kit.wrongPurpose.certificate.extKeyUsage).toEqual(new Set([OID.kpServerAuth]))
    expect(kit.unmapped.certificate.extKeyUsage).toEqual(new Set([OID.kpClientAuth]))
    expect(await authority.store.certificates(PROBE_ENTITY)).toHaveLength(8)
  })

  it('revokes the one that is to be, and no other', async () => {
    const { authority, issuing, clock } = await template.open()
    const kit = await issueProbeKit(await issuing(), 'p256')
    await revokeOfKit(authority, kit, clock.now())
    const statuses = await authority.store.certificates(PROBE_ENTITY)
    const revoked = statuses.filter(({ revocation }) => revocation !== undefined)
    expect(revoked.map(({ certificate }) => certificate.serialNumber)).toEqual([kit.revoked.certificate.serialNumber])
  })

  it('gives another entity nothing that can be used', async () => {
    const { issuing, register } = await template.open()
    await register('compute-07', { dnsNames: [] })
    const kit = await issueProbeKit(await issuing(), 'p256', 'compute-07')
    expect(issuedOf(kit).map(({ identity }) => identity.entity)).toEqual([
      'compute-07',
      'compute-07',
      PROBE_ENTITY,
      PROBE_ENTITY,
    ])
  })

  it('takes no entity of that name that may do something, and none that nobody knows', async () => {
    const { issuing } = await template.open()
    await expectCodeAsync('ERR_ENTITY_UNKNOWN', async () => issueProbeKit(await issuing(), 'p256', 'nobody'))
    const other = await template.open()
    await other.register(PROBE_ENTITY, { service: 'compute' })
    await expectCodeAsync('ERR_ENTITY_EXISTS', async () => issueProbeKit(await other.issuing(), 'p256'))
  })
})
