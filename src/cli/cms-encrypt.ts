/** `signet cms encrypt`, `signet cms decrypt`: any AuthEnvelopedData. @module cli/cms-encrypt (floor 8) */
import type { Command } from 'commander'
import { oidName } from '../asn1/index.js'
import {
  decryptData,
  encryptData,
  formatSignerIdentifier,
  parseForeignAuthEnvelopedData,
  type RecipientInfo,
  validateRecipients,
} from '../cms/index.js'
import { openKeyFile } from '../crypto/index.js'
import { isSignetError } from '../errors/index.js'
import { SECRET_MODE } from '../files/index.js'
import { purposeNamed, PURPOSES } from '../path/index.js'
import { declareOptions } from './declare.js'
import { choice, examples, repeatable } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { facts } from './table.js'
import { refuseRevokedHere, targetOf, trustMaterial, type TrustOptions, TRUST_OPTIONS } from './trust-material.js'

interface EncryptOptions extends TrustOptions {
  readonly to: readonly string[]
  readonly purpose: string
  readonly rid: 'key-id' | 'issuer'
  readonly out?: string
  readonly force?: boolean
}

export function registerCmsEncrypt(cms: Command, cli: Invocation): void {
  declareOptions(
    cms
      .command('encrypt <file>')
      .summary('encrypt a file')
      .description(
        'Encrypt a file as CMS AuthEnvelopedData with AES-256-GCM. Nobody can tell from whom it is: for messages to receivers that use signet, signet encrypt.',
      )
      .requiredOption('--to <certificate>', 'who may read it; repeatable', repeatable),
    TRUST_OPTIONS,
  )
    .option('--purpose <name>', `${Object.keys(PURPOSES).join(', ')}, or any`, 'email-encryption')
    .option(
      '--rid <form>',
      'name recipients by key-id or by issuer and serial number',
      choice(['key-id', 'issuer']),
      'key-id',
    )
    .option('--out <file>', 'where it goes (default: FILE.p7m)')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples(
        'signet cms encrypt report.pdf --to conductor-01/recipient/current/cert.pem --to auditor.pem',
        'signet cms encrypt report.pdf --to partner.pem --ca partner-root.pem --crl partner-crls.pem',
      ),
    )
    .action(
      cli.action(async (file: string, options: EncryptOptions) => {
        const { anchors, intermediates, revocation, at } = await trustMaterial(cli, options)
        const targets = await Promise.all(options.to.map((name) => targetOf(cli, name)))
        const recipients = validateRecipients(
          targets.map(({ target }) => target),
          {
            anchors,
            certificates: [...targets.flatMap(({ others }) => others), ...intermediates],
            purpose: options.purpose === 'any' ? 'allow-any' : purposeNamed(options.purpose),
            revocation,
            at,
          },
        )
        await refuseRevokedHere(cli, recipients.certificates, options, at)
        const der = encryptData(await cli.readInput(file), recipients, {
          identifier: options.rid === 'issuer' ? 'issuerAndSerialNumber' : 'subjectKeyIdentifier',
        })
        const path = cli.writeOutput(options.out ?? `${file === '-' ? 'content' : file}.p7m`, der, options.force)
        const names = recipients.certificates.map(({ subject }) => subject.toString())
        return {
          data: {
            path,
            recipients: names,
            revocation: options.allowUncheckedRevocation === true ? 'not checked' : 'checked',
            bytes: der.length,
          },
          text: [...names.map((name) => `encrypted for ${name}`), `${der.length} bytes in ${path}`].join('\n'),
        }
      }),
    )
}

interface DecryptOptions extends PassphraseOptions {
  readonly cert: string
  readonly key: string
  readonly out: string
  readonly force?: boolean
}

export function registerCmsDecrypt(cms: Command, cli: Invocation): void {
  passphraseOptions(
    cms
      .command('decrypt <document>')
      .summary('decrypt a CMS document')
      .description(
        'Decrypt an AuthEnvelopedData, in DER, PEM or BER. Says nothing about who made it, and writes nothing unless all of it is unchanged.',
      )
      .requiredOption('--cert <file>', 'the certificate for which it was encrypted')
      .requiredOption('--key <file>', 'its private key in PKCS #8 PEM')
      .requiredOption('--out <file>', 'write the content, for its owner only')
      .option('--force', 'replace a file that is there'),
  )
    .addHelpText(
      'after',
      examples(
        'signet cms decrypt report.pdf.p7m --cert recipient/current/cert.pem --key recipient/current/key.pem --out report.pdf',
      ),
    )
    .action(
      cli.action(async (file: string, options: DecryptOptions) => {
        const { target } = await targetOf(cli, options.cert)
        const needsPassphrase = options.passphraseFile !== undefined || options.passphraseFd !== undefined
        const passphrase = needsPassphrase ? await cli.passphrase(options, 'passphrase of the key') : undefined
        const key = openKeyFile(cli.path(options.key), passphrase)
        const { content, contentType } = await decryptData(await cli.readDocument(file), { key, certificate: target })
        const path = cli.writeOutput(options.out, content, options.force, SECRET_MODE)
        return {
          data: { path, contentType: oidName(contentType), contentBytes: content.length, signed: false },
          text: `decrypted, ${content.length} bytes in ${path}\nnothing says who made it`,
        }
      }),
    )
}

/** What an AuthEnvelopedData says without being decrypted; `undefined` for other documents. */
export function describeEnvelope(bytes: Uint8Array): Outcome | undefined {
  const envelope = envelopeIn(bytes)
  if (envelope === undefined) return undefined
  const { contentType, recipients, sealed } = envelope
  const shown = recipients.map((info) => ({ rid: formatSignerIdentifier(info.rid), key: howReached(info) }))
  return {
    data: {
      verified: false,
      contentType: oidName(contentType),
      form: 'encrypted',
      contentBytes: sealed.encrypted.length,
      recipients: shown,
    },
    text: [
      facts([
        ['content type', oidName(contentType)],
        ['form', `encrypted with aes256Gcm, ${sealed.encrypted.length} bytes`],
      ]),
      ...shown.map(({ rid, key }) =>
        facts([
          ['recipient', rid],
          ['key', key],
        ]),
      ),
      'nothing was decrypted',
    ].join('\n\n'),
  }
}

function envelopeIn(bytes: Uint8Array): ReturnType<typeof parseForeignAuthEnvelopedData> | undefined {
  try {
    return parseForeignAuthEnvelopedData(bytes)
  } catch (error) {
    if (isSignetError(error) && error.code === 'ERR_CMS_TYPE_UNSUPPORTED') return undefined
    throw error
  }
}

function howReached(info: RecipientInfo): string {
  return info.kind === 'keyTransport' ? 'RSAES-OAEP' : `ECDH, ${info.digest}, AES-256 key wrap`
}
