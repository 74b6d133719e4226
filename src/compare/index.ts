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
export { type Answer, type Finding } from './properties.js'
export { type Overhead, type SystemName, SYSTEMS } from './system.js'
