export { addSeconds, type Clock, instantText, readClock, wholeSeconds } from './clock.js'
export { DAY, formatDuration, HOUR, MINUTE, parseDuration } from './duration.js'
export { atOnce, inTurns, type Steps } from './turns.js'
