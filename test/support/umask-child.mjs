// Makes a home and a credential under a umask: UMASK HOME KEY_FILE OUT. The new home is OUT-home.
import {
  Authority,
  bootstrap,
  currentCrls,
  DEFAULT_ADDRESS_RANGES,
  issueCertificates,
  PROFILES,
  registerEntity,
} from '../../src/authority/index.js'
import { deliverCredential } from '../../src/credential/index.js'
import { openKeyFile, Passphrase } from '../../src/crypto/index.js'

const [, , umask, home, keyFile, out] = process.argv
process.umask(Number.parseInt(umask, 8))
const at = new Date('2027-01-01T00:00:00Z')
const clock = { now: () => at }
const authority = await Authority.open(home, clock)
await registerEntity(authority, { id: 'node-1', kind: 'node', service: 'compute' }, at)
const key = openKeyFile(keyFile)
const crls = await currentCrls(authority, key, at)
const [issued] = await issueCertificates({ authority, key, crls, at }, [
  { entity: 'node-1', profile: PROFILES.client, key: { kind: 'generate', algorithm: 'p256' } },
])
const { certificate, privateKey, identity, profile } = issued
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
await authority.close()
await bootstrap(
  {
    home: `${out}-home`,
    rootDirectory: `${out}-home/root-offline`,
    trustDomain: 'cloud.example',
    domains: [],
    addressRanges: DEFAULT_ADDRESS_RANGES,
    algorithm: 'p256',
    passphrase: new Passphrase(Buffer.from('x')),
  },
  clock,
)
