export { type Credential, deliverCredential } from './deliver.js'
export { loadCredential, type LoadedCredential } from './load.js'
