/**
 * oslo.messaging itself as the judge: what its driver writes is read here, and what is written here is what its driver would
 * have written, octet for octet.
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  encodeOsloNotification,
  encodeOsloRequest,
  type JsonObject,
  osloDestination,
  osloMessageType,
  parseOsloMessage,
  readOsloContent,
} from '../../src/oslo/index.js'
import { keystonePython } from './programs.js'

const python = keystonePython()

interface Answer {
  readonly sent: readonly { readonly topic: string; readonly text: string }[]
  readonly read: readonly { readonly message: JsonObject; readonly text: string }[]
}

function ask(question: object): Answer {
  const { status, stdout, stderr } = spawnSync(python ?? '', [resolve('test/interop/oslo-messaging/engine.py')], {
    input: JSON.stringify({ cast: [], notify: [], read: [], ...question }),
    env: { ...process.env, LC_ALL: 'C.UTF-8', PYTHONWARNINGS: 'ignore' },
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (status !== 0) throw new Error(`oslo.messaging ended with ${String(status)}: ${stderr.slice(-2000)}`)
  return JSON.parse(stdout) as Answer
}

const ARGS: JsonObject = {
  host_name: 'compute-07',
  name: 'Zoë \u007f\u2028 "𝒳" \\',
  list: [1, -2.5, null, true, {}, []],
}
const CONTEXT: JsonObject = { user_id: 'u', auth_token: 'gAAAA', roles: ['admin'], is_admin: true, timestamp: null }

describe.skipIf(python === undefined)('oslo.messaging', () => {
  it('writes requests that are read here, of the type and for the destination that are derived', () => {
    const { sent } = ask({
      cast: [
        { target: { topic: 'compute', server: 'c7', version: '5.1' }, context: CONTEXT, method: 'build', args: ARGS },
        { target: { topic: 'conductor', namespace: 'compute_task' }, context: {}, method: 'migrate', args: {} },
        { target: { topic: 'scheduler', fanout: true, version: '4.1' }, context: {}, method: 'update', args: {} },
      ],
    })
    const types = ['rpc.compute.build', 'rpc.conductor.compute_task.migrate', 'rpc.scheduler.update']
    expect(sent.map(({ topic }) => topic)).toEqual(['compute.c7', 'conductor', 'scheduler'])
    sent.forEach(({ topic: destination, text }, index) => {
      const content = Buffer.from(text)
      const message = parseOsloMessage(content)
      expect(osloMessageType(message, destination.split('.')[0] ?? '')).toBe(types[index])
      expect(readOsloContent(content, { type: types[index] ?? '', destination })).toEqual(message.body)
      if (message.kind === 'request') {
        const { method, namespace, version, args, context, body } = message
        const again = encodeOsloRequest({
          ...{ method, args, context, uniqueId: body['_unique_id'] as string },
          ...(namespace === undefined ? {} : { namespace }),
          ...('version' in body ? { version } : {}),
        })
        expect(Buffer.from(again).toString()).toBe(text)
      }
    })
    expect(parseOsloMessage(Buffer.from(sent[0]?.text ?? ''))).toMatchObject({ args: ARGS, context: CONTEXT })
    expect(osloDestination({ topic: 'compute', server: 'c7' })).toBe('compute.c7')
  })

  it('writes notifications that are read here', () => {
    const common = {
      publisher_id: 'nova-compute:c7',
      event_type: 'instance.create.end',
      context: CONTEXT,
      payload: ARGS,
    }
    const { sent } = ask({ notify: ['INFO', 'ERROR'].map((priority) => ({ ...common, priority })) })
    expect(sent.map(({ topic }) => topic)).toEqual(['notifications.info', 'notifications.error'])
    for (const { topic: destination, text } of sent) {
      const content = Buffer.from(text)
      expect(readOsloContent(content, { type: 'notify.instance.create.end', destination })).toMatchObject({
        publisher_id: 'nova-compute:c7',
        payload: ARGS,
      })
    }
  })

  it('reads what is written here, and would have written the same', () => {
    const id = '0123456789abcdef0123456789abcdef'
    const texts = [
      encodeOsloRequest({ method: 'build', args: ARGS, namespace: 'task', version: '5.1', context: CONTEXT }),
      encodeOsloRequest({
        method: 'ping',
        args: {},
        reply: { messageId: id, queue: `reply_${id}`, timeoutSeconds: 5 },
      }),
      encodeOsloNotification({
        ...{ eventType: 'a.b', publisherId: 'x:y', priority: 'SAMPLE', payload: ARGS, context: CONTEXT },
        at: new Date(),
      }),
    ].map((bytes) => Buffer.from(bytes).toString())
    const { read } = ask({ read: texts })
    expect(read.map(({ text }) => text)).toEqual(texts)
    expect(read.map(({ message }) => message)).toEqual(texts.map((text) => parseOsloMessage(Buffer.from(text)).body))
  })
})
