export { type Binding, checkBindings, parseBinding } from './binding.js'
export { isMessageType, messageTypeMatcher } from './message-type.js'
