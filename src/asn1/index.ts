export { BackwardWriter } from './backward-writer.js'
export { MAX_BER_BYTES, normalizeBer } from './ber.js'
export { type BitString, DerReader } from './der-reader.js'
export * from './der-writer.js'
export {
  CERTIFICATE_LIMITS,
  CMS_LIMITS,
  CRL_LIMITS,
  type DerLimits,
  KEY_LIMITS,
  TRUST_DIRECTORY_LIMITS,
} from './limits.js'
export { asBuffer, joinInSteps, sharedCopy, sharedMemory, STEP_OCTETS } from './memory.js'
export { OctetTable, standsAt } from './octet-table.js'
export { namedOid } from './oid.js'
export { OID, oidName, parseOidText } from './oids.js'
export {
  decodeBase64,
  encodePem,
  looksLikePem,
  parsePem,
  type PemBlock,
  parsePemBlock,
  parsePemBlocks,
  readPemOrDer,
} from './pem.js'
export { PlainReader } from './plain-reader.js'
export { isStringTag } from './string.js'
export { contextConstructed, contextPrimitive, TAG } from './tags.js'
