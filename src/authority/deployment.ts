/**
 * What a deployment decided once: its trust domain, which names its authority may certify, where its keys are. Kept
 * as `deployment.json` in the home.
 *
 * @module authority/deployment (floor 7)
 */
import { EncodingError, UsageError } from '../errors/index.js'
import { identityUri } from '../identity/index.js'
import { parseStrictJson, requireKeys } from '../json/index.js'
import { type GeneralName, parseIpAddress } from '../x509/index.js'

/** Where a private key is. */
export type KeyLocation =
  /** An encrypted file below the home. */
  | { readonly kind: 'file'; readonly path: string }
  /** A program and its arguments that signs. */
  | { readonly kind: 'command'; readonly command: readonly string[] }

export interface Deployment {
  readonly trustDomain: string
  /** Domains below which host names may be certified. */
  readonly domains: readonly string[]
  /** Address ranges, `10.0.0.0/8`, in which addresses may be certified. */
  readonly addressRanges: readonly string[]
  readonly issuingKey: KeyLocation
  readonly publisherKey: KeyLocation
}

/** Ranges for private use (RFC 1918, RFC 4193) and loopback: what an internal authority is for. */
export const DEFAULT_ADDRESS_RANGES: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  '::1/128',
]

/** Check the names of a new deployment. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkDeploymentNames(
  trustDomain: string,
  domains: readonly string[],
  addressRanges: readonly string[],
): void {
  for (const domain of [trustDomain, ...domains]) {
    try {
      identityUri({ trustDomain: domain, scope: '', service: 'x', node: 'x' })
    } catch (cause) {
      throw new UsageError('ERR_CONFIG_INVALID', `not a domain: ${JSON.stringify(domain)}`, {
        hint: 'give a lower-case domain name of at most 64 characters, such as cloud.example',
        cause,
      })
    }
  }
  addressRanges.forEach(addressRangeOctets)
}

/** The subtrees that the issuing CA is constrained to (RFC 5280 §4.2.1.10). */
export function permittedNames({
  trustDomain,
  domains,
  addressRanges,
}: Pick<Deployment, 'trustDomain' | 'domains' | 'addressRanges'>): readonly GeneralName[] {
  return [
    ...domains.map((value): GeneralName => ({ kind: 'dns', value })),
    { kind: 'uri', value: trustDomain },
    ...addressRanges.map((range): GeneralName => ({ kind: 'ip', octets: addressRangeOctets(range) })),
  ]
}

/** No range permits no address. RFC 5280 takes a list without any for a list that does not matter. */
export function excludedNames({ addressRanges }: Pick<Deployment, 'addressRanges'>): readonly GeneralName[] {
  if (addressRanges.length > 0) return []
  return ['0.0.0.0/0', '::/0'].map((range) => ({ kind: 'ip', octets: addressRangeOctets(range) }))
}

/** Address and mask. */
function addressRangeOctets(range: string): Uint8Array {
  const [address = '', length = '', more] = range.split('/')
  const octets = parseIpAddress(address)
  const bits = /^(0|[1-9][0-9]{0,2})$/.test(length) ? Number(length) : -1
  if (octets === undefined || more !== undefined || bits < 0 || bits > octets.length * 8) {
    throw new UsageError('ERR_CONFIG_INVALID', `not an address range: ${JSON.stringify(range)}`, {
      hint: 'write 10.0.0.0/8 or fc00::/7',
    })
  }
  const mask = Uint8Array.from(octets, (_, index) => {
    const ones = Math.min(8, Math.max(0, bits - index * 8))
    return (0xff << (8 - ones)) & 0xff
  })
  return Uint8Array.of(...octets.map((octet, index) => octet & (mask[index] ?? 0)), ...mask)
}

export function encodeDeployment(deployment: Deployment): string {
  return `${JSON.stringify({ schema: 1, ...deployment }, null, 2)}\n`
}

/** @throws {@link EncodingError} `ERR_JSON_MALFORMED` */
export function parseDeployment(text: string): Deployment {
  const fields = requireKeys(
    parseStrictJson(text),
    ['schema', 'trustDomain', 'domains', 'addressRanges', 'issuingKey', 'publisherKey'],
    'deployment.json',
  )
  const { schema, trustDomain, domains, addressRanges } = fields
  if (schema !== 1 || typeof trustDomain !== 'string' || !isTexts(domains) || !isTexts(addressRanges)) throw malformed()
  return {
    trustDomain,
    domains,
    addressRanges,
    issuingKey: parseKeyLocation(fields['issuingKey']),
    publisherKey: parseKeyLocation(fields['publisherKey']),
  }
}

/** Where a key is. @throws {@link EncodingError} `ERR_JSON_MALFORMED` */
export function parseKeyLocation(value: unknown): KeyLocation {
  const { kind, path, command } = requireKeys(value, ['kind', 'path?', 'command?'], 'a key of deployment.json')
  if (kind === 'file' && typeof path === 'string' && /^[a-z0-9-]+\.key\.pem$/.test(path)) return { kind, path }
  if (kind === 'command' && isTexts(command) && command.length > 0) return { kind, command }
  throw malformed()
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function malformed(): EncodingError {
  return new EncodingError('ERR_JSON_MALFORMED', 'deployment.json has a value of the wrong kind')
}
