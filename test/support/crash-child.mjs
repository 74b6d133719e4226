// Issues certificates without end, and prints each serial number once it has been reported. Somebody will kill it.
//   node --import source-hook.mjs crash-child.mjs HOME KEY_FILE OUT ENTITY [COUNT]
import { writeSync } from 'node:fs'
import { Authority, abandonStaleIntents, currentCrls, issueCertificates, PROFILES } from '../../src/authority/index.js'
import { deliverCredential } from '../../src/credential/index.js'
import { openKeyFile } from '../../src/crypto/index.js'

const [, , home, keyFile, out, entity, count = 'Infinity'] = process.argv
const at = new Date('2027-01-01T00:00:00Z')
const authority = await Authority.open(home, { now: () => at })
const key = openKeyFile(keyFile)
await abandonStaleIntents(authority, at)
const crls = await currentCrls(authority, key, at)
writeSync(1, 'ready\n')
for (let turn = 0; turn < Number(count); turn++) {
  const [issued] = await issueCertificates({ authority, key, crls, at }, [
    { entity, profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } },
  ])
  const { certificate, privateKey, identity, profile } = issued
  writeSync(1, `issued ${certificate.serialNumber}\n`)
  deliverCredential(
    out,
    {
      certificate,
      privateKey,
      identity,
      crls,
      chain: [authority.issuing],
      anchor: authority.root,
      profile: profile.name,
      purpose: 'client',
    },
    at,
  )
  writeSync(1, `delivered ${certificate.serialNumber}\n`)
}
await authority.close()
writeSync(1, 'done\n')
