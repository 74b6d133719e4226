/** How a message that verified is told of. @module cli/verdict (floor 8) */
import type { MessageFacts } from '../message/index.js'
import { hex } from '../x509/index.js'
import type { Outcome } from './invocation.js'
import type { ReceiverOptions } from './receiver.js'
import { describeRoute, routeText } from './route-text.js'
import { facts, instant } from './table.js'

/** What a receiver is told of a message that verified. */
export function verdict(
  message: MessageFacts,
  contentBytes: number,
  path: string | undefined,
  options: ReceiverOptions,
): Outcome {
  const { context, signer, signingTime, replay, bindings, rule, route } = message
  return {
    data: { ...verdictFacts(message, contentBytes, options), ...(path === undefined ? {} : { path }) },
    text: facts([
      ['verdict', 'verified'],
      ['signer', `${signer.entity} (${signer.uri})`],
      ['roles', signer.roles.join(' ')],
      ['type', context.type],
      ['destination', context.destination],
      ['signed', instant(signingTime)],
      ['route', route === undefined ? '' : routeText(route)],
      ['bindings', bindings.join('; ')],
      ['allowed by', rule === undefined ? '' : `rule ${rule}`],
      ['replay', replay],
      ['rollback', rollbackOf(options)],
      ['content', path ?? ''],
    ]),
  }
}

/** The same for `--json`. */
export function verdictFacts(message: MessageFacts, contentBytes: number, options: ReceiverOptions): Outcome['data'] {
  const { context, signer, certificate, signingTime, replay, bindings, rule, route } = message
  return {
    verdict: 'verified',
    signer,
    certificate: {
      serialNumber: certificate.serialNumber,
      keyIdentifier: certificate.keyIdentifier,
      fingerprint: certificate.fingerprint,
    },
    type: context.type,
    destination: context.destination,
    messageId: hex(context.messageId),
    signingTime: signingTime.toISOString(),
    lifetimeSeconds: context.lifetimeSeconds,
    bindings,
    rule: rule ?? null,
    replay,
    rollback: rollbackOf(options),
    contentBytes,
    ...(route === undefined ? {} : { route: describeRoute(route) }),
  }
}

function rollbackOf({ trustMemory }: ReceiverOptions): string {
  return trustMemory === undefined ? 'not checked' : 'checked'
}
