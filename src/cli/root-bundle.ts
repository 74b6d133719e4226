/** The offline root bundle, where a command needs the root's key. @module cli/root-bundle (floor 8) */
import { openRootBundle, type RootSigner } from '../authority/index.js'
import type { Passphrase } from '../crypto/index.js'
import { UsageError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import type { Invocation } from './invocation.js'

export interface RootOptions {
  readonly root?: string
  readonly rootPassphraseFile?: string
}

export const ROOT_PASSPHRASE_OPTION = [
  '--root-passphrase-file <file>',
  'passphrase of the root key (default: that of the authority)',
] as const

/**
 * Open a root bundle.
 *
 * @param passphrase - That of the authority, which is tried where no other is named.
 * @param expected - The root of the authority; `undefined` where there is no authority at hand.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where it is another's; the key codes
 */
export async function openRoot(
  cli: Invocation,
  directory: string,
  { rootPassphraseFile }: RootOptions,
  passphrase: Passphrase | undefined,
  expected: Certificate | undefined,
): Promise<RootSigner> {
  const rootPassphrase =
    rootPassphraseFile === undefined && passphrase !== undefined
      ? passphrase
      : await cli.passphrase(
          rootPassphraseFile === undefined ? {} : { passphraseFile: rootPassphraseFile },
          'passphrase of the root',
        )
  const bundle = openRootBundle(cli.path(directory), rootPassphrase)
  if (expected !== undefined && !bundle.certificate.equals(expected)) {
    throw new UsageError('ERR_CONFIG_INVALID', `${directory} is the root bundle of another deployment`)
  }
  return bundle
}
