/**
 * A key server with some names, around the same instant as certificates of tests.
 *
 * ```ts
 * const keys = makeKeyServer(['compute.a', 'compute.b'], ['compute'])
 * const a = keys.protection('compute.a', { groups: ['compute'] })
 * ```
 */
import { SecretKey } from '../../src/crypto/index.js'
import { createReplayMemory } from '../../src/message/index.js'
import {
  createKeyMemory,
  KeyServer,
  type KeyServerOptions,
  type NamedKey,
  SharedKeyProtection,
  type SharedKeyProtectionOptions,
  type SharedKeyReceiver,
  TicketClient,
} from '../../src/sharedkey/index.js'

export interface TestKeys {
  readonly server: KeyServer
  readonly named: (name: string) => NamedKey
  readonly client: (name: string) => TicketClient
  readonly protection: (
    name: string,
    receiver?: Partial<SharedKeyReceiver>,
    options?: Partial<SharedKeyProtectionOptions>,
  ) => SharedKeyProtection
}

export function makeKeyServer(
  names: readonly string[],
  groups: readonly string[] = [],
  options: Partial<KeyServerOptions> = {},
): TestKeys {
  const server = new KeyServer({
    storage: createKeyMemory(),
    masterKey: SecretKey.generate(16),
    replay: createReplayMemory(),
    ...options,
  })
  const keys = new Map<string, NamedKey>()
  for (const name of names) {
    const key = SecretKey.generate(16)
    keys.set(name, { ...server.setKey(name, key), key })
  }
  for (const group of groups) server.createGroup(group)
  const named = (name: string): NamedKey => {
    const key = keys.get(name)
    if (key === undefined) throw new Error(`there is no key of ${name}`)
    return key
  }
  const client = (name: string): TicketClient => new TicketClient(named(name), server)
  return {
    server,
    named,
    client,
    protection: (name, receiver = {}, more = {}) =>
      new SharedKeyProtection({
        client: client(name),
        receiver: {
          groups: [],
          senders: 'allow-any-known',
          maxAgeSeconds: 300,
          replay: createReplayMemory(),
          ...receiver,
        },
        ...more,
      }),
  }
}
