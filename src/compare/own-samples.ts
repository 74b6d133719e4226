/**
 * Messages to measure where nobody brings others: nova's 94 types of RPC messages, from the policy of fixtures/nova, with
 * arguments of our own, and notifications of its families.
 *
 * @module compare/own-samples (floor 7.2)
 */
import { hash } from 'node:crypto'
import { readFileText } from '../files/index.js'
import { fileURLToPath } from 'node:url'
import type { JsonValue } from '../json/index.js'
import { encodeOsloNotification, encodeOsloRequest, type JsonObject, type OsloPriority } from '../oslo/index.js'
import { parsePolicy } from '../policy/index.js'
import type { SampleMessage } from './sample.js'

/** Set where everything is one file, and no package lies around it. */
declare const SIGNET_NOVA_POLICY: string | undefined

/** In the sources and in the package at the same place. */
function novaPolicy(): string {
  if (typeof SIGNET_NOVA_POLICY === 'string') return SIGNET_NOVA_POLICY
  return readFileText(fileURLToPath(new URL('../../fixtures/nova/policy.yaml', import.meta.url)))
}

/** All of them. */
export function ownSamples(at: Date): readonly SampleMessage[] {
  return [...rpcSamples(), ...notificationSamples(at)]
}

/** The 94 shapes of nova's RPC interfaces, with plausible arguments. */
export function rpcSamples(): readonly SampleMessage[] {
  const { messages } = parsePolicy(novaPolicy()).document
  return messages
    .filter(({ pattern }) => pattern.text.startsWith('rpc.'))
    .map(({ pattern, fields }) => {
      const names = fields.map((field) => field.replace(/^args\./, ''))
      return rpcSample(pattern.text, names)
    })
}

/** Notifications, one or two of each family. */
export function notificationSamples(at: Date): readonly SampleMessage[] {
  return NOTIFICATIONS.map(([event, priority, publisher, payload]) => {
    const id = idOf(event)
    return {
      name: event,
      type: `notify.${event}`,
      destination: `notifications.${priority.toLowerCase()}`,
      content: encodeOsloNotification({
        eventType: event,
        publisherId: `${publisher}:compute-07`,
        priority,
        payload,
        at,
        context: CONTEXT,
        messageId: id,
        uniqueId: id.replaceAll('-', ''),
      }),
    }
  })
}

/** Topics whose messages go to one service of them. */
const ADDRESSED: readonly string[] = ['compute']

function rpcSample(type: string, args: readonly string[]): SampleMessage {
  const [, topic = '', ...rest] = type.split('.')
  const method = rest.at(-1) ?? topic
  const namespace = topic === 'baseapi' ? topic : rest.length > 1 ? rest[0] : undefined
  const id = idOf(type).replaceAll('-', '')
  return {
    name: type,
    type,
    destination: ADDRESSED.includes(topic) ? `${topic}.compute-07` : topic === 'baseapi' ? 'conductor' : topic,
    content: encodeOsloRequest({
      method,
      args: Object.fromEntries(args.map((name) => [name, argument(name)])),
      ...(namespace === undefined ? {} : { namespace }),
      version: '6.4',
      context: CONTEXT,
      reply: { messageId: id, queue: `reply_${id}`, timeoutSeconds: 60 },
      uniqueId: id,
    }),
  }
}

/** The same in every run. */
function idOf(text: string): string {
  const digest = hash('sha256', text)
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}

const CONTEXT: JsonObject = {
  user_id: idOf('user').replaceAll('-', ''),
  project_id: idOf('project').replaceAll('-', ''),
  request_id: `req-${idOf('request')}`,
  roles: ['member', 'reader'],
  is_admin: false,
  read_only: false,
  timestamp: '2027-01-01T00:00:00.000000',
}

function versioned(name: string, version: string, data: JsonObject): JsonObject {
  return {
    'nova_object.name': name,
    'nova_object.namespace': 'nova',
    'nova_object.version': version,
    'nova_object.data': data,
  }
}

const FLAVOR = versioned('Flavor', '1.2', {
  name: 'm1.small',
  flavorid: idOf('flavor'),
  memory_mb: 2048,
  vcpus: 2,
  root_gb: 20,
  ephemeral_gb: 0,
  swap: 0,
  is_public: true,
  disabled: false,
  extra_specs: {},
})
const INSTANCE = versioned('Instance', '2.8', {
  uuid: idOf('instance'),
  user_id: CONTEXT['user_id'] ?? null,
  project_id: CONTEXT['project_id'] ?? null,
  image_ref: idOf('image'),
  host: 'compute-07',
  node: 'compute-07.cloud.example',
  hostname: 'shop-3',
  display_name: 'shop-3',
  power_state: 1,
  vm_state: 'active',
  task_state: null,
  availability_zone: 'zone-a',
  memory_mb: 2048,
  vcpus: 2,
  root_gb: 20,
  launched_at: '2026-12-24T08:00:00Z',
  locked: false,
  flavor: FLAVOR,
  metadata: { team: 'shop' },
  system_metadata: { image_min_ram: '0', image_min_disk: '1' },
})
const MIGRATION = versioned('Migration', '1.8', {
  uuid: idOf('migration'),
  source_compute: 'compute-07',
  dest_compute: 'compute-08',
  instance_uuid: idOf('instance'),
  status: 'migrating',
  migration_type: 'live-migration',
})
const REQUEST_SPEC = versioned('RequestSpec', '1.15', {
  flavor: FLAVOR,
  num_instances: 1,
  availability_zone: 'zone-a',
  instance_uuid: idOf('instance'),
  requested_networks: [{ network_id: idOf('network') }],
})
const VOLUME = versioned('BlockDeviceMapping', '1.21', {
  volume_id: idOf('volume'),
  device_name: '/dev/vdb',
  source_type: 'volume',
  destination_type: 'volume',
  volume_size: 10,
})

/** What arguments are, by what is in their names. The first that fits. */
const ARGUMENTS: readonly (readonly [RegExp, JsonValue])[] = [
  [/^instances$|^build_requests$/, [INSTANCE]],
  [/^instance$|^objinst$/, INSTANCE],
  [/^migration$/, MIGRATION],
  [/^request_specs$/, [REQUEST_SPEC]],
  [/^request_spec$|^spec_obj$|^filter_properties$/, REQUEST_SPEC],
  [/^flavor$/, FLAVOR],
  [/^bdms$|^block_device_mapping$/, [VOLUME]],
  [/^bdm$|^volume$|^share_mapping$|^block_device_info$/, VOLUME],
  [/^image$/, { id: idOf('image'), name: 'debian-13', min_ram: 0, min_disk: 1, size: 3_221_225_472 }],
  [/_uuids$|_ids$|^tags$|^accel_uuids$/, [idOf('one'), idOf('another')]],
  [/_uuid$|_id$|^image_ref$|^orig_image_ref$/, idOf('something')],
  [/^host_lists?$/, [{ service_host: 'compute-07', nodename: 'compute-07.cloud.example', cell_uuid: idOf('cell') }]],
  [/^(host|host_name|dest|destination|node|nodename)$/, 'compute-07'],
  [/_pass$|_password$/, 'hunter2hunter2'],
  [/^(args|injected_files|security_groups|requested_networks|events|limits|reservations)$/, []],
  [/^(kwargs|.*_data|.*_info|.*_versions|orig_sys_metadata|scheduler_hint|mapping)$/, {}],
  [/^(objname|objmethod|.*_type|.*_state|device|disk_bus|tag|address|action|mode)$/, 'something'],
  [/^(port|rotation|tail_length|timeout)$/, 6080],
]

function argument(name: string): JsonValue {
  return ARGUMENTS.find(([pattern]) => pattern.test(name))?.[1] ?? false
}

const AGGREGATE = versioned('AggregatePayload', '1.1', {
  id: 7,
  uuid: idOf('aggregate'),
  name: 'fast-disks',
  hosts: ['compute-07', 'compute-08'],
  metadata: { ssd: 'true' },
})
const SERVICE = versioned('ServiceStatusPayload', '1.1', {
  uuid: idOf('service'),
  host: 'compute-07',
  binary: 'nova-compute',
  topic: 'compute',
  report_count: 4711,
  disabled: false,
  version: 68,
})
const KEYPAIR = versioned('KeypairPayload', '1.0', {
  user_id: CONTEXT['user_id'] ?? null,
  name: 'laptop',
  type: 'ssh',
  fingerprint: '1e:2c:9b:56:79:4b:45:77:f9:ca:7a:98:2c:b0:d5:3c',
})

const NOTIFICATIONS: readonly (readonly [event: string, OsloPriority, publisher: string, payload: JsonObject])[] = [
  ['instance.create.start', 'INFO', 'nova-compute', INSTANCE],
  ['instance.create.end', 'INFO', 'nova-compute', INSTANCE],
  ['instance.create.error', 'ERROR', 'nova-compute', INSTANCE],
  ['instance.update', 'INFO', 'nova-compute', INSTANCE],
  ['instance.power_off.end', 'INFO', 'nova-compute', INSTANCE],
  ['instance.live_migration_post_dest.end', 'INFO', 'nova-compute', INSTANCE],
  ['instance.volume_attach.start', 'INFO', 'nova-compute', INSTANCE],
  ['aggregate.add_host.end', 'INFO', 'nova-api', AGGREGATE],
  ['compute.exception', 'ERROR', 'nova-compute', SERVICE],
  ['compute_task.build_instances.error', 'ERROR', 'nova-conductor', REQUEST_SPEC],
  ['flavor.create', 'INFO', 'nova-api', FLAVOR],
  ['keypair.create.end', 'INFO', 'nova-api', KEYPAIR],
  ['scheduler.select_destinations.end', 'INFO', 'nova-scheduler', REQUEST_SPEC],
  ['server_group.add_member', 'INFO', 'nova-api', AGGREGATE],
  ['service.update', 'INFO', 'nova-compute', SERVICE],
  ['volume.usage', 'INFO', 'nova-compute', VOLUME],
]
