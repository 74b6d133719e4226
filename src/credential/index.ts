export { crlSeries, newestOfSeries, refuseOlderCrls } from './crl-numbers.js'
export {
  type Credential,
  deliverCredential,
  deliverCredentials,
  type Delivery,
  type DeliveryOptions,
} from './deliver.js'
export { currentVersion, LOCK_FILE, refuseForeign, rollBackCredential } from './directory.js'
export { groupId } from './group.js'
export { loadCredential, type LoadedCredential, readCredentialKey, readersOf, refuseOfAnother } from './load.js'
export type { Readers } from './readers.js'
export { redeliverCredential, type Redelivery } from './redeliver.js'
export { isForTls } from './version.js'
