/**
 * Ending the connections of whoever is revoked, where a server has a word for it.
 *
 * @module servers/disconnect (floor 7.2)
 */
import { invalid } from './checks.js'
import type { ServerFacts } from './server.js'

/** Whose connections shall end. */
export interface Disconnected {
  readonly entity: string
  /** As the server writes it: what `nameOf` of its kind yields. */
  readonly name: string
  /** Of the certificate, in hex. */
  readonly serialNumber: string
  /** Subject of the CA that issued it, as OpenSSL writes it on one line: `/O=…/CN=…`. */
  readonly issuer: string
}

/**
 * Program and words that end the connections of somebody, for a shell-less start. Some servers know certificates, and end
 * those of one; others end all that the entity has.
 *
 * @param place - Folder of state, and port, of the plan.
 * @returns Nothing where a reload does it, or only a restart
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for a serial number or an issuer that could mean something else
 */
export function disconnectWords(
  { disconnect }: Pick<ServerFacts, 'disconnect'>,
  place: { readonly state: string; readonly port: number },
  { entity, name, serialNumber, issuer }: Disconnected,
): readonly string[] | undefined {
  if (typeof disconnect === 'string') return undefined
  if (!/^[0-9a-f]{1,64}$/i.test(serialNumber)) throw invalid('serial number', serialNumber, 'give it in hex')
  if (!/^(?:\/[A-Z]+=[A-Za-z0-9 ._-]+)+$/.test(issuer)) throw invalid('issuer', issuer, 'give its subject on one line')
  const values: Readonly<Record<string, string>> = {
    ...{ entity, name, issuer, state: place.state, port: `${place.port}` },
    serial: BigInt(`0x${serialNumber}`).toString(),
  }
  return disconnect.map((word) => word.replaceAll(/\{(\w+)\}/g, (_, key: string) => values[key] ?? ''))
}
