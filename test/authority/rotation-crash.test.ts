/** Rotations that are killed again and again: whoever comes next goes on, and nothing is half. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Authority, rotationOf } from '../../src/authority/index.js'
import { loadCredential } from '../../src/credential/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { after, type Child, seededRandom, startScript } from '../support/children.js'
import { TestDeployment } from '../support/deployment.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate, openHome, PASSPHRASE, passphraseFile, TestClock } from '../support/test-authority.js'

const template = await makeTemplate()
const folder = temporaryFolder()
const passphrase = passphraseFile(folder)
const NODES = ['node-1', 'node-2', 'node-3']
const PLACES = NODES.flatMap((node) => [join(node, 'tls'), join(node, 'signer')])
/** Steps of one rotation that are killed. */
const KILLS = 10

async function homeWithNodes(credentials: string): Promise<string> {
  const home = template.copyHome()
  const { authority, register } = await openHome(home, template.keys)
  for (const node of NODES) await register(node)
  await authority.close()
  const cloud = new TestDeployment(folder, { clock: new TestClock() })
  await cloud.signet(['--home', home, 'issue', '--all', '--out', credentials])
  return home
}

const start = (home: string, credentials: string): Child =>
  startScript('rotation-child.mjs', [home, credentials, join(home, 'root-offline'), passphrase, '2'])

/** Everything that must be true whenever a process has died. */
async function expectWhole(home: string, credentials: string): Promise<string> {
  const authority = await Authority.open(home, new TestClock())
  try {
    await verifyAudit(authority.store)
    // Keys of what issues, of what only signs CRLs, and of the publisher are those of the certificates.
    await authority.issuingKey(PASSPHRASE)
    await authority.publisherKey(PASSPHRASE)
    // Every credential is whole, of a CA that was trusted, and its certificate recorded.
    for (const place of PLACES) {
      const { certificate } = loadCredential(join(credentials, place))
      expect((await authority.store.certificate(certificate.serialNumber))?.certificate.entityId).toBe(
        place.split('/')[0],
      )
    }
    return (await rotationOf(authority.store)).state
  } finally {
    await authority.close()
  }
}

describe('killed while rotating (kill -9)', () => {
  it(
    'CA-09: goes on from wherever it was, and ends with one issuing CA and one certificate each',
    { timeout: 180_000 },
    async () => {
      const credentials = join(folder, 'credentials')
      const home = await homeWithNodes(credentials)
      const random = seededRandom(11)
      const seen = new Set<string>()
      for (let turn = 0; turn < KILLS; turn++) {
        const child = start(home, credentials)
        // It prints a line for each command: mostly it dies in the first ones after those that had been done.
        await child.printed(1 + Math.floor(random() * 3))
        await after(random() * 400)
        child.process.kill('SIGKILL')
        const { stderr } = await child.ended
        expect(stderr).toBe('')
        seen.add(await expectWhole(home, credentials))
      }
      const last = start(home, credentials)
      const { stdout, stderr } = await last.ended
      expect(stderr).toBe('')
      expect(stdout).toMatch(/done\n$/)
      expect(await expectWhole(home, credentials)).toBe('none')
      expect(seen.size).toBeGreaterThan(1)

      const authority = await Authority.open(home, new TestClock())
      expect(authority.issuingCas.map(({ number }) => number)).toEqual([2])
      expect(existsSync(join(home, 'issuing-ca.key.pem'))).toBe(false)
      for (const place of PLACES) {
        const { certificate, caBundle } = loadCredential(join(credentials, place))
        expect(certificate.issuer.equals(authority.issuing.subject)).toBe(true)
        expect(caBundle.map(({ fingerprint }) => fingerprint)).toEqual(
          [authority.issuing, authority.root].map(({ fingerprint }) => fingerprint),
        )
      }
      // One each, and once more what was under way when a process died: never everything again.
      const issued = (await authority.store.certificates()).filter(
        ({ certificate }) => certificate.issuer === 2 && certificate.entityId !== null,
      )
      expect(issued.length).toBeGreaterThanOrEqual(PLACES.length)
      expect(issued.length).toBeLessThan(PLACES.length * 4)
      expect(readdirSync(home).filter((name) => name.startsWith('.signet-tmp-'))).toEqual([])
      await authority.close()
    },
  )
})
