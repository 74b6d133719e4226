export { jsonAt, type JsonValue, parseStrictJson, requireKeys } from './strict-json.js'
