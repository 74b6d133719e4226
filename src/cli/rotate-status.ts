/** `signet rotate status`, and what every step of a rotation prints. @module cli/rotate-status (floor 8) */
import type { Command } from 'commander'
import { type Authority, keyPlace, rotationStatus, type RotationStatus } from '../authority/index.js'
import { parseCertificate } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { facts, instant, table } from './table.js'

export function registerStatus(rotate: Command, cli: Invocation): void {
  rotate
    .command('status')
    .summary('where a rotation is, and what is next')
    .description('Show where a rotation is, what blocks the next step, and who is left.')
    .addHelpText('after', examples('signet rotate status', 'signet rotate status --json'))
    .action(
      cli.action(async () => cli.withAuthority(async (authority) => statusOutcome(authority, await authority.now()))),
    )
}

/** What is printed after a step: what was done, and where the rotation is. */
export async function statusOutcome(
  authority: Authority,
  at: Date,
  done: readonly string[] = [],
  data: Readonly<Record<string, unknown>> = {},
): Promise<Outcome> {
  const status = await rotationStatus(authority, at)
  const authorities = describeAuthorities(authority, status)
  return {
    data: {
      ...data,
      state: status.state,
      issuingCas: authorities,
      acknowledged: status.acknowledged.map(({ entityId, evidence, by, reason, at: since }) => {
        return { entity: entityId, evidence, by, reason, at: since }
      }),
      unacknowledged: status.unacknowledged,
      left: status.left.map(({ entityId, profile, keySource, notAfter }) => {
        return { entity: entityId, profile, keySource, notAfter }
      }),
      remainder: { count: status.remainder.count, notAfter: status.remainder.notAfter ?? null },
      blocks: status.blocks,
      nextStep: status.nextStep,
    },
    text: [...done.filter((line) => line !== ''), statusText(status, authorities)].join('\n\n'),
  }
}

interface Described {
  readonly number: number
  readonly state: string
  readonly subject: string | null
  readonly fingerprint: string | null
  readonly notAfter: string | null
  readonly key: string
  readonly revokedAt: string | null
}

function describeAuthorities(authority: Authority, { issuingCas }: RotationStatus): readonly Described[] {
  if (issuingCas.length === 0) {
    const [{ number, state, certificate } = authority.issuingCa] = authority.issuingCas
    const key = keyPlace(JSON.stringify(authority.deployment.issuingKey))
    return [{ number, state, ...described(certificate), key, revokedAt: null }]
  }
  return issuingCas.map(({ number, state, der, key, revokedAt }) => {
    const nothing = { subject: null, fingerprint: null, notAfter: null }
    const names = der === null ? nothing : described(parseCertificate(der))
    return { number, state, ...names, key: keyPlace(key), revokedAt }
  })
}

function described(certificate: Authority['issuing']): Pick<Described, 'subject' | 'fingerprint' | 'notAfter'> {
  const { subject, fingerprint, notAfter } = certificate
  return { subject: subject.toString(), fingerprint, notAfter: notAfter.toISOString() }
}

/** Of a long list, so many are shown. */
const SHOWN = 10

function statusText(status: RotationStatus, authorities: readonly Described[]): string {
  const { state, acknowledged, unacknowledged, left, remainder, blocks, nextStep } = status
  const some = (items: readonly string[]): string =>
    items.length <= SHOWN ? items.join(' ') : `${items.slice(0, SHOWN).join(' ')} and ${items.length - SHOWN} more`
  const kept = left.filter(({ keySource }) => keySource === 'request')
  const rows = authorities.map(({ number, state: own, subject, notAfter, key, revokedAt }) => [
    String(number),
    revokedAt === null ? own : `${own}, revoked`,
    subject ?? '',
    notAfter === null ? '' : instant(notAfter),
    key,
  ])
  const isOn = state !== 'none' && state !== 'requested'
  return [
    table(['number', 'state', 'issuing CA', 'until', 'key'], rows),
    facts([
      ['rotation', state],
      ...(isOn
        ? ([
            ['acknowledged', String(acknowledged.length)],
            ['not yet', some(unacknowledged)],
            ['left with the old one', some([...new Set(left.map(({ entityId }) => entityId))])],
            ['of these, own key', some([...new Set(kept.map(({ entityId }) => entityId))])],
            [
              'good of the old one',
              `${remainder.count}${remainder.notAfter === undefined ? '' : `, until ${instant(remainder.notAfter)}`}`,
            ],
          ] as const)
        : []),
      ...blocks.map((block) => ['blocked', block] as const),
      ['next', nextStep],
    ]),
  ].join('\n\n')
}
