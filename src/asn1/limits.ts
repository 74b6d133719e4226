/**
 * Limits that are checked before work is done. Each is per kind of object, so that a hostile message is small while
 * an honest CRL may be large.
 *
 * @module asn1/limits (floor 1)
 */
export interface DerLimits {
  /** Longest input in bytes. */
  readonly maxBytes: number
  /** Deepest nesting of constructed values. */
  readonly maxDepth: number
  /** Most values (headers) read from one input. */
  readonly maxNodes: number
}

/** Certificates and requests: far above what any profile here issues. */
export const CERTIFICATE_LIMITS: DerLimits = { maxBytes: 256 * 1024, maxDepth: 24, maxNodes: 20_000 }
/** Private keys and algorithm parameters. ML-DSA-87 keys are under 8 KiB. */
export const KEY_LIMITS: DerLimits = { maxBytes: 64 * 1024, maxDepth: 16, maxNodes: 256 }
/** CRLs: a few million entries. */
export const CRL_LIMITS: DerLimits = { maxBytes: 256 * 1024 * 1024, maxDepth: 24, maxNodes: 50_000_000 }
/** CMS documents, content included. */
export const CMS_LIMITS: DerLimits = { maxBytes: 64 * 1024 * 1024, maxDepth: 32, maxNodes: 100_000 }
/** Trust directories: 100 000 signers with room. */
export const TRUST_DIRECTORY_LIMITS: DerLimits = { maxBytes: 512 * 1024 * 1024, maxDepth: 24, maxNodes: 20_000_000 }
