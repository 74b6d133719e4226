import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  encodeOsloNotification,
  encodeOsloRequest,
  osloDestination,
  osloMessageType,
  osloNotificationDestination,
  type OsloPriority,
  parseOsloMessage,
  readOsloContent,
} from '../../src/oslo/index.js'
import { readdirSync, readFileSync } from 'node:fs'
import { isMessageType } from '../../src/policy/index.js'
import { NOW } from '../support/certificates.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { expectCode } from '../support/expect-code.js'

const request = (method: string, namespace?: string): Uint8Array =>
  encodeOsloRequest({ method, args: { host_name: 'c7' }, ...(namespace === undefined ? {} : { namespace }) })

const notification = (eventType: string, priority: OsloPriority): Uint8Array =>
  encodeOsloNotification({ eventType, publisherId: 'nova-compute:c7', priority, payload: {}, at: NOW })

describe('osloMessageType, osloDestination', () => {
  it('name a message as it is signed', () => {
    expect(osloMessageType(parseOsloMessage(request('build')), 'compute')).toBe('rpc.compute.build')
    expect(osloMessageType(parseOsloMessage(request('build', 'task')), 'conductor')).toBe('rpc.conductor.task.build')
    const created = parseOsloMessage(notification('instance.create.end', 'INFO'))
    expect(osloMessageType(created, 'notifications')).toBe('notify.instance.create.end')
    expect(osloDestination({ topic: 'compute', server: 'c7.example' })).toBe('compute.c7.example')
    expect(osloDestination({ topic: 'compute' })).toBe('compute')
    expect(osloNotificationDestination('notifications', { priority: 'INFO' })).toBe('notifications.info')
  })

  it.each(['a.b', '', 'role:x', 'a b'])('refuse the topic %j', (topic) => {
    expectCode('ERR_CONFIG_INVALID', () => osloDestination({ topic }))
  })
})

describe('readOsloContent', () => {
  it.each([
    ['rpc.compute.build', 'compute', request('build')],
    ['rpc.compute.build', 'compute.c7', request('build')],
    ['rpc.compute.build', 'compute.c7.example', request('build')],
    ['rpc.compute.build', 'role:compute_node@region-one', request('build')],
    ['rpc.conductor.task.build', 'conductor', request('build', 'task')],
    ['notify.instance.end', 'notifications.info', notification('instance.end', 'INFO')],
    ['notify.instance.end', 'scope:region-one', notification('instance.end', 'INFO')],
  ])('yields the inner message of %s for %s', (type, destination, content) => {
    expect(readOsloContent(content, { type, destination })).toEqual(parseOsloMessage(content).body)
  })

  it.each([
    ['another method', 'rpc.compute.build', 'compute', request('destroy')],
    ['a namespace that is not in the type', 'rpc.conductor.build', 'conductor', request('build', 'task')],
    ['a type with a namespace, and a request without', 'rpc.conductor.task.build', 'conductor', request('build')],
    ['another topic', 'rpc.compute.build', 'conductor', request('build')],
    ['another topic at a server', 'rpc.compute.build', 'conductor.c7', request('build')],
    ['a notification as a request', 'rpc.compute.build', 'compute.info', notification('build', 'INFO')],
    ['a request as a notification', 'notify.build', 'compute.info', request('build')],
    ['another event', 'notify.instance.start', 'notifications.info', notification('instance.end', 'INFO')],
    ['another priority', 'notify.instance.end', 'notifications.info', notification('instance.end', 'ERROR')],
    ['no priority', 'notify.instance.end', 'notifications', notification('instance.end', 'INFO')],
    ['a type without a topic', 'rpc', 'role:x', request('build')],
  ])('requirement 39: refuses %s', (_what, type, destination, content) => {
    expectCode('ERR_MESSAGE_CONTENT', () => readOsloContent(content, { type, destination }))
  })

  it('refuses what is no message of oslo.messaging', () => {
    expectCode('ERR_OSLO_MESSAGE', () => readOsloContent(Buffer.from('{}'), { type: 'rpc.a.b', destination: 'a' }))
  })
})

interface Method {
  readonly topic: string
  readonly namespace: string | null
  readonly method: string
  readonly versions: readonly string[]
  readonly args: readonly string[]
}

describe.skipIf(!corporaAvailable())("nova's own messages", () => {
  it('requirement 19: all of its methods have a type, and are what it says', () => {
    const file = readFileSync(join(CORPORA, 'openstack/nova-rpc-methods.json'), 'utf8')
    const { methods } = JSON.parse(file) as { readonly methods: readonly Method[] }
    const types = methods.map(({ topic, namespace, method, versions, args }) => {
      const content = encodeOsloRequest({
        ...{ method, args: Object.fromEntries(args.map((name) => [name, 'x'])) },
        ...(namespace === null ? {} : { namespace }),
        ...(versions[0] === undefined ? {} : { version: versions[0] }),
      })
      const type = osloMessageType(parseOsloMessage(content), topic)
      expect(isMessageType(type)).toBe(true)
      expect(readOsloContent(content, { type, destination: osloDestination({ topic, server: 'c7' }) })).toBeDefined()
      return type
    })
    expect(types).toHaveLength(94)
    expect(types).toContain('rpc.compute.live_migration')
  })

  it('all of its notifications have a type, and are what it says', () => {
    const folder = join(CORPORA, 'openstack/nova-notification-samples')
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
    expect(files.length).toBeGreaterThan(100)
    for (const name of files) {
      const sample = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        readonly event_type: string
        readonly publisher_id: string
        readonly priority: OsloPriority
        readonly payload: Record<string, never>
      }
      const { event_type: eventType, publisher_id: publisherId, priority, payload } = sample
      const content = encodeOsloNotification({ eventType, publisherId, priority, payload, at: NOW })
      const message = parseOsloMessage(content)
      if (message.kind !== 'notification') throw new Error('not a notification')
      const type = osloMessageType(message, 'notifications')
      const destination = osloNotificationDestination('versioned_notifications', message)
      expect(isMessageType(type)).toBe(true)
      expect(readOsloContent(content, { type, destination })).toMatchObject({ publisher_id: publisherId, payload })
    }
  })
})
