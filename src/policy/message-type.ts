/**
 * Message types: dotted names such as `notify.instance.create.end`, and patterns of whole segments.
 *
 * @module policy/message-type (floor 6)
 */
import { UsageError } from '../errors/index.js'

/** Segments of letters, digits, dashes and underscores, joined by dots or colons. */
const MESSAGE_TYPE = /^[A-Za-z0-9_-]+(?:[.:][A-Za-z0-9_-]+)*$/
const TYPE_PATTERN = /^(?:[A-Za-z0-9_-]+|\*)(?:[.:](?:[A-Za-z0-9_-]+|\*))*$/
const MAX_TYPE_LENGTH = 255

export function isMessageType(text: string): boolean {
  return text.length <= MAX_TYPE_LENGTH && MESSAGE_TYPE.test(text)
}

/**
 * Compile a pattern: `*` stands for one whole segment, and as the last one for one or more.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function messageTypeMatcher(pattern: string): (type: string) => boolean {
  if (pattern.length > MAX_TYPE_LENGTH || !TYPE_PATTERN.test(pattern)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a message type or pattern: ${JSON.stringify(pattern)}`, {
      hint: 'write segments of letters, digits, - and _ joined by dots or colons; * stands for a whole segment',
    })
  }
  const wanted = pattern.split(/([.:])/)
  const isOpen = wanted.at(-1) === '*'
  return (type) => {
    const found = type.split(/([.:])/)
    if (isOpen ? found.length < wanted.length : found.length !== wanted.length) return false
    return wanted.every((segment, index) => segment === '*' || segment === found[index])
  }
}
