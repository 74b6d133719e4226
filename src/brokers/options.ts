/**
 * What may be chosen of the files of a broker.
 *
 * @module brokers/options (floor 7.1)
 */
import { UsageError } from '../errors/index.js'

/** A file to be laid where the broker looks for it. */
export interface BrokerFile {
  readonly name: string
  readonly content: string
}

/** The files of one broker, and what they cannot enforce there. */
export interface BrokerExport {
  readonly files: readonly BrokerFile[]
  readonly notes: readonly string[]
}

/** Choices; each broker knows those that it needs. */
export interface ExportOptions {
  /** The broker's credential directory. Default {@link DEFAULT_CREDENTIAL_DIRECTORY}. */
  readonly credentialDirectory?: string
  /** Folder in which the files will lie. Default: the one of the Debian package. */
  readonly configDirectory?: string
  /** Address to listen on. Default {@link DEFAULT_ADDRESS}. */
  readonly address?: string
  /** Port to listen on. Default: the one that is registered for the protocol over TLS. */
  readonly port?: number
  /**
   * Where CRLs lie, and Kafka's file of key and certificates: `'copied'` into {@link configDirectory}, by whoever copies
   * them there, or in the credential directory, which its agent keeps fresh. Default `'copied'`.
   */
  readonly material?: 'copied' | 'credential-directory'
  /** Versions of TLS. NATS 2.9 knows no such choice. Default `'allow-TLSv1.2'`. */
  readonly versions?: 'TLSv1.3' | 'allow-TLSv1.2'
  /** NATS: SHA-256 of the public keys that may come in at all, in hex. Default: those of every certificate. */
  readonly pins?: readonly string[]
  /** RabbitMQ: the virtual host. Default {@link DEFAULT_VHOST}. */
  readonly vhost?: string
  /**
   * RabbitMQ: how messages find their way. Default `'outboxes'`, where nobody declares or binds anything. With
   * `'allow-shared-exchange'` clients do, and who may publish at all can get around the topic permissions.
   */
  readonly layout?: 'outboxes' | 'allow-shared-exchange'
  /** RabbitMQ: the shared exchange, where there is one. Default {@link DEFAULT_EXCHANGE}. */
  readonly exchange?: string
  /** Kafka: ids of the brokers themselves, which must read and write everything. Default: none. */
  readonly brokers?: readonly string[]
}

export const DEFAULT_CREDENTIAL_DIRECTORY = '/etc/signet/tls'
export const DEFAULT_ADDRESS = '0.0.0.0'
export const DEFAULT_VHOST = 'signet'
export const DEFAULT_EXCHANGE = 'signet'

/** Paths of a credential directory, as the configuration of a broker names them. */
export interface CredentialPaths {
  readonly directory: string
  readonly fullchain: string
  readonly key: string
  readonly caBundle: string
  /** What clients' certificates are revoked by: one file, and a folder of files by the hash of their issuers. */
  readonly crls: string
  readonly crlFolder: string
  /** Key and certificates in one file. */
  readonly combined: string
}

/** The paths behind `current`: a renewal swaps key and certificate together. */
export function credentialPaths(
  { credentialDirectory, material = 'copied' }: ExportOptions,
  configDirectory: string,
): CredentialPaths {
  const directory = checkedPath(credentialDirectory ?? DEFAULT_CREDENTIAL_DIRECTORY)
  const current = `${directory}/current`
  return {
    directory,
    fullchain: `${current}/fullchain.pem`,
    key: `${current}/key.pem`,
    caBundle: `${current}/ca-bundle.pem`,
    ...(material === 'copied'
      ? {
          crls: `${configDirectory}/crls.pem`,
          crlFolder: `${configDirectory}/crls`,
          combined: `${configDirectory}/signet-keystore.pem`,
        }
      : { crls: `${current}/crls.pem`, crlFolder: `${current}/crls`, combined: `${current}/combined.pem` }),
  }
}

/** A path that no configuration language takes for anything else. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkedPath(path: string): string {
  if (/^(?:\/[A-Za-z0-9_.-]+)+$/.test(path)) return path
  throw invalid('path', path, 'give an absolute path of letters, digits, dots, dashes and underscores')
}

/** A name without characters that mean something. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkedName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/.test(name) && !name.startsWith('amq.')) return name
  throw invalid('name', name, "give letters, digits, dots, dashes and underscores; amq. is the broker's own")
}

/** Where to listen. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function endpoint({ address = DEFAULT_ADDRESS, port }: ExportOptions, defaultPort: number): [string, number] {
  const number = port ?? defaultPort
  if (!/^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$/.test(address)) throw invalid('address', address, 'give an IPv4 address')
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    throw invalid('port', String(number), 'give a number from 1 to 65535')
  }
  return [address, number]
}

function invalid(what: string, value: string, hint: string): UsageError {
  return new UsageError('ERR_CONFIG_INVALID', `not a ${what}: ${JSON.stringify(value)}`, { hint })
}
