/**
 * Mutated texts: PEM bundles, the mapping, JSON and small notations.
 *
 * @module test/hostile/targets/text
 */
import { encodePem, parsePem } from '../../../src/asn1/index.js'
import { encodeDeployment, parseDeployment } from '../../../src/authority/deployment.js'
import { decodePrivateKey } from '../../../src/crypto/index.js'
import { defaultMappingText, parseIdentityUri, parseMapping } from '../../../src/identity/index.js'
import { parseStrictJson } from '../../../src/json/index.js'
import { parseBinding } from '../../../src/policy/index.js'
import { parseEnvelope } from '../../../src/sharedkey/index.js'
import { parseRequest } from '../../../src/sharedkey/tickets.js'
import { formatDuration, parseDuration } from '../../../src/time/index.js'
import { formatIpAddress, parseCertificates, parseCrls, parseHexText, parseIpAddress } from '../../../src/x509/index.js'
import { attempt, Violation } from '../attempt.js'
import { toHex } from './genuine.js'
import { fixedPrivateKey } from '../keys.js'
import { mutateText } from '../mutators/text.js'
import type { Random } from '../random.js'
import { type Target } from './target.js'
import { holders, issuingCrl, rootCrl, world } from '../world.js'

function same(what: string, before: unknown, after: unknown): void {
  const [a, b] = [JSON.stringify(before), JSON.stringify(after)]
  if (a !== b) throw new Violation(`${what} is read in two ways: ${a} and ${b}`)
}

/** A text, what reads it, and what must be so of the result. */
interface Notation {
  readonly name: string
  readonly originals: readonly string[]
  readonly read: (text: string) => unknown
  readonly require?: (text: string, value: unknown) => void
}

const certificates = Object.values(holders).map(({ certificate }) => certificate)
const certificatePems = [
  certificates.map((certificate) => certificate.toPem()).join(''),
  `subject: somebody\n${holders.server.certificate.toPem()}\n${world.issuing.certificate.toPem()}`,
]
const crlPems = [rootCrl.toPem() + issuingCrl.toPem()]
const keyPems = [
  encodePem('PRIVATE KEY', new Uint8Array(fixedPrivateKey('a').export({ format: 'der', type: 'pkcs8' }))),
]

/** Every block of a text, or an error; never some of them. */
function requireEveryBlock(text: string): void {
  const blocks = parsePem(text)
  const begun = text.split('-----BEGIN ').length - 1
  if (blocks.length !== begun) throw new Violation(`of ${begun} PEM blocks, ${blocks.length} were read`)
  const again = parsePem(blocks.map(({ label, der }) => encodePem(label, der)).join(''))
  same(
    'PEM',
    blocks.map(({ label, der }) => [label, toHex(der)]),
    again.map(({ label, der }) => [label, toHex(der)]),
  )
}

const NOTATIONS: readonly Notation[] = [
  { name: 'PEM', originals: [...certificatePems, ...crlPems, ...keyPems], read: parsePem, require: requireEveryBlock },
  {
    name: 'PEM certificates',
    originals: certificatePems,
    read: (text) => parseCertificates(Buffer.from(text)),
    require: requireEveryBlock,
  },
  { name: 'PEM CRLs', originals: crlPems, read: (text) => parseCrls(Buffer.from(text)), require: requireEveryBlock },
  { name: 'PEM key', originals: keyPems, read: (text) => decodePrivateKey(text), require: requireEveryBlock },
  {
    name: 'mapping',
    originals: [
      defaultMappingText('cloud.example', world.issuing.certificate.fingerprint),
      JSON.stringify({
        version: 1,
        trustDomain: 'cloud.example',
        rules: [
          {
            name: 'a',
            when: { issuerKey: '00'.repeat(32), dns: '{node}.{service}.example', subject: { O: 'a' } },
            then: { service: '{service}', node: '{node}', roles: ['b'] },
          },
        ],
      }),
    ],
    read: parseMapping,
  },
  {
    name: 'deployment',
    originals: [
      encodeDeployment({
        trustDomain: 'cloud.example',
        domains: ['cloud.example'],
        addressRanges: ['10.0.0.0/8'],
        issuingKey: { kind: 'file', path: 'issuing-ca.key.pem' },
        publisherKey: { kind: 'command', command: ['a', 'b'] },
      }),
    ],
    read: parseDeployment,
  },
  {
    name: 'JSON',
    originals: ['{"a": [1, -2.5e3, true, null, "\\u00e9\\n"],\n "b": {"a": {"a": []}},\n "\\u0061b": ""}'],
    read: parseStrictJson,
    require: (text, value) => {
      same('JSON', value, JSON.parse(text))
    },
  },
  {
    name: 'Kite envelope',
    originals: [
      JSON.stringify({
        'oslo.version': '2.1',
        'oslo.message': '{"a":1}',
        'oslo.secure.metadata': JSON.stringify({
          source: 'a:1',
          destination: 'b:2',
          timestamp: '2027-01-01T00:00:00.000000',
          nonce: '0123456789abcdef',
          esek: 'AAAA',
          encryption: false,
        }),
        'oslo.secure.signature': 'AAAA',
      }),
    ],
    read: (text) => parseEnvelope(Buffer.from(text)),
  },
  {
    name: 'Kite request',
    originals: [
      `{"metadata":"${Buffer.from('{"source":"a","destination":"b","timestamp":"2027-01-01T00:00:00","nonce":"0123456789"}').toString('base64')}","signature":"AAAA"}`,
    ],
    read: (text) => parseRequest(parseStrictJson(text)),
  },
  { name: 'binding', originals: ['payload.host == node', 'publisher_id == service:node'], read: parseBinding },
  {
    name: 'identity URI',
    originals: ['spiffe://cloud.example/region-one/nova/compute/compute-07', 'spiffe://a/b/c'],
    read: parseIdentityUri,
    require: (text, value) => {
      same('an identity', (value as { text: string }).text, text)
    },
  },
  {
    name: 'duration',
    originals: ['30d', '90s', '3y'],
    read: parseDuration,
    require: (_, value) => {
      same('a duration', parseDuration(formatDuration(value as number)), value)
    },
  },
  {
    name: 'hexadecimal',
    originals: ['SHA256:00:11:aa:BB', 'dec:1234567890', '0x0f'],
    read: parseHexText,
    require: (_, value) => {
      same('a hexadecimal number', parseHexText(value as string), value)
    },
  },
  {
    name: 'address',
    originals: ['10.0.0.7', '2001:db8::7', '::', '::ffff:1.2.3.4'],
    read: parseIpAddress,
    require: (_, value) => {
      const octets = value as Uint8Array | undefined
      if (octets !== undefined) same('an address', parseIpAddress(formatIpAddress(octets)), octets)
    },
  },
]

const pool = NOTATIONS.flatMap(({ originals }) => originals)

function textTarget({ name, originals, read, require }: Notation): Target {
  return {
    name: `text: ${name}`,
    weight: 0.5,
    originals: originals.map((text) => new Uint8Array(Buffer.from(text))),
    mutate: (random: Random) => {
      const { text, steps } = mutateText(random, random.pick(originals), random.chance(0.7) ? originals : pool)
      return { bytes: new Uint8Array(Buffer.from(text)), steps }
    },
    check: async (bytes) => {
      const text = Buffer.from(bytes).toString('utf8')
      const { code, value } = await attempt(name, () => read(text))
      if (code !== 'accepted') return 'refused'
      require?.(text, value)
      return 'parsed'
    },
  }
}

export const TEXT_TARGETS: readonly Target[] = NOTATIONS.map(textTarget)
