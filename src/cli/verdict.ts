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
  { trustMemory }: ReceiverOptions,
): Outcome {
  const rollback = trustMemory === undefined ? 'not checked' : 'checked'
  const { context, signer, certificate, signingTime, replay, bindings, rule, route } = message
  return {
    data: {
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
      rollback,
      contentBytes,
      ...(route === undefined ? {} : { route: describeRoute(route) }),
      ...(path === undefined ? {} : { path }),
    },
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
      ['rollback', rollback],
      ['content', path ?? ''],
    ]),
  }
}
