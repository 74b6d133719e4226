/**
 * One trial for every server: what is claimed of all of them, tried on each with the files that signet writes for it.
 *
 * `outcomes.json` says of each server which claims hold. One that does not has its reason there, and fails if it holds
 * nevertheless; only where chance decides (`varies`) is either right. docs/servers.md has its table from that file: `npm run docs`.
 *
 * ```ts
 * await tryServer({ kind: NGINX, programs: ['nginx'], start: async (world) => { …; return running } })
 * ```
 */
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { connect, type ConnectionOptions } from 'node:tls'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Disconnected, disconnectWords } from '../../../src/servers/index.js'
import type { ServerConfiguration, ServerKind } from '../../../src/servers/index.js'
import { available, type Program } from '../programs.js'
import { type ClientTls, makeTrialWorld, type TrialWorld, type Visitors } from './world.js'

/** What a client learned: who the server says that it is, or how it was turned away. */
export type Answer = { readonly identity: string } | { readonly refused: string }

/** A server that runs. It is stopped after the tests of its file: see `startServer` of test/interop/brokers. */
export interface RunningServer {
  /** Connect anew, and have the server say who this is. A refusal is an answer, not an error. */
  readonly whoAmI: (client: ClientTls, session?: Buffer) => Promise<Answer>
  /** The serial number of the certificate that it shows. */
  readonly servedSerial: (client: ClientTls) => Promise<string>
  /** Have it take up new files, with the words that signet writes. May throw where it refuses them. */
  readonly reload: () => Promise<void>
  /** A session that it gives to a client, to be resumed; `undefined`: it gives none. Absent where nobody can try. */
  readonly session?: (client: ClientTls) => Promise<Buffer | undefined>
  /** End the connections of somebody with the words that the facts of its kind have. Absent where they have none. */
  readonly disconnect?: (who: Disconnected) => Promise<void>
  /** A connection that stays; says whether it is still served. Absent where there are none. */
  readonly hold?: (client: ClientTls) => Promise<() => Promise<boolean>>
}

export interface Trial {
  readonly kind: ServerKind
  readonly programs: readonly Program[]
  /** The group of whoever it runs as, if that one reads the key. */
  readonly group?: string
  readonly start: (world: TrialWorld) => Promise<RunningServer>
}

/** How a claim came out, as it stands in `outcomes.json`. */
export type Outcome =
  | 'holds'
  | { readonly diverges: string }
  /** As chance has it. */
  | { readonly varies: string }
  | { readonly untried: string }

export interface Outcomes {
  /** The claims, by id. */
  readonly claims: Readonly<Record<string, string>>
  /** Of each server, by its name. */
  readonly servers: Readonly<Record<string, Readonly<Record<string, Outcome>>>>
}

export const OUTCOMES = JSON.parse(readFileSync(new URL('outcomes.json', import.meta.url), 'utf8')) as Outcomes

/** For how long a claim may take to come true on a machine that is busy; and where it is known not to. */
const PATIENCE = { holds: 20_000, diverges: 1_500 } as const

interface Round {
  readonly world: TrialWorld
  readonly server: RunningServer
  readonly visitors: Visitors
  readonly names: Readonly<Record<'first' | 'second' | 'leaver', string>>
  /** Look until there is nothing to complain of, or patience is over. */
  readonly until: (look: () => Promise<Complaint>) => Promise<Complaint>
}

/** What is wrong; nothing is. */
type Complaint = string | undefined

/** A claim that was not tried. */
const UNTRIED = Symbol('untried')
type Claim = (round: Round) => Promise<Complaint | typeof UNTRIED>

/** In this order: what is done to a server stays. */
const CLAIMS: Readonly<Record<string, Claim>> = {
  first: ({ server, visitors, names }) => isKnownAs(server, visitors.first, names.first),
  second: ({ server, visitors, names }) => isKnownAs(server, visitors.second, names.second),
  none: (round) => isRefused(round, 'nobody'),
  foreign: (round) => isRefused(round, 'foreign'),
  expired: (round) => isRefused(round, 'expired'),
  revoked: (round) => isRefused(round, 'revoked'),
  'wrong-purpose': (round) => isRefused(round, 'wrongPurpose'),
  unmapped: (round) => isRefused(round, 'unmapped'),
  renewed: isRenewedUnderLoad,
  'broken-pair': outlivesBrokenPair,
  'revoked-later': isRevokedLater,
  session: async (round) => leftover(round).session?.() ?? UNTRIED,
  live: async (round) => {
    await round.server.disconnect?.(disconnected(round))
    return leftover(round).live?.(round.until) ?? UNTRIED
  },
  'expired-crl': refusesWithoutCrl,
}

/** Try a server: one test for each claim. Call it once in a file, outside of hooks. */
export async function tryServer({ kind, programs, group, start }: Trial): Promise<void> {
  const isThere = available('openssl', ...programs)
  const world = isThere ? await makeTrialWorld(group) : undefined
  const server = world === undefined ? undefined : await start(world)
  describe.skipIf(!isThere)(`${kind.title}, with the files that signet writes`, () => {
    const round = (patience: number): Round | undefined => {
      if (world === undefined || server === undefined) return undefined
      const [first, second, leaver] = world.admitted.map((one) => kind.nameOf(one))
      return {
        ...{ world, server, visitors: world.visitors },
        names: { first: first ?? '', second: second ?? '', leaver: leaver ?? '' },
        until: (look) => until(server, look, patience),
      }
    }
    if (TIMES !== undefined) {
      it('is timed', { timeout: 90_000 }, async () => {
        const times = await timesOf(round(PATIENCE.holds))
        appendFileSync(TIMES, `${JSON.stringify({ server: kind.title, ...times })}\n`)
      })
      return
    }
    it.each(Object.keys(CLAIMS))('%s', { timeout: 90_000 }, async (id) => {
      const [claim, outcome] = [CLAIMS[id], OUTCOMES.servers[kind.name]?.[id]]
      const tried = round(PATIENCE[typeof outcome === 'object' ? 'diverges' : 'holds'])
      if (tried === undefined || claim === undefined) return
      const result = await claim(tried)
      const found = result === undefined ? 'holds' : result === UNTRIED ? 'untried' : 'diverges'
      const expected = typeof outcome === 'object' ? Object.keys(outcome)[0] : outcome
      if (expected === 'varies' && found !== 'untried') return
      expect(found, `${OUTCOMES.claims[id] ?? id}: ${String(result ?? 'it holds')}`).toBe(expected)
    })
  })
}

async function isKnownAs(server: RunningServer, client: ClientTls, name: string): Promise<Complaint> {
  const answer = await server.whoAmI(client)
  if ('refused' in answer) return `${name} is refused: ${answer.refused}`
  return answer.identity === name ? undefined : `${name} is taken for ${answer.identity}`
}

async function isTurnedAway(server: RunningServer, client: ClientTls, session?: Buffer): Promise<Complaint> {
  const answer = await server.whoAmI(client, session)
  return 'refused' in answer ? undefined : `let in as ${answer.identity}`
}

/** Refused, by a server that lets the first in. */
async function isRefused({ server, visitors, names }: Round, who: keyof Visitors): Promise<Complaint> {
  return (await isTurnedAway(server, visitors[who])) ?? isKnownAs(server, visitors.first, names.first)
}

/** Clients that ask one after the other meanwhile. */
const LOAD = 3
/** Answers after the change, so that what an old process still holds comes to light. */
const AFTER = 12

async function isRenewedUnderLoad({ world, server, visitors, names, until: look }: Round): Promise<Complaint> {
  const complaints: string[] = []
  let [goesOn, answers] = [true, 0]
  const load = Array.from({ length: LOAD }, async () => {
    while (goesOn) {
      const complaint = await isKnownAs(server, visitors.first, names.first)
      if (complaint !== undefined) complaints.push(complaint)
      answers++
    }
  })
  try {
    const serial = await world.deliver({ certificate: 'renewed' })
    await server.reload()
    const complaint = await look(() => serves(server, visitors.first, serial))
    if (complaint !== undefined) return complaint
    const enough = answers + AFTER
    return (await look(() => Promise.resolve(answers < enough ? 'no more answers' : undefined))) ?? complaints[0]
  } finally {
    goesOn = false
    await Promise.all(load)
  }
}

async function serves(server: RunningServer, client: ClientTls, serial: string): Promise<Complaint> {
  const served = (await server.servedSerial(client)).toLowerCase().replace(/^0+/, '')
  return served === serial.replace(/^0+/, '') ? undefined : `the certificate is ${served}, not ${serial}`
}

/** A key that does not fit: the old pair stays, and a good one that comes later is taken. */
async function outlivesBrokenPair({ world, server, visitors, names }: Round): Promise<Complaint> {
  const old = await settledSerial(() => server.servedSerial(visitors.first))
  await world.deliver({ certificate: 'renewed', pair: 'broken' })
  await server.reload().catch(() => undefined)
  let complaint: Complaint
  for (let round = 0; round < AFTER && complaint === undefined; round++) {
    complaint =
      (await isKnownAs(server, visitors.first, names.first)) ??
      (await serves(server, visitors.first, old.toLowerCase()).catch((error: unknown) => String(error)))
  }
  const serial = await world.deliver({ certificate: 'renewed' })
  await server.reload()
  const healed = await until(
    server,
    async () => (await isKnownAs(server, visitors.first, names.first)) ?? serves(server, visitors.first, serial),
    PATIENCE.holds,
  )
  // Whatever comes after would be about something else.
  if (healed !== undefined) throw new Error(`it does not come back: ${healed}`)
  return complaint
}

/** What is served when those processes are gone that a reload before has left: the same, several times in a row. */
async function settledSerial(ask: () => Promise<string>): Promise<string> {
  let serial = await ask()
  for (let alike = 0; alike < AFTER;) {
    const next = await ask()
    alike = next === serial ? alike + 1 : 0
    serial = next
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return serial
}

interface Leftover {
  readonly session?: () => Promise<Complaint>
  readonly live?: (look: Round['until']) => Promise<Complaint>
}

const leftovers = new WeakMap<RunningServer, Leftover>()

function leftover({ server }: Round): Leftover {
  const found = leftovers.get(server)
  if (found === undefined) throw new Error('nobody has left yet')
  return found
}

/** Who is revoked while the server runs is refused after the reload; others are not. */
async function isRevokedLater({ world, server, visitors, names, until: look }: Round): Promise<Complaint> {
  const { leaver, first } = visitors
  const before = await isKnownAs(server, leaver, names.leaver)
  if (before !== undefined) throw new Error(before)
  const session = await server.session?.(leaver)
  const isAlive = await server.hold?.(leaver)
  if ((await isAlive?.()) === false) throw new Error('the connection did not stay')
  await world.deliver({ crls: 'leaver-revoked' })
  await server.reload()
  leftovers.set(server, {
    ...(server.session === undefined
      ? {}
      : { session: () => until(server, () => isTurnedAway(server, leaver, session), PATIENCE.diverges) }),
    ...(isAlive === undefined
      ? {}
      : { live: (look) => look(async () => ((await isAlive()) ? 'still served' : undefined)) }),
  })
  // Some close the door for a moment while they reload.
  return (await look(() => isTurnedAway(server, leaver))) ?? look(() => isKnownAs(server, first, names.first))
}

/** Where the bench wants to have times, and nothing else. See bench/revocation.ts. */
const TIMES = process.env['SIGNET_REVOCATION_TIMES']

/**
 * Milliseconds from the new CRL in the credential directory until whoever is on it is refused, and until their connection
 * has ended, by the words that there are for it.
 */
async function timesOf(round: Round | undefined): Promise<object> {
  if (round === undefined) return {}
  const { world, server, visitors, names } = round
  const before = await isKnownAs(server, visitors.leaver, names.leaver)
  if (before !== undefined) throw new Error(before)
  const isAlive = await server.hold?.(visitors.leaver)
  if ((await isAlive?.()) === false) throw new Error('the connection did not stay')
  await world.deliver({ crls: 'leaver-revoked' })
  const start = performance.now()
  const since = async (look: () => Promise<Complaint>, patience: number): Promise<number | undefined> =>
    (await until(server, look, patience)) === undefined ? performance.now() - start : undefined
  const ended = server.reload().then(() => server.disconnect?.(disconnected(round)))
  const refused = await since(() => isTurnedAway(server, visitors.leaver), PATIENCE.holds)
  await ended
  if (isAlive === undefined) return { refused }
  const closed = await since(async () => ((await isAlive()) ? 'still served' : undefined), PATIENCE.diverges * 4)
  return { refused, closed }
}

async function refusesWithoutCrl({ world, server, visitors, names, until: look }: Round): Promise<Complaint> {
  await world.deliver({ crls: 'expired' })
  await server.reload().catch(() => undefined)
  const complaint = await look(() => isTurnedAway(server, visitors.first))
  await world.deliver({})
  await server.reload()
  const healed = await until(server, () => isKnownAs(server, visitors.first, names.first), PATIENCE.holds)
  if (healed !== undefined) throw new Error(`it does not come back: ${healed}`)
  return complaint
}

/** A signal that comes while a server is still reloading may be lost: HAProxy's master executes itself again meanwhile. */
const RELOAD_AGAIN_MILLISECONDS = 5000

async function until(server: RunningServer, look: () => Promise<Complaint>, patience: number): Promise<Complaint> {
  const end = Date.now() + patience
  let again = Date.now() + RELOAD_AGAIN_MILLISECONDS
  for (;;) {
    const complaint = await look().catch((error: unknown) => String(error))
    const now = Date.now()
    if (complaint === undefined || now > end) return complaint
    if (now > again) {
      again = now + RELOAD_AGAIN_MILLISECONDS
      await server.reload().catch(() => undefined)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const start = promisify(execFile)

/** Reload with the words that signet writes. */
export async function reloadWith({ reload }: ServerConfiguration): Promise<void> {
  for (const [program = '', ...words] of reload) await start(program, words, { timeout: 30_000 })
}

/** End connections with the words that signet knows. */
export async function disconnectWith(
  { facts }: ServerKind,
  place: { readonly state: string; readonly port: number },
  who: Disconnected,
): Promise<void> {
  const [program = '', ...words] = disconnectWords(facts, place, who) ?? []
  await start(program, words, { timeout: 30_000 })
}

/** The one who leaves. */
function disconnected({ world, visitors, names }: Round): Disconnected {
  const { serialNumber, issuer } = new X509Certificate(visitors.leaver.cert ?? '')
  const [, , { entity }] = world.admitted
  return { entity, name: names.leaver, serialNumber, issuer: `/${issuer.split('\n').join('/')}` }
}

/** Longest wait for anything of a server, which may be one that hangs. */
const ANSWER_MILLISECONDS = 15_000

export function tlsOptions(
  port: number,
  { ca, cert, key, servername }: ClientTls,
  session?: Buffer,
): ConnectionOptions {
  return {
    host: '127.0.0.1',
    port,
    ca,
    servername,
    timeout: ANSWER_MILLISECONDS,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(session === undefined ? {} : { session }),
  }
}

/** The serial number of the certificate of a server that speaks TLS from the first octet. */
export function serialAt(port: number, client: ClientTls): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(tlsOptions(port, client))
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
      socket.destroy()
    })
    socket.once('timeout', () => socket.destroy(new Error('no handshake')))
    socket.once('error', reject)
  })
}
