export { type JsonValue, parseStrictJson, requireKeys } from './strict-json.js'
export { formatJsonPath, jsonAt, type JsonPath, parseJsonPath } from './json-path.js'
