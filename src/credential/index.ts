export { type Credential, deliverCredential, refuseForeign } from './deliver.js'
export { loadCredential, type LoadedCredential } from './load.js'
