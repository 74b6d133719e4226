/** `signet cms …`: any CMS SignedData or AuthEnvelopedData. @module cli/cms (floor 8) */
import type { Command } from 'commander'
import { oidName } from '../asn1/index.js'
import {
  digestNameFor,
  embeddedCertificates,
  formatSignerIdentifier,
  parseForeignSignedData,
  signData,
} from '../cms/index.js'
import { openKeyFile } from '../crypto/index.js'
import { EncodingError } from '../errors/index.js'
import { parseCertificates } from '../x509/index.js'
import { describeEnvelope, registerCmsDecrypt, registerCmsEncrypt } from './cms-encrypt.js'
import { CMS_VERIFY } from './cms-verify.js'
import { contentToSign } from './content.js'
import { declareCommand } from './declare.js'
import { choice, examples } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { facts } from './table.js'

export function registerCms(program: Command, cli: Invocation): void {
  const cms = program
    .command('cms')
    .summary('any CMS document')
    .description(
      'CMS SignedData of any kind (RFC 5652) and AuthEnvelopedData (RFC 5083), as other tools make and read it.',
    )
    .addHelpText('after', examples('signet cms inspect notification.json.p7s', 'signet cms verify --help'))
  registerSign(cms, cli)
  declareCommand(cms, cli, CMS_VERIFY)
  registerCmsEncrypt(cms, cli)
  registerCmsDecrypt(cms, cli)
  cms
    .command('inspect <document>')
    .summary('show what a CMS document says')
    .description(
      'Show the structure of a SignedData or AuthEnvelopedData. Nothing is verified or decrypted: do not decide by it.',
    )
    .addHelpText('after', examples('signet cms inspect notification.json.p7s'))
    .action(
      cli.action(async (file: string) => {
        const bytes = await cli.readDocument(file)
        const envelope = describeEnvelope(bytes)
        if (envelope !== undefined) return envelope
        const signedData = parseForeignSignedData(bytes)
        const certificates = embeddedCertificates(signedData)
        const signers = signedData.signerInfos.map((signer) => ({
          sid: formatSignerIdentifier(signer.sid),
          digest: oidName(signer.digestAlgorithm.oid),
          signature: oidName(signer.signatureAlgorithm.oid),
          signedAttributes: [...signer.signedAttrs.keys()].map(oidName),
          unsignedAttributes: [...signer.unsignedAttrs.keys()].map(oidName),
        }))
        return {
          data: {
            verified: false,
            contentType: oidName(signedData.eContentType),
            form: signedData.eContent === undefined ? 'detached' : 'attached',
            contentBytes: signedData.eContent?.length ?? null,
            certificates: certificates.map((item) => item.subject.toString()),
            crls: signedData.crlsDer.length,
            signers,
          },
          text: [
            facts([
              ['content type', oidName(signedData.eContentType)],
              [
                'form',
                signedData.eContent === undefined ? 'detached' : `attached, ${signedData.eContent.length} bytes`,
              ],
              ['certificates', certificates.map((item) => item.subject.toString()).join('; ')],
              ['CRLs', signedData.crlsDer.length === 0 ? '' : String(signedData.crlsDer.length)],
            ]),
            ...signers.map((signer) =>
              facts([
                ['signer', signer.sid],
                ['algorithms', `${signer.digest}, ${signer.signature}`],
                ['signed attributes', signer.signedAttributes.join(' ')],
                ['unsigned attributes', signer.unsignedAttributes.join(' ')],
              ]),
            ),
            'nothing was verified',
          ].join('\n\n'),
        }
      }),
    )
}

interface SignOptions extends PassphraseOptions {
  readonly cert: string
  readonly key: string
  readonly attached?: boolean
  readonly embed?: boolean
  readonly sid: 'key-id' | 'issuer'
  readonly out?: string
  readonly force?: boolean
}

function registerSign(cms: Command, cli: Invocation): void {
  passphraseOptions(
    cms
      .command('sign <file>')
      .summary('sign a file')
      .description(
        'Sign a file as CMS SignedData with content type data. For messages to receivers that use signet: signet sign.',
      )
      .requiredOption('--cert <file>', "the signer's certificate; more in the file can be embedded")
      .requiredOption('--key <file>', 'its private key in PKCS #8 PEM')
      .option('--attached', 'put the content in (default: detached)')
      .option('--embed', 'put the certificates of --cert in')
      .option(
        '--sid <form>',
        'name the signer by key-id or by issuer and serial number',
        choice(['key-id', 'issuer']),
        'key-id',
      )
      .option('--out <file>', 'where it goes (default: FILE.p7s, attached FILE.p7m)')
      .option('--force', 'replace a file that is there'),
  )
    .addHelpText(
      'after',
      examples('signet cms sign report.pdf --cert signer/current/fullchain.pem --key signer/current/key.pem --embed'),
    )
    .action(
      cli.action(async (file: string, options: SignOptions) => {
        const certificates = parseCertificates(await cli.readDocument(options.cert))
        const [certificate] = certificates
        if (certificate === undefined) throw new EncodingError('ERR_CERTIFICATE_MALFORMED', 'there is no certificate')
        const needsPassphrase = options.passphraseFile !== undefined || options.passphraseFd !== undefined
        const passphrase = needsPassphrase ? await cli.passphrase(options, 'passphrase of the key') : undefined
        const form = options.attached === true ? 'attached' : 'detached'
        const key = openKeyFile(cli.path(options.key), passphrase)
        const der = await signData(await contentToSign(cli, file, form, [digestNameFor({ key })]), {
          signers: [
            {
              key,
              certificate,
              identifier: options.sid === 'issuer' ? 'issuerAndSerialNumber' : 'subjectKeyIdentifier',
            },
          ],
          signingTime: cli.now(),
          form,
          certificates: options.embed === true ? certificates : [],
        })
        const path = cli.writeOutput(
          options.out ?? `${file === '-' ? 'content' : file}${form === 'attached' ? '.p7m' : '.p7s'}`,
          der,
          options.force,
        )
        return {
          data: { path, form, signer: certificate.subject.toString(), bytes: der.length },
          text: `signed by ${certificate.subject.toString()}\n${der.length} bytes in ${path}`,
        }
      }),
    )
}
