/** `signet cms …`: any CMS SignedData or AuthEnvelopedData. @module cli/cms (floor 8) */
import type { Command } from 'commander'
import { looksLikePem, normalizeBer, oidName, readPemOrDer } from '../asn1/index.js'
import {
  compareCmsSecondOpinion,
  type ContentDigest,
  digestNameFor,
  embeddedCertificates,
  examineSignedData,
  examineSignedStream,
  formatSignerIdentifier,
  parseForeignSignedData,
  signData,
  type SignedData,
  type SignerOutcome,
  type VerifySignedStreamRequest,
} from '../cms/index.js'
import { openKeyFile } from '../crypto/index.js'
import { EncodingError, LimitError } from '../errors/index.js'
import { type Purpose, purposeNamed, PURPOSES } from '../path/index.js'
import { parseCertificates } from '../x509/index.js'
import { describeEnvelope, registerCmsDecrypt, registerCmsEncrypt } from './cms-encrypt.js'
import { contentToSign, verifyContent } from './content.js'
import { choice, examples, repeatable } from './help.js'
import type { Invocation } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { facts, instant } from './table.js'
import { refuseRevokedHere, trustMaterial, type TrustOptions, trustOptions } from './trust-material.js'

export function registerCms(program: Command, cli: Invocation): void {
  const cms = program
    .command('cms')
    .summary('any CMS document')
    .description(
      'CMS SignedData of any kind (RFC 5652) and AuthEnvelopedData (RFC 5083), as other tools make and read it.',
    )
    .addHelpText('after', examples('signet cms inspect notification.json.p7s', 'signet cms verify --help'))
  registerSign(cms, cli)
  registerVerify(cms, cli)
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

interface VerifyOptions extends TrustOptions {
  readonly content?: string
  readonly cert?: readonly string[]
  readonly purpose?: string
  readonly out?: string
  readonly force?: boolean
  readonly secondOpinion?: boolean
}

function registerVerify(cms: Command, cli: Invocation): void {
  trustOptions(
    cms
      .command('verify <document>')
      .summary('verify a CMS document')
      .description(
        'Verify every signer of a SignedData, in DER, PEM or BER: signature, path to a trust anchor, purpose, revocation. Certificates inside are only candidates.',
      ),
  )
    .option('--content <file>', 'the content of a detached document; - reads standard input')
    .option('--cert <file>', 'certificates of signers; repeatable', repeatable)
    .option('--purpose <name>', `${Object.keys(PURPOSES).join(', ')}, or any`, 'email')
    .option('--second-opinion', 'have pkijs verify every signature, too')
    .option('--out <file>', 'write the verified content')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      examples(
        'signet cms verify report.pdf.p7s --content report.pdf --ca root.pem --crl crls.pem',
        'signet cms verify signed.pem --ca root.pem --allow-unchecked-revocation --purpose any --json',
      ),
    )
    .action(
      cli.action(async (file: string, options: VerifyOptions) => {
        const { anchors, intermediates, revocation, at } = await trustMaterial(cli, options)
        const signerFiles = await Promise.all(
          (options.cert ?? []).map(async (name) => parseCertificates(await cli.readDocument(name))),
        )
        const bytes = await cli.readDocument(file)
        const request: VerifySignedStreamRequest = {
          anchors,
          certificates: [...intermediates, ...signerFiles.flat()],
          purpose: purposeOf(options.purpose),
          revocation,
          at,
        }
        const check = async ({ outcomes }: Examined): Promise<void> => {
          requireAll(cli, outcomes)
          const certificates = outcomes.flatMap((item) => (item.verified ? [item.signer.certificate] : []))
          await refuseRevokedHere(cli, certificates, options, at)
        }
        const { value, path } = await verifyContent<Examined>(cli, options, {
          held: async (content) => {
            const examined = examineSignedData(bytes, { ...request, ...(content === undefined ? {} : { content }) })
            await check(examined)
            if (options.secondOpinion === true) await askSecondOpinion(bytes, examined.content, examined.outcomes)
            return { value: examined, content: examined.content }
          },
          streamed: async (pieces) => {
            if (options.secondOpinion === true) throw tooLongForTwo()
            const examined = await examineSignedStream(bytes, pieces, request)
            await check(examined)
            return examined
          },
        })
        const { signedData, outcomes } = value
        const signers = outcomes.map(describe)
        return {
          data: {
            verified: true,
            contentType: oidName(signedData.eContentType),
            form: signedData.eContent === undefined ? 'detached' : 'attached',
            signers,
            revocation: options.allowUncheckedRevocation === true ? 'not checked' : 'checked',
            ...(path === undefined ? {} : { path }),
          },
          text: [
            `verified: ${signers.length === 1 ? 'one signer' : `${signers.length} signers`}`,
            ...outcomes.map(outcomeText),
            `revocation: ${options.allowUncheckedRevocation === true ? 'not checked' : 'checked'}`,
          ].join('\n'),
        }
      }),
    )
}

function tooLongForTwo(): LimitError {
  return new LimitError('ERR_LIMIT_EXCEEDED', 'the content is too long for a second opinion', {
    hint: 'leave --second-opinion out',
  })
}

/** What was found, whether or not its content is in memory. */
interface Examined {
  readonly signedData: SignedData
  readonly content: Uint8Array | ContentDigest
  readonly outcomes: readonly SignerOutcome[]
}

function purposeOf(name: string | undefined): Purpose {
  return name === 'any' ? 'allow-any' : purposeNamed(name ?? 'email')
}

/** Say of each signer what is wrong, then fail with the first: one good signer does not stand for the others. */
function requireAll(cli: Invocation, outcomes: readonly SignerOutcome[]): void {
  const failed = outcomes.filter((outcome) => !outcome.verified)
  const [first] = failed
  if (first === undefined) return
  if (outcomes.length > 1) {
    outcomes.forEach((outcome, index) => {
      cli.note(
        `signer ${index + 1}: ${outcome.verified ? `verified, ${outcome.signer.certificate.subject.toString()}` : `${outcome.error.message} [${outcome.error.code}]`}`,
      )
    })
  }
  throw first.error
}

async function askSecondOpinion(
  bytes: Uint8Array,
  content: Uint8Array,
  outcomes: readonly SignerOutcome[],
): Promise<void> {
  const [der = bytes] = looksLikePem(bytes) ? readPemOrDer(bytes, 'CMS', 'PKCS7', 'PKCS #7 SIGNED DATA') : [bytes]
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.verified) await compareCmsSecondOpinion(normalizeBer(der), content, index, outcome.signer.certificate)
  }
}

function outcomeText(outcome: SignerOutcome): string {
  if (!outcome.verified) return `  ${outcome.sid}: ${outcome.error.message}`
  const { certificate, signingTime } = outcome.signer
  const claim = signingTime === undefined ? '' : `, says it signed at ${instant(signingTime)}`
  return `  ${certificate.subject.toString()}${claim}`
}

function describe(outcome: SignerOutcome): Record<string, unknown> {
  if (!outcome.verified) return { verified: false, sid: outcome.sid, error: outcome.error }
  const { certificate, signatureAlgorithm, signingTime, certificateBound } = outcome.signer
  return {
    verified: true,
    subject: certificate.subject.toString(),
    serialNumber: certificate.serialNumber,
    fingerprint: certificate.fingerprint,
    signatureAlgorithm: signatureAlgorithm.name,
    signingTime: signingTime?.toISOString() ?? null,
    certificateBound,
  }
}
