export { ERROR_CODES, EXIT_CODES, type CodeIn, type ErrorCategory, type ErrorCode } from './codes.js'
export {
  DeniedError,
  EncodingError,
  InternalError,
  isSignetError,
  LimitError,
  SignetError,
  type SignetErrorJson,
  type SignetErrorOptions,
  StaleError,
  StateError,
  StoreError,
  TrustError,
  UsageError,
} from './error.js'
