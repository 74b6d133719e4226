export { type Overheads, type Ratios } from './costs.js'
export {
  type ComparedProperty,
  compareKite,
  type CompareOptions,
  DEFAULT_ROUNDS,
  type KiteComparison,
  requireDocumented,
  TRIALS,
} from './kite.js'
export { KITE_OCTETS } from './kite-sizes.js'
export { notificationSamples, ownSamples, rpcSamples } from './own-samples.js'
export { measureRates, type Rate, type RateOptions, RATE_MILLISECONDS } from './rates.js'
export { readSample, requireSampleDestination, type SampleDefaults, type SampleMessage } from './sample.js'
export { SIZE_ALGORITHMS, type SizeAlgorithm, sizeAlgorithmNamed } from './signers.js'
export {
  MAX_SAMPLES,
  type MeasuredForm,
  measureSizes,
  type SizeComparison,
  type SizeOptions,
  sizeSteps,
} from './sizes.js'
export { sizesSvg } from './sizes-picture.js'
export type { Statistics } from './statistics.js'
export { type Answer, type Finding } from './properties.js'
export { type Overhead, type SystemName, SYSTEMS } from './system.js'
