/** Who reads a key beside its owner: tried as other users. */
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROFILES, issueCertificates } from '../../src/authority/index.js'
import { deliverCredential } from '../../src/credential/index.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate } from '../support/test-authority.js'

const GROUP = 4242
const SERVICE = 65_534
const folder = temporaryFolder()
chmodSync(folder, 0o711)
const canSwitch =
  process.geteuid?.() === 0 &&
  spawnSync('setpriv', [`--reuid=${SERVICE}`, `--regid=${SERVICE}`, '--clear-groups', 'true']).status === 0

const test = await (await makeTemplate()).open()
await test.register('proxy-01')
const issuing = await test.issuing()
const request = { entity: 'proxy-01', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } } as const
const [issued] = await issueCertificates(issuing, [request])
if (issued === undefined) throw new Error('nothing was issued')
const { authority } = test
const credential = { chain: [authority.issuing], anchor: authority.root, crls: issuing.crls, profile: 'peer' }
const directory = join(folder, 'proxy')
deliverCredential(directory, { ...issued, ...credential, purpose: 'server' }, issuing.at, { readers: { gid: GROUP } })

/** Read a file of the credential as a user of a group. */
const readAs = (uid: number, gid: number, name: string): boolean =>
  spawnSync('setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', 'cat', join(directory, 'current', name)])
    .status === 0

describe.skipIf(!canSwitch)('a credential directory with a group of readers', () => {
  it.each(['key.pem', 'combined.pem'])(
    'requirement 65: the proxy reads %s, and the service behind it, which is another user, cannot',
    (name) => {
      expect(readAs(SERVICE, GROUP, name)).toBe(true)
      expect(readAs(SERVICE, SERVICE, name)).toBe(false)
      // To read is all that it may.
      const path = join(directory, 'current', name)
      const words = [`--reuid=${SERVICE}`, `--regid=${GROUP}`, '--clear-groups', 'test', '-w', path]
      expect(spawnSync('setpriv', words).status).not.toBe(0)
    },
  )
})
