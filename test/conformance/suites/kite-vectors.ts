/**
 * Kite's published vectors: MACs, tickets, keys for destinations and groups, in two generations.
 *
 * @module test/conformance/suites/kite-vectors
 */
import { join } from 'node:path'
import { SecretKey } from '../../../src/crypto/index.js'
import {
  keyFromBase64,
  macOf,
  openEsek,
  openGroupKey,
  openTicket,
  type SessionKeys,
  sessionKeys,
} from '../../../src/sharedkey/index.js'
import { readJson } from '../files.js'
import { type Case, type Suite } from '../suite.js'

type Fields = Readonly<Record<string, string>>

interface Answer {
  readonly fields: Fields
  readonly response: Fields
}

interface File {
  readonly hmac?: Fields
  readonly kite_v1?: Readonly<Record<string, (Fields & { readonly response: never }) | undefined>>
  readonly securemessage_v0?: readonly Fields[]
}

export const kiteVectors: Suite = {
  name: 'kite-vectors',
  title: "Kite's own vectors: MAC, tickets, derived keys",
  peers: '',
  load(corpora) {
    const file = readJson(join(corpora, 'openstack'), 'kite-vectors.json') as File | undefined
    if (file === undefined) return undefined
    const { hmac, kite_v1: v1 = {}, securemessage_v0: v0 = [] } = file
    const answer = (name: string): Answer | undefined => {
      const fields = v1[name]
      return fields && { fields, response: fields['response'] }
    }
    const [ticket, group, esek] = [answer('ticket'), answer('group_key'), v1['esek']]
    return {
      cases: [
        ...(hmac === undefined ? [] : [macCase(hmac)]),
        ...(ticket === undefined ? [] : [ticketCase(ticket), derivedCase('v1 ticket', ticket)]),
        ...(esek === undefined ? [] : [esekCase(esek)]),
        ...(group === undefined ? [] : [groupCase(group)]),
        ...v0.map(firstGenerationCase),
      ],
    }
  },
}

function macCase({ key_hex = '', msg = '', mac_b64 = '' }: Fields): Case {
  return { id: 'hmac', expected: mac_b64, run: () => ({ got: macOf(fromHex(key_hex), msg) }) }
}

function ticketCase({ fields, response }: Answer): Case {
  return {
    id: 'v1 ticket, opened by its source',
    expected: keysText(fields),
    run: () => ({ got: textOf(openTicket(response, fromText(fields['source_key_b64'])).keys) }),
  }
}

function derivedCase(id: string, { fields, response }: Answer): Case {
  return {
    id: `${id}, derived by its destination`,
    expected: keysText(fields),
    run: () => {
      const { esek } = openTicket(response, fromText(fields['source_key_b64']))
      return { got: derived(esek, fromText(fields['dest_key_b64']), fields) }
    },
  }
}

function esekCase(fields: Fields): Case {
  return {
    id: 'v1 esek',
    expected: keysText(fields),
    run: () => ({ got: derived(fields['esek_b64'] ?? '', fromText(fields['dest_key_b64']), fields) }),
  }
}

function groupCase({ fields, response }: Answer): Case {
  return {
    id: 'v1 group key',
    expected: fields['group_key_b64'] ?? '',
    run: () => ({ got: base64(openGroupKey(response, fromText(fields['member_key_b64'])).key) }),
  }
}

function firstGenerationCase(row: Fields): Case {
  const { name = '', source = '', destination = '', esek_b64 = '', dest_key_hex = '' } = row
  const expected = [row['skey_hex'], row['ekey_hex']].map((hex) => base64(fromHex(hex ?? ''))).join(' ')
  return {
    id: `v0 ${name}`,
    expected,
    run: () => ({ got: textOf(sessionKeys(openEsek(esek_b64, fromHex(dest_key_hex)), source, destination)) }),
  }
}

function derived(esek: string, destinationKey: SecretKey, fields: Fields): string {
  const { source_key_name: source = '', dest_key_name: destination = '' } = fields
  return textOf(sessionKeys(openEsek(esek, destinationKey), source, destination))
}

function keysText({ skey_b64 = '', ekey_b64 = '' }: Fields): string {
  return `${skey_b64} ${ekey_b64}`
}

function textOf({ signing, encryption }: SessionKeys): string {
  return `${base64(signing)} ${base64(encryption)}`
}

function base64(key: SecretKey): string {
  return key.use((bytes) => bytes.toString('base64'))
}

function fromText(text: string | undefined): SecretKey {
  return keyFromBase64(text ?? '', 'the key')
}

function fromHex(text: string): SecretKey {
  return new SecretKey(Buffer.from(text, 'hex'))
}
