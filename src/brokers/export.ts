/**
 * Permissions as files for one broker.
 *
 * @module brokers/export (floor 7.1)
 */
import { UsageError } from '../errors/index.js'
import { exportKafka } from './kafka.js'
import { exportMosquitto } from './mosquitto.js'
import { exportNats } from './nats.js'
import type { BrokerExport, ExportOptions } from './options.js'
import type { BrokerPermissions } from './permissions.js'
import { exportRabbitmq } from './rabbitmq.js'

const EXPORTERS = {
  rabbitmq: exportRabbitmq,
  nats: exportNats,
  mosquitto: exportMosquitto,
  kafka: exportKafka,
} as const satisfies Record<string, (permissions: BrokerPermissions, options?: ExportOptions) => BrokerExport>

/** A broker that files can be made for. */
export type Broker = keyof typeof EXPORTERS

export const BROKERS: readonly Broker[] = ['rabbitmq', 'nats', 'mosquitto', 'kafka']

/**
 * The files of a broker, the same octets for the same permissions and options. Nothing is written.
 *
 * Whether the broker that runs is of a version that reads them is not checked; `notes` say what it cannot enforce.
 *
 * @throws {@link UsageError} `ERR_BROKER_NAME`, `ERR_BROKER_PATTERN`, `ERR_CONFIG_INVALID`
 */
export function exportFor(broker: Broker, permissions: BrokerPermissions, options: ExportOptions = {}): BrokerExport {
  if (!Object.hasOwn(EXPORTERS, broker)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a broker: ${JSON.stringify(broker)}`, {
      hint: `it is one of ${BROKERS.join(', ')}`,
    })
  }
  return EXPORTERS[broker](permissions, options)
}
