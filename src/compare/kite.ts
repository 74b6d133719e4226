/**
 * Kite as specified, Kite as built, and signet, side by side: every property is tried, nothing is copied from a page.
 *
 * @module compare/kite (floor 7.2)
 */
import { InternalError } from '../errors/index.js'
import { measureOverheads, measureRatios, type Overheads, type Ratios } from './costs.js'
import { makeKiteAsBuilt, makeKiteSpec } from './kite-systems.js'
import { type Finding, PROPERTIES, type Property } from './properties.js'
import { makeSignet } from './signet-system.js'
import { SYSTEMS, type SystemName } from './system.js'

/** One property, as it came out. */
export interface ComparedProperty {
  readonly number: number
  readonly claim: string
  readonly findings: Readonly<Record<SystemName, Finding>>
}

export interface KiteComparison {
  readonly properties: readonly ComparedProperty[]
  readonly overheads: Overheads
  /** `undefined` where no time was measured. */
  readonly ratios: Ratios | undefined
}

export interface CompareOptions {
  readonly at: Date
  /** Messages of which the time is taken. Default {@link DEFAULT_ROUNDS}; 0 leaves it out. */
  readonly rounds?: number
  /** Told after every trial how many are done. */
  readonly advance?: (done: number) => void
}

export const DEFAULT_ROUNDS = 300
/** Trials of {@link compareKite}. */
export const TRIALS = PROPERTIES.length

/**
 * Compare.
 *
 * Makes a small authority in a temporary folder, which is gone afterwards. What comes out is not judged here.
 */
export async function compareKite({
  at,
  rounds = DEFAULT_ROUNDS,
  advance = () => undefined,
}: CompareOptions): Promise<KiteComparison> {
  const signet = await makeSignet(at)
  try {
    const systems = [makeKiteSpec(), makeKiteAsBuilt(), signet] as const
    const overheads = await measureOverheads(systems, at)
    const ratios = rounds === 0 ? undefined : await measureRatios(systems, at, rounds)
    const properties: ComparedProperty[] = []
    for (const property of PROPERTIES) {
      const findings: [SystemName, Finding][] = []
      for (const system of systems) {
        findings.push([system.name, await property.try(system, { at, folder: signet.folder })])
      }
      const { number, claim } = property
      properties.push({ number, claim, findings: Object.fromEntries(findings) as ComparedProperty['findings'] })
      advance(properties.length)
    }
    return { properties, overheads, ratios }
  } finally {
    await signet.close()
  }
}

/**
 * Require that everything came out as documented.
 *
 * @throws {@link InternalError} `ERR_COMPARE_UNEXPECTED`: then this program or its documentation is wrong
 */
export function requireDocumented(
  { properties }: Pick<KiteComparison, 'properties'>,
  documented: readonly Property[] = PROPERTIES,
): void {
  const differing = properties.flatMap(({ claim, findings }) => {
    const expected = documented.find((property) => property.claim === claim)?.documented
    return SYSTEMS.filter((name) => findings[name].answer !== expected?.[name]).map((name) => `${name}: ${claim}`)
  })
  if (differing.length > 0 || properties.length !== documented.length) {
    throw new InternalError('ERR_COMPARE_UNEXPECTED', 'the comparison came out otherwise than documented', {
      details: { differing: differing.join('; ') },
    })
  }
}
