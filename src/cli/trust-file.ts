/** Trust directories from files, and the fingerprint that they are checked against. @module cli/trust-file (floor 8) */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { HOME_FILES } from '../authority/index.js'
import { UsageError } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import { openTrustDirectory, openTrustMemory, type TrustDirectory } from '../trust/index.js'
import { parseCertificates } from '../x509/index.js'
import type { Invocation } from './invocation.js'

export const PIN_OPTION = [
  '--pin <fingerprint>',
  'SHA-256 fingerprint of the root (default: SIGNET_PIN, or the root of this authority)',
] as const

/** Options that name a trust directory. */
export interface TrustOptions {
  readonly trust: string
  readonly pin?: string
  readonly trustMemory?: string
}

/** Read and verify the trust directory that options name. */
export function openTrust(cli: Invocation, { trust, pin, trustMemory }: TrustOptions): TrustDirectory {
  return openTrustFile(cli, trust, {
    ...(pin === undefined ? {} : { pin }),
    ...(trustMemory === undefined ? {} : { memory: trustMemory }),
  })
}

/** Read and verify a trust directory. */
export function openTrustFile(
  cli: Invocation,
  file: string,
  options: { pin?: string; memory?: string },
): TrustDirectory {
  return openTrustDirectory(readFileBytes(cli.path(file), { maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes }), {
    pin: pinFrom(cli, options.pin),
    at: cli.now(),
    memory: options.memory === undefined ? 'allow-forgetting' : openTrustMemory(cli.path(options.memory)),
  })
}

/** The fingerprint to believe: the option, `SIGNET_PIN`, or where an authority is at home here, its own root. */
export function pinFrom(cli: Invocation, option: string | undefined): string {
  const variable = cli.environment.variables['SIGNET_PIN']
  const given = option ?? (variable === '' ? undefined : variable)
  if (given !== undefined) return given
  const root = cli.hasHome ? join(cli.home, HOME_FILES.root) : ''
  const [certificate] = existsSync(root) ? parseCertificates(readFileBytes(root)) : []
  if (certificate !== undefined) return certificate.fingerprint
  throw new UsageError('ERR_TRUST_NO_PIN', 'no fingerprint was given to check the trust directory against', {
    hint: 'give the root fingerprint that signet init printed: --pin, or SIGNET_PIN',
  })
}
