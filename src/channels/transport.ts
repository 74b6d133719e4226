/**
 * What is read on the way: clear text, and what is decrypted sooner than it must be.
 *
 * @module channels/transport (floor 7.3)
 */
import type { ChannelFinding } from './finding.js'
import { isLocal, type Leg, placeText } from './session.js'

/** Look at one network of a channel. */
export function checkTransport({ channel, index, from, to, hop, network }: Leg): readonly ChannelFinding[] {
  const where = channel.name
  if (isLocal(to) && (from.host === undefined || from.host !== to.host)) {
    return [
      {
        code: 'unreachable',
        severity: 'outage',
        where,
        message: `${from.name} is not on the machine of ${to.name}, which listens there only`,
        hint: 'say which host each is on, or put a TLS proxy before it',
      },
    ]
  }
  if (hop.tls !== 'clear' || network === 'host-local') return []
  const places = to.listen.map(placeText).join(' ')
  if (index > 0 && from.host !== undefined && from.host === to.host) {
    return [
      {
        code: 'listener-exposed',
        severity: 'hole',
        where,
        message: `${to.name} listens at ${places}: others reach it past ${from.name}`,
        hint: 'let it listen on 127.0.0.1, or at a Unix socket',
      },
    ]
  }
  return [
    index > 0
      ? {
          code: 'decrypted-early',
          severity: 'hole',
          where,
          message: `${from.name} decrypts it, and sends it to ${to.name} at ${places} in clear text`,
          hint: `put a proxy on the machine of ${to.name} (proxy-loopback), or encrypt again (re-encryption)`,
        }
      : {
          code: 'clear-text',
          severity: 'hole',
          where,
          message: `${from.name} speaks to ${to.name} at ${places} in clear text`,
          hint: `put a TLS proxy on the machine of ${to.name}`,
        },
  ]
}
