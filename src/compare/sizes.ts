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

/** The steps of {@link measureSizes}: keys of an algorithm, or all messages in one form. */
export function sizeSteps(algorithms: readonly SizeAlgorithm[] = SIZE_ALGORITHMS): number {
  return algorithms.length * (1 + SIGNED_FORMS.length) + KITE_FORMS
}

const KITE_FORMS = 4

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
  const measure = async (
    { system, name, title }: Pick<SignedForm | KiteForm, 'system' | 'name' | 'title'>,
    algorithm: SizeAlgorithm | undefined,
    octets: (message: SampleMessage) => Promise<number>,
  ): Promise<void> => {
    const seen: number[] = []
    for (const message of messages) seen.push(await octets(message))
    const overhead = statisticsOf(seen)
    const share = Math.round((1000 * overhead.median) / payload.median) / 10
    forms.push({ system, form: name, title, algorithm, overhead, share })
    advance(++done)
  }
  const signers = await makeSigners(algorithms, at, (made) => {
    done = made
    advance(done)
  })
  for (const signer of signers.signers) {
    for (const form of SIGNED_FORMS) {
      await measure(form, signer.algorithm, (message) => form.octets(message, signer, signers))
    }
  }
  for (const form of makeKiteForms(at)) await measure(form, undefined, (message) => form.octets(message))
  return { messages: messages.length, payload, forms }
}
