/** Every vector that Kite's authors published: two generations, which differ in what a time is. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SecretKey } from '../../src/crypto/index.js'
import {
  decrypt,
  keyFromBase64,
  macOf,
  openEsek,
  openGroupKey,
  openTicket,
  sessionInfo,
  sessionKeys,
} from '../../src/sharedkey/index.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'

interface EsekVector {
  readonly source_key_name: string
  readonly dest_key_name: string
  readonly dest_key_b64: string
  readonly esek_b64: string
  readonly esek_plain: string
  readonly info: string
  readonly skey_b64: string
  readonly ekey_b64: string
}

interface Vectors {
  readonly hmac: { readonly key_hex: string; readonly msg: string; readonly mac_b64: string }
  readonly kite_v1: {
    readonly ticket: Omit<EsekVector, 'esek_b64'> & {
      readonly source_key_b64: string
      readonly response: Readonly<Record<string, string>>
      readonly metadata_plain: string
      readonly ticket_plain: string
    }
    readonly esek: EsekVector
    readonly group_key: {
      readonly member_key_b64: string
      readonly response: Readonly<Record<string, string>>
      readonly group_key_b64: string
    }
  }
  readonly securemessage_v0: readonly {
    readonly name: string
    readonly dest_key_hex: string
    readonly source: string
    readonly destination: string
    readonly esek_b64: string
    readonly esek_plain: string
    readonly info: string
    readonly skey_hex: string
    readonly ekey_hex: string
  }[]
}

const path = join(CORPORA, 'openstack/kite-vectors.json')
const isHere = corporaAvailable() && existsSync(path)
const b64 = (key: SecretKey): string => key.use((bytes) => bytes.toString('base64'))
const hex = (key: SecretKey): string => key.use((bytes) => bytes.toString('hex'))

describe.skipIf(!isHere)("Kite's published vectors", () => {
  const read = (): Vectors => JSON.parse(readFileSync(path, 'utf8')) as Vectors

  it('a MAC', () => {
    const { key_hex, msg, mac_b64 } = read().hmac
    expect(macOf(new SecretKey(Buffer.from(key_hex, 'hex')), msg)).toBe(mac_b64)
  })

  it('a ticket: its MAC, what it says, its keys', () => {
    const vector = read().kite_v1.ticket
    const sourceKey = keyFromBase64(vector.source_key_b64, 'key')
    const ticket = openTicket(vector.response, sourceKey)
    expect(decrypt(sourceKey, vector.response['ticket'] ?? '').toString()).toBe(vector.ticket_plain)
    expect(Buffer.from(vector.response['metadata'] ?? '', 'base64').toString()).toBe(vector.metadata_plain)
    expect(ticket).toMatchObject({
      source: { name: 'testkey', generation: 20 },
      destination: { name: 'destkey', generation: 20 },
      expiration: new Date('2014-07-02T09:56:34.342Z'),
    })
    expect(b64(ticket.keys.signing)).toBe(vector.skey_b64)
    expect(b64(ticket.keys.encryption)).toBe(vector.ekey_b64)
    // What the destination derives is what the server gave to the source.
    const esek = openEsek(ticket.esek, keyFromBase64(vector.dest_key_b64, 'key'))
    const derived = sessionKeys(esek, vector.source_key_name, vector.dest_key_name)
    expect([derived.signing, derived.encryption].map(b64)).toEqual([vector.skey_b64, vector.ekey_b64])
  })

  it('a key for a destination alone', () => {
    const vector = read().kite_v1.esek
    const key = keyFromBase64(vector.dest_key_b64, 'key')
    expect(decrypt(key, vector.esek_b64).toString()).toBe(vector.esek_plain)
    const esek = openEsek(vector.esek_b64, key)
    expect(sessionInfo(vector.source_key_name, vector.dest_key_name, esek.timestamp)).toBe(vector.info)
    const derived = sessionKeys(esek, vector.source_key_name, vector.dest_key_name)
    expect([derived.signing, derived.encryption].map(b64)).toEqual([vector.skey_b64, vector.ekey_b64])
  })

  it('the key of a group', () => {
    const vector = read().kite_v1.group_key
    const answer = openGroupKey(vector.response, keyFromBase64(vector.member_key_b64, 'key'))
    expect(b64(answer.key)).toBe(vector.group_key_b64)
    expect(answer).toMatchObject({
      source: { name: 'testgroup.testkeyA', generation: 12 },
      destination: { name: 'testgroup', generation: 4 },
    })
  })

  it('keys of the first generation, whose times are numbers', () => {
    const rows = read().securemessage_v0
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) {
      const key = new SecretKey(Buffer.from(row.dest_key_hex, 'hex'))
      const esek = openEsek(row.esek_b64, key)
      expect(decrypt(key, row.esek_b64).toString(), row.name).toBe(row.esek_plain)
      expect(sessionInfo(row.source, row.destination, esek.timestamp)).toBe(row.info)
      const derived = sessionKeys(esek, row.source, row.destination)
      expect([derived.signing, derived.encryption].map(hex)).toEqual([row.skey_hex, row.ekey_hex])
    }
  })
})
