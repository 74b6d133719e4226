/**
 * How many octets protection adds to messages: by every algorithm and in every form, beside JWS, COSE and Kite. All of it
 * is made, nothing is computed from tables.
 *
 * @module compare/sizes (floor 7.2)
 */
import { LimitError, UsageError } from '../errors/index.js'
import { wholeSeconds } from '../time/index.js'
import { CMS_FORMS, type SignedForm } from './cms-forms.js'
import { COSE_FORMS } from './cose.js'
import { JWS_FORMS } from './jws.js'
import { type KiteForm, makeKiteForms } from './kite-sizes.js'
import type { SampleMessage } from './sample.js'
import { makeSigners, SIZE_ALGORITHMS, type SizeAlgorithm } from './signers.js'
import { type Statistics, statisticsOf } from './statistics.js'

/** The ways to sign that are measured. */
export const SIGNED_FORMS: readonly SignedForm[] = [...CMS_FORMS, ...JWS_FORMS, ...COSE_FORMS]

export interface MeasuredForm {
  readonly system: SignedForm['system'] | KiteForm['system']
  readonly form: string
  readonly title: string
  /** `undefined` where no signature is. */
  readonly algorithm: SizeAlgorithm | undefined
  /** Octets beside the payload. */
  readonly overhead: Statistics
  /** The median, in percent of the median payload; one digit behind the point. */
  readonly share: number
}

export interface SizeComparison {
  readonly messages: number
  /** Octets of the payloads. */
  readonly payload: Statistics
  readonly forms: readonly MeasuredForm[]
}

export interface SizeOptions {
  readonly at: Date
  /** Default {@link SIZE_ALGORITHMS}. */
  readonly algorithms?: readonly SizeAlgorithm[]
  /** Told how much of {@link sizeSteps} is done. */
  readonly advance?: (done: number) => void
}

/** Messages that are measured at once. */
export const MAX_SAMPLES = 10_000

/** The steps of {@link measureSizes}: the keys of an algorithm, a message by it, a message as Kite has it. */
export function sizeSteps(messages: number, algorithms: readonly SizeAlgorithm[] = SIZE_ALGORITHMS): number {
  return algorithms.length + messages * (algorithms.length + 1)
}

/**
 * Measure.
 *
 * Keys are made anew, and certificates for them; sizes do not depend on which. ECDSA signatures in DER are all of the
 * longest, so that the numbers are the same in every run.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for no message · {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export async function measureSizes(messages: readonly SampleMessage[], options: SizeOptions): Promise<SizeComparison> {
  if (messages.length === 0) throw new UsageError('ERR_CONFIG_INVALID', 'there are no messages to measure')
  if (messages.length > MAX_SAMPLES) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `${messages.length} messages are to be measured`, {
      details: { limit: String(MAX_SAMPLES) },
      hint: 'a sample of some hundred says as much',
    })
  }
  const { algorithms = SIZE_ALGORITHMS, advance = () => undefined } = options
  const at = wholeSeconds(options.at)
  const payload = statisticsOf(messages.map(({ content }) => content.length))
  const forms: MeasuredForm[] = []
  let done = 0
  const measure = async <F extends SignedForm | KiteForm>(
    kinds: readonly F[],
    algorithm: SizeAlgorithm | undefined,
    octets: (form: F, message: SampleMessage) => Promise<number>,
  ): Promise<void> => {
    const seen = kinds.map((form) => ({ form, octets: [] as number[] }))
    // One message in all forms before the next: what they have in common is signed once.
    for (const message of messages) {
      for (const { form, octets: list } of seen) list.push(await octets(form, message))
      advance(++done)
    }
    for (const { form, octets: list } of seen) {
      const { system, name, title } = form
      const overhead = statisticsOf(list)
      const share = Math.round((1000 * overhead.median) / payload.median) / 10
      forms.push({ system, form: name, title, algorithm, overhead, share })
    }
  }
  const signers = await makeSigners(algorithms, at, (made) => {
    done = made
    advance(done)
  })
  for (const signer of signers.signers) {
    await measure(SIGNED_FORMS, signer.algorithm, (form, message) => form.octets(message, signer, signers))
  }
  await measure(makeKiteForms(at), undefined, (form, message) => form.octets(message))
  return { messages: messages.length, payload, forms }
}
