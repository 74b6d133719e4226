/**
 * The properties on which the systems are compared, each as something that is tried, and what each system is documented
 * to come out with.
 *
 * @module compare/properties (floor 7.2)
 */
import { join } from 'node:path'
import { isSignetError } from '../errors/index.js'
import { openReplayFile } from '../message/index.js'
import { addSeconds, HOUR, MINUTE } from '../time/index.js'
import {
  CHANGED,
  CONTENT,
  GROUP,
  type Handed,
  type Party,
  type Receiver,
  type Sending,
  type System,
  type SystemName,
  WORD,
} from './system.js'

/** Whether a property holds; `'none'` where there is nothing that it could be about. */
export type Answer = 'yes' | 'no' | 'none'

/** What came out of a trial. */
export interface Finding {
  readonly answer: Answer
  /** What was seen: a few words, or the code of a refusal. */
  readonly seen: string
}

/** What a trial has beside the system. */
export interface Surroundings {
  readonly at: Date
  /** A folder for files. */
  readonly folder: string
}

export interface Property {
  /** As the requirements number them; several trials may be about one. */
  readonly number: number
  readonly claim: string
  readonly documented: Readonly<Record<SystemName, Answer>>
  readonly try: (system: System, surroundings: Surroundings) => Promise<Finding>
}

const SENDER: Party = 'conductor-01'
const RECEIVER: Party = 'compute-07'
const OTHER: Party = 'compute-08'

const documented = (spec: Answer, built: Answer, signet: Answer): Property['documented'] => ({
  'kite-spec': spec,
  'kite-as-built': built,
  signet,
})

export const PROPERTIES: readonly Property[] = [
  {
    number: 1,
    claim: 'a message that was changed on the way is refused',
    documented: documented('yes', 'yes', 'yes'),
    try: async (system, { at }) => {
      const bytes = await system.send(sending(at))
      const changed = Buffer.from(bytes)
      changed.write(CHANGED, changed.indexOf(WORD))
      return refused(() => system.receiver(RECEIVER).receive(changed, at))
    },
  },
  {
    number: 1,
    claim: 'its receiver cannot make a message in the name of its sender',
    documented: documented('no', 'no', 'yes'),
    try: async (system, { at }) => {
      const forged = await system.forge(RECEIVER, sending(at))
      return refused(() => system.receiver(RECEIVER).receive(forged, at))
    },
  },
  {
    number: 2,
    claim: 'a member of a group cannot speak in the name of another',
    documented: documented('no', 'no', 'yes'),
    try: async (system, { at }) => {
      // Two members and a sender: one member forges, the other, who took no part in it, receives.
      const forged = await system.forge(OTHER, sending(at, GROUP))
      return refused(() => system.receiver(RECEIVER).receive(forged, at))
    },
  },
  {
    number: 3,
    claim: 'a message for another receiver is refused',
    documented: documented('yes', 'yes', 'yes'),
    try: async (system, { at }) => {
      const bytes = await system.send(sending(at))
      return refused(() => system.receiver(OTHER).receive(bytes, at))
    },
  },
  {
    number: 4,
    claim: 'a message under the name of another sender is refused',
    documented: documented('yes', 'yes', 'yes'),
    try: async (system, { at }) => {
      const bytes = system.relabel(await system.send({ ...sending(at), from: OTHER }), SENDER)
      return refused(() => system.receiver(RECEIVER).receive(bytes, at))
    },
  },
  {
    number: 5,
    claim: 'a message is accepted once',
    documented: documented('yes', 'no', 'yes'),
    try: async (system, { at }) => {
      const bytes = await system.send(sending(at))
      const receiver = system.receiver(RECEIVER)
      await delivered(receiver, bytes, at)
      return refused(() => receiver.receive(bytes, at))
    },
  },
  {
    number: 5,
    claim: 'a message is accepted once, even if the receiver restarts',
    documented: documented('yes', 'no', 'yes'),
    try: async (system, { at, folder }) => {
      const bytes = await system.send(sending(at))
      const path = join(folder, `${system.name}.db`)
      const before = openReplayFile(path)
      await delivered(system.receiver(RECEIVER, before), bytes, at).finally(() => {
        before.close()
      })
      const after = openReplayFile(path)
      return refused(() => system.receiver(RECEIVER, after).receive(bytes, at)).finally(() => {
        after.close()
      })
    },
  },
  {
    number: 6,
    claim: 'a recorded message is refused an hour later',
    documented: documented('yes', 'no', 'yes'),
    try: async (system, { at }) => {
      const bytes = await system.send(sending(at))
      return refused(() => system.receiver(RECEIVER).receive(bytes, addSeconds(at, HOUR)))
    },
  },
  {
    number: 6,
    claim: 'a message from ten minutes in the future is refused',
    documented: documented('yes', 'no', 'yes'),
    try: async (system, { at }) => {
      await system.send(sending(at))
      const early = await system.send(sending(addSeconds(at, 10 * MINUTE)))
      return refused(() => system.receiver(RECEIVER).receive(early, at))
    },
  },
  {
    number: 7,
    claim: 'brokers cannot read what is signed for one receiver',
    documented: documented('yes', 'yes', 'no'),
    try: (system, { at }) => hidden(system, { ...sending(at), secrecy: 'hidden' }),
  },
  {
    number: 8,
    claim: 'brokers cannot read what is signed for a group',
    documented: documented('yes', 'yes', 'no'),
    try: (system, { at }) => hidden(system, { ...sending(at, GROUP), secrecy: 'hidden' }),
  },
  {
    number: 9,
    claim: 'a stolen long-term key opens no recorded message',
    documented: documented('no', 'no', 'none'),
    try: async (system, { at }) => {
      const bytes = await system.send({ ...sending(at), secrecy: 'hidden' })
      const content = system.readWithStolenKey(bytes, RECEIVER)
      if (content === undefined) return { answer: 'none', seen: 'nothing was hidden' }
      return content === CONTENT ? no('opened') : yes('stayed closed')
    },
  },
  {
    number: 9,
    claim: 'a sender that is cut off is refused by who has heard of it',
    documented: documented('no', 'no', 'yes'),
    try: async (system, { at }) => {
      const message: Sending = { from: 'compute-09', to: RECEIVER, at }
      await delivered(system.receiver(RECEIVER), await system.send(message), at)
      await system.cutOff('compute-09', at)
      return refused(async () => system.receiver(RECEIVER).receive(await system.send(message), at))
    },
  },
  {
    number: 10,
    claim: 'sender and receiver need no server for a new pair',
    documented: documented('no', 'no', 'yes'),
    try: (system, { at }) =>
      system.withoutServer(() =>
        accepted(async () => {
          const bytes = await system.send({ from: RECEIVER, to: SENDER, at })
          return system.receiver(SENDER).receive(bytes, at)
        }, RECEIVER),
      ),
  },
  {
    number: 11,
    claim: 'somebody central can stop a message before it is sent',
    documented: documented('yes', 'no', 'no'),
    try: async (system, { at }) => {
      const outcome = await attempt(() => system.sendForbidden(sending(at)))
      if ('code' in outcome) return yes(`not sent: ${outcome.code}`)
      const received = await refused(() => system.receiver(RECEIVER).receive(outcome.value, at))
      return no(received.answer === 'yes' ? `sent, then ${received.seen}` : 'sent and accepted')
    },
  },
  {
    number: 12,
    claim: 'a receiver of whom the sender does not know can verify',
    documented: documented('no', 'no', 'yes'),
    try: async (system, { at }) => {
      const bytes = await system.send(sending(at, GROUP))
      return accepted(() => system.receiver('audit-01').receive(bytes, at), SENDER)
    },
  },
  {
    number: 13,
    claim: 'no server can sign with the keys of others',
    documented: documented('no', 'no', 'yes'),
    try: async (system, { at }) => {
      const forged = await system.forgeAtServer(sending(at))
      return refused(() => system.receiver(RECEIVER).receive(forged, at))
    },
  },
  {
    number: 14,
    claim: 'what is not protected is refused',
    documented: documented('yes', 'no', 'yes'),
    try: (system, { at }) => refused(() => system.receiver(RECEIVER).receive(system.unprotected(), at)),
  },
  {
    number: 14,
    claim: 'a sender that cannot protect a message sends nothing',
    documented: documented('yes', 'no', 'yes'),
    try: async (system, { at }) => {
      const outcome = await attempt(() => system.sendBroken(sending(at)))
      return 'code' in outcome ? yes(`not sent: ${outcome.code}`) : no('sent in the clear')
    },
  },
]

function sending(at: Date, to: Sending['to'] = RECEIVER): Sending {
  return { from: SENDER, to, at }
}

function yes(seen: string): Finding {
  return { answer: 'yes', seen }
}

function no(seen: string): Finding {
  return { answer: 'no', seen }
}

/** What must be refused. Anything else than a refusal of ours is a defect, and passed on. */
async function refused(work: () => Promise<Handed>): Promise<Finding> {
  const outcome = await attempt(work)
  if ('code' in outcome) return yes(`refused: ${outcome.code}`)
  const { sender } = outcome.value
  return no(sender === undefined ? 'accepted, from nobody' : `accepted, as from ${sender}`)
}

/** What must be accepted, as from this sender. */
async function accepted(work: () => Promise<Handed>, from: Party): Promise<Finding> {
  const outcome = await attempt(work)
  if ('code' in outcome) return no(`refused: ${outcome.code}`)
  return outcome.value.sender === from ? yes(`accepted, as from ${from}`) : no('accepted, from nobody')
}

/** A trial that begins with a message that arrives is no trial if it does not. */
async function delivered(receiver: Receiver, bytes: Uint8Array, at: Date): Promise<void> {
  await receiver.receive(bytes, at)
}

async function hidden(system: System, message: Sending): Promise<Finding> {
  const bytes = await system.send(message)
  const { content } = await system.receiver(RECEIVER).receive(bytes, message.at)
  if (content !== CONTENT) return no('lost')
  return Buffer.from(bytes).includes(WORD) ? no('readable') : yes('not readable')
}

async function attempt<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly code: string }> {
  try {
    return { value: await work() }
  } catch (error) {
    if (isSignetError(error) && error.category !== 'internal') return { code: error.code }
    throw error
  }
}
