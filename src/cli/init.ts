/** `signet init`: from nothing to an authority. @module cli/init (floor 8) */
import { join } from 'node:path'
import type { Command } from 'commander'
import { bootstrap, DEFAULT_ADDRESS_RANGES } from '../authority/index.js'
import { keyAlgorithmNamed } from '../crypto/index.js'
import { examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { facts, instant } from './table.js'

interface InitOptions extends PassphraseOptions {
  readonly domain: string
  readonly permitDomain?: readonly string[]
  readonly permitAddress?: readonly string[]
  readonly algorithm: string
  readonly rootOut?: string
  readonly rootPassphraseFile?: string
  readonly issuingKeyCommand?: string
}

export function registerInit(program: Command, cli: Invocation): void {
  const command = program
    .command('init')
    .summary('make the authority of a deployment')
    .description(
      'Make the authority of a deployment: a root CA whose key goes into a bundle to be moved offline, an issuing CA, and an empty registry.',
    )
    .requiredOption('--domain <domain>', 'trust domain of the deployment; host names below it may be certified')
    .option('--permit-domain <domain>', 'another domain of host names; repeatable', repeatable)
    .option(
      '--permit-address <range>',
      `range of addresses; repeatable (default: ${DEFAULT_ADDRESS_RANGES.join(' ')})`,
      repeatable,
    )
    .option('--algorithm <name>', 'keys of the CAs: p256, p384, ed25519, rsa3072, rsa4096, ml-dsa-65 …', 'p256')
    .option('--root-out <dir>', 'where the root bundle goes (default: root-offline in the home)')
    .option('--root-passphrase-file <file>', 'another passphrase for the root key (default: the same)')
    .option(
      '--issuing-key-command <words>',
      'program that keeps the issuing key, and its arguments, separated by spaces',
    )
    .addHelpText(
      'after',
      examples(
        'signet init --domain cloud.example --passphrase-file ~/passphrase',
        'signet init --domain cloud.example --permit-domain example.net --root-out /media/usb/root',
      ),
    )
  passphraseOptions(command).action(
    cli.action(async (options: InitOptions) => {
      const algorithm = keyAlgorithmNamed(options.algorithm).name
      const passphrase = await cli.passphrase(options, 'new passphrase of the authority', 'twice')
      const rootPassphrase =
        options.rootPassphraseFile === undefined
          ? undefined
          : await cli.passphrase({ passphraseFile: options.rootPassphraseFile }, 'new passphrase of the root')
      const { home, rootDirectory, root, issuing } = await bootstrap(
        {
          home: cli.home,
          rootDirectory: options.rootOut === undefined ? join(cli.home, 'root-offline') : cli.path(options.rootOut),
          trustDomain: options.domain,
          domains: options.permitDomain ?? [],
          addressRanges: options.permitAddress ?? DEFAULT_ADDRESS_RANGES,
          algorithm,
          passphrase,
          ...(rootPassphrase === undefined ? {} : { rootPassphrase }),
          ...(options.issuingKeyCommand === undefined
            ? {}
            : { issuingKeyCommand: options.issuingKeyCommand.split(/\s+/).filter(Boolean) }),
        },
        cli.environment.clock,
      )
      return {
        data: {
          home,
          rootDirectory,
          trustDomain: options.domain,
          rootFingerprint: root.fingerprint,
          rootNotAfter: root.notAfter.toISOString(),
          issuingNotAfter: issuing.notAfter.toISOString(),
        },
        text: `${facts([
          ['authority', home],
          ['trust domain', options.domain],
          ['root until', instant(root.notAfter)],
          ['issuing CA until', instant(issuing.notAfter)],
          ['root fingerprint', root.fingerprint],
        ])}

Move ${rootDirectory} to offline media now: whoever has it and its passphrase is your root.
Write the root fingerprint down: receivers pin it.
Next: signet entity add, signet issue`,
      }
    }),
  )
}
