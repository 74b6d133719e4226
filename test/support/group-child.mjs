// Issues certificates in groups without end, by the built program, whose strangers are threads. Somebody will kill it.
//   node group-child.mjs HOME KEY_FILE ENTITY SIZE [COUNT]
import { writeSync } from 'node:fs'
import { abandonStaleIntents, Authority, currentCrls, issueInGroups, PROFILES } from '../../dist/authority/index.js'
import { openKeyFile } from '../../dist/crypto/index.js'

const [, , home, keyFile, entity, size, count = 'Infinity'] = process.argv
const at = new Date('2027-01-01T00:00:00Z')
const authority = await Authority.open(home, { now: () => at })
const key = openKeyFile(keyFile)
await abandonStaleIntents(authority, at)
const crls = await currentCrls(authority, key, at)
function* requests() {
  for (let turn = 0; turn < Number(count); turn++) {
    yield { entity, profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } }
  }
}
writeSync(1, 'ready\n')
for await (const group of issueInGroups({ authority, key, crls, at }, requests(), Number(size))) {
  writeSync(1, group.map(({ certificate }) => `issued ${certificate.serialNumber}\n`).join(''))
}
await authority.close()
writeSync(1, 'done\n')
