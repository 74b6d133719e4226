/**
 * What every system that protects messages can be asked to do, by those who use it and by those who attack it.
 *
 * @module compare/system (floor 7.2)
 */
import type { ReplayStore } from '../message/index.js'

/** Octets that a message is longer than without protection. */
export interface Overhead {
  /** In an envelope of JSON text, where what is binary is in base64. */
  readonly inText: number
  /** Beside the message in a header for octets. Kite has no such form: the same again. */
  readonly beside: number
}

export const SYSTEMS = ['kite-spec', 'kite-as-built', 'signet'] as const
export type SystemName = (typeof SYSTEMS)[number]

/** Who exists: one that commands, two that obey, one that leaves, one that only listens. */
export const PARTIES = ['conductor-01', 'compute-07', 'compute-08', 'compute-09', 'audit-01'] as const
export type Party = (typeof PARTIES)[number]

/** Where messages go: a party, or all of a kind. The parties whose names begin so are its members. */
export type Address = Party | typeof GROUP
export const GROUP = 'compute'

export interface Sending {
  readonly from: Party
  readonly to: Address
  readonly at: Date
  /** Default `'open'`: brokers can read it. */
  readonly secrecy?: 'open' | 'hidden'
}

/** What a receiver was handed. */
export interface Handed {
  readonly content: string
  /** `undefined` where the system does not know. */
  readonly sender: Party | undefined
}

export interface Receiver {
  receive(bytes: Uint8Array, at: Date): Promise<Handed>
}

/** What every message says; {@link CHANGED} has the same length. */
export const CONTENT = '{"method":"build_instance","args":{"instance":"178b0921-8f85-4257-88b6-2e743b5a975c"}}'
export const WORD = 'build'
export const CHANGED = 'erase'
/** What it says as what, where the system has a type. */
export const TYPE = 'rpc.compute.build_instance'

export interface System {
  readonly name: SystemName
  send(sending: Sending): Promise<Uint8Array>
  /** @param replay - Where it remembers messages; default: a memory of its own. */
  receiver(party: Party, replay?: ReplayStore): Receiver
  /** Change the name of the sender, with no key at all. */
  relabel(bytes: Uint8Array, as: Party): Uint8Array
  /** Make a message in another's name, with what a party has that receives such messages. */
  forge(by: Party, sending: Sending): Promise<Uint8Array>
  /** Make a message in another's name, with what the server or authority has. */
  forgeAtServer(sending: Sending): Promise<Uint8Array>
  /** Read a recorded message with the long-term key of its receiver; `undefined` where nothing is hidden. */
  readWithStolenKey(bytes: Uint8Array, receiver: Party): string | undefined
  /** Take a party out. Receivers that are made after this have heard of it. */
  cutOff(party: Party, at: Date): Promise<void>
  /** Work while the server, if there is one, does not answer. */
  withoutServer<T>(work: () => Promise<T>): Promise<T>
  /** Send after somebody central was told that this pair may not. */
  sendForbidden(sending: Sending): Promise<Uint8Array>
  /** Send while the sender cannot protect anything. */
  sendBroken(sending: Sending): Promise<Uint8Array>
  /** The content as it would travel without the system. */
  unprotected(): Uint8Array
  /** How many octets a message is longer than {@link unprotected}. */
  overhead(sending: Sending): Promise<Overhead>
}
