export { addSeconds, type Clock, readClock, wholeSeconds } from './clock.js'
export { DAY, formatDuration, HOUR, MINUTE, parseDuration } from './duration.js'
