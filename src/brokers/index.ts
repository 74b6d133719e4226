export { type DeriveOptions, permissionsOf } from './derive.js'
export { type Broker, BROKERS, exportFor } from './export.js'
export {
  type BrokerExport,
  type BrokerFile,
  DEFAULT_ADDRESS,
  DEFAULT_CREDENTIAL_DIRECTORY,
  DEFAULT_EXCHANGE,
  DEFAULT_VHOST,
  type ExportOptions,
} from './options.js'
export type { AddressPattern, AddressSegment, BrokerPermissions, BrokerUser } from './permissions.js'
export { type Subject, subjectOf, subjectText } from './subject.js'
