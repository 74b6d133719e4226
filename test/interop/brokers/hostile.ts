/**
 * A broker in the hands of an attacker, the same for every broker: what it can do to messages, and what receivers say.
 */
import { expect, it } from 'vitest'
import type { OutgoingMessage, ReceiveOptions, Subscription } from '../../../src/brokers/index.js'
import { type MessageSigner, openReplayFile, type VerifierOptions } from '../../../src/message/index.js'
import { eventually } from './server.js'
import { instancesOf, listener, migration, MIGRATION, request, type Story, type Told } from './story.js'

/** A message as the broker has it. */
export interface Wire {
  readonly payload: Uint8Array
  /** Segments, however the broker joins them. */
  readonly address: readonly string[]
  /** Detached CMS; several where the attacker adds one. */
  readonly signatures: readonly Uint8Array[]
}

/** One broker, and the adapters for it. */
export interface Link {
  /** Publish with the adapter, as somebody with a certificate. */
  readonly publish: (from: string, message: OutgoingMessage, signer: MessageSigner) => Promise<void>
  /** Receive with the adapter, as somebody with a certificate. */
  readonly receive: (id: string, options: ReceiveOptions) => Promise<Subscription>
  /** Publish, and yield what came to the broker; receivers get nothing of it. */
  readonly hold: (from: string, message: OutgoingMessage, signer: MessageSigner) => Promise<Wire>
  /** Deliver something to a receiver. */
  readonly inject: (to: string, wire: Wire) => Promise<void>
}

/** The tests of one broker. `link` is asked for when they run. */
export function hostileBroker(story: Story, link: () => Link): void {
  const held = async (message = migration('vm-1'), from = 'conductor-01', signer = story.signer(from)): Promise<Wire> =>
    link().hold(from, message, signer)

  async function deliver(to: string, wires: readonly Wire[], changes: Partial<VerifierOptions> = {}): Promise<Told> {
    const { told, ...callbacks } = listener()
    const subscription = await link().receive(to, { verifier: story.verifier(to, changes), ...callbacks })
    for (const wire of wires) await link().inject(to, wire)
    await eventually(() => told.taken.length + told.refused.length + told.failed.length).toBe(wires.length)
    await subscription.stop()
    expect(told.failed).toEqual([])
    return told
  }

  it('requirement 3: delivers a message as it was sent, and that is all that it can do unnoticed', async () => {
    const told = await deliver('compute-07', [await held()])
    expect([instancesOf(told), told.refused]).toEqual([['vm-1'], []])
  })

  it('requirement 9: replays a message at once, and after the receiver has restarted', async () => {
    const wire = await held()
    const file = story.cloud.path(
      `replay-${Buffer.from(wire.signatures[0] ?? [])
        .toString('hex')
        .slice(-16)}`,
    )
    const first = openReplayFile(file)
    const told = await deliver('compute-07', [wire, wire], { replay: first })
    first.close()
    expect([told.taken.length, told.refused]).toEqual([1, ['ERR_MESSAGE_REPLAYED']])
    const second = openReplayFile(file)
    expect((await deliver('compute-07', [wire], { replay: second })).refused).toEqual(['ERR_MESSAGE_REPLAYED'])
    second.close()
  })

  it('requirement 9: holds a message back until it has expired', async () => {
    const clock = { now: () => new Date(Date.now() + 600_000) }
    expect((await deliver('compute-07', [await held()], { clock })).refused).toEqual(['ERR_MESSAGE_EXPIRED'])
  })

  it('requirement 3: leads a message to another address', async () => {
    const wire = await held()
    const address = ['compute', 'compute-07', 'rpc', 'compute', 'ping']
    const told = await deliver('compute-07', [{ ...wire, address }, wire])
    expect([told.refused, told.taken.length]).toEqual([['ERR_MESSAGE_ADDRESS'], 1])
  })

  it('requirement 7: delivers a message to another receiver, under its address or that of the other', async () => {
    const wire = await held()
    const other = { ...wire, address: ['compute', 'compute-08', ...wire.address.slice(2)] }
    const told = await deliver('compute-08', [wire, other])
    expect(told.refused).toEqual(['ERR_MESSAGE_DESTINATION', 'ERR_MESSAGE_DESTINATION'])
  })

  it('requirement 8: reflects a message to its sender', async () => {
    const wire = await held()
    const told = await deliver('conductor-01', [{ ...wire, address: ['scheduler', ...wire.address.slice(2)] }])
    expect(told.refused).toEqual(['ERR_MESSAGE_DESTINATION'])
  })

  it('requirement 16: strips the signature, and injects what was never signed', async () => {
    const wire = await held()
    const { payload } = migration('forged')
    const unsigned = [
      { ...wire, signatures: [] },
      { ...wire, signatures: [new Uint8Array()] },
      { ...wire, signatures: [], payload },
    ]
    expect((await deliver('compute-07', unsigned)).refused).toEqual(Array(3).fill('ERR_MESSAGE_UNSIGNED'))
  })

  it('requirement 1: swaps the payloads of two messages, or their signatures', async () => {
    const [first, second] = [await held(), await held(migration('vm-2'))]
    const swapped = [
      { ...first, payload: second.payload },
      { ...second, signatures: first.signatures },
    ]
    const told = await deliver('compute-07', swapped)
    expect(told.refused).toEqual(['ERR_CMS_DIGEST_MISMATCH', 'ERR_CMS_DIGEST_MISMATCH'])
  })

  it('requirement 1: flips bits, here and there', async () => {
    const wire = await held()
    const [signature = new Uint8Array()] = wire.signatures
    const flipped = [
      ...every(16, wire.payload).map((payload) => ({ ...wire, payload })),
      ...every(16, signature).map((bad) => ({ ...wire, signatures: [bad] })),
    ]
    const told = await deliver('compute-07', [...flipped, wire])
    expect(told.taken).toHaveLength(1)
    expect(told.refused).toHaveLength(flipped.length)
    expect(told.refused.slice(0, 3)).toEqual(Array(3).fill('ERR_CMS_DIGEST_MISMATCH'))
  })

  it('requirement 5: signs with a key of its own, or with one that another authority made for the same name', async () => {
    const told = await deliver('compute-07', [
      await held(migration('forged'), 'mallory-01'),
      await held(migration('forged'), 'mallory-01', story.stranger),
    ])
    expect(told.refused).toEqual(['ERR_IDENTITY_MISMATCH', 'ERR_CMS_SIGNER_UNKNOWN'])
  })

  it('requirement 40: lets a compute node that was taken over send what only a conductor may', async () => {
    const [one, group] = ['compute.compute-07', 'role:compute_node']
    const told = await deliver('compute-07', [
      // The broker lets it pass; nobody else would.
      await held(migration('forged', one), 'mallory-01', story.signer('compute-08')),
      await held(migration('forged', group), 'mallory-01', story.signer('compute-08')),
    ])
    expect(told.refused).toEqual(['ERR_POLICY_DENIED', 'ERR_POLICY_DENIED'])
  })

  it('requirement 37: lets a compute node speak of another one, or sign one method and send another', async () => {
    const type = 'rpc.scheduler.update_instance_info'
    const report = (host: string): OutgoingMessage => request(type, 'scheduler', { host_name: host })
    const { payload } = migration('hidden')
    const told = await deliver('conductor-01', [
      await held(report('compute-07'), 'compute-08'),
      await held({ ...report('compute-08'), payload }, 'compute-08'),
      await held({ ...report('compute-08'), payload: Buffer.from('{}') }, 'compute-08'),
      await held(report('compute-08'), 'compute-08'),
    ])
    expect(told.refused).toEqual(['ERR_POLICY_DENIED', 'ERR_MESSAGE_CONTENT', 'ERR_OSLO_MESSAGE'])
    expect(told.taken.map(({ signer, rule }) => [signer.node, rule])).toEqual([
      ['compute-08', 'compute-reports-itself'],
    ])
  })

  it('requirement 43: TLS lets a node in that was taken over, and the broker delivers what it sends; messages for others fail', async () => {
    const type = 'rpc.scheduler.update_instance_info'
    const { told, ...callbacks } = listener()
    const subscription = await link().receive('conductor-01', {
      verifier: story.verifier('conductor-01'),
      ...callbacks,
    })
    // Over its own mutual TLS, with its own certificate, to an address that the broker lets it use: nothing is wrong with that.
    const say = (host: string, signer = story.signer('compute-08')): Promise<void> =>
      link().publish('compute-08', request(type, 'scheduler', { host_name: host }), signer)
    await say('compute-07')
    // In the name of another: with a certificate of that name that somebody else’s authority made.
    await say('compute-07', story.stranger)
    await say('compute-08')
    await eventually(() => told.taken.length + told.refused.length + told.failed.length).toBe(3)
    await subscription.stop()
    expect([told.refused, told.failed]).toEqual([['ERR_POLICY_DENIED', 'ERR_CMS_SIGNER_UNKNOWN'], []])
    expect(told.taken.map(({ signer }) => signer.node)).toEqual(['compute-08'])
    // And with the broker on its side: to its group in the name of a member, and an order that only a conductor gives.
    const group = 'role:compute_node'
    const orders = await deliver('compute-07', [
      await held(migration('forged', group), 'mallory-01', story.signer('compute-08')),
      await held(migration('forged'), 'mallory-01', story.stranger),
      { ...(await held()), signatures: [] },
    ])
    // They come over two addresses, and a broker promises no order between those.
    expect([orders.taken, orders.refused.toSorted()]).toEqual([
      [],
      ['ERR_CMS_SIGNER_UNKNOWN', 'ERR_MESSAGE_UNSIGNED', 'ERR_POLICY_DENIED'],
    ])
  })

  it('requirement 3: drops and reorders messages, which no receiver can see: a message says nothing of others', async () => {
    const wires = [await held(migration('vm-1')), await held(migration('vm-2')), await held(migration('vm-3'))]
    const [first, , third] = wires
    const told = await deliver(
      'compute-07',
      [third, first].filter((wire) => wire !== undefined),
    )
    expect([instancesOf(told), told.refused]).toEqual([['vm-3', 'vm-1'], []])
  })

  it('requirement 30: one message is verified by many receivers, each for itself', async () => {
    const logs = new Map(['compute-07', 'compute-08', 'conductor-01'].map((id) => [id, listener()]))
    const subscriptions: Subscription[] = []
    for (const [id, { told: _told, ...callbacks }] of logs) {
      subscriptions.push(await link().receive(id, { verifier: story.verifier(id), ...callbacks }))
    }
    for (const destination of ['compute.compute-07', 'compute.compute-08', 'role:compute_node', 'compute']) {
      await link().publish('conductor-01', migration(destination, destination), story.signer('conductor-01'))
    }
    const told = (id: string): Told => logs.get(id)?.told ?? expect.unreachable()
    await eventually(() => [
      instancesOf(told('compute-07')).toSorted(),
      instancesOf(told('compute-08')).toSorted(),
    ]).toEqual([
      ['compute', 'compute.compute-07', 'role:compute_node'],
      ['compute', 'compute.compute-08', 'role:compute_node'],
    ])
    for (const subscription of subscriptions) await subscription.stop()
    for (const id of ['compute-07', 'compute-08']) {
      expect(new Set(told(id).taken.map(({ signer, context }) => `${signer.entity} ${context.type}`))).toEqual(
        new Set([`conductor-01 ${MIGRATION}`]),
      )
    }
    expect(told('conductor-01').taken).toEqual([])
  })
}

/** Copies with one bit flipped, at so many places. */
function every(count: number, octets: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const copy = Uint8Array.from(octets)
    const place = Math.floor((index * octets.length) / count)
    copy[place] = (copy[place] ?? 0) ^ (1 << (index % 8))
    return copy
  })
}
