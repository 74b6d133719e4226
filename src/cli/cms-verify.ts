/** `signet cms verify`. @module cli/cms-verify (floor 8) */
import { looksLikePem, normalizeBer, oidName, readPemOrDer } from '../asn1/index.js'
import {
  compareCmsSecondOpinion,
  type ContentDigest,
  examineSignedData,
  examineSignedStream,
  type SignedData,
  type SignerOutcome,
  type VerifySignedStreamRequest,
} from '../cms/index.js'
import { LimitError } from '../errors/index.js'
import { type Purpose, purposeNamed, PURPOSES } from '../path/index.js'
import { parseCertificates } from '../x509/index.js'
import { verifyContent } from './content.js'
import type { DeclaredCommand } from './declaration.js'
import type { Invocation, Outcome } from './invocation.js'
import { instant } from './table.js'
import { refuseRevokedHere, TRUST_OPTIONS, trustMaterial, type TrustOptions } from './trust-material.js'

interface VerifyOptions extends TrustOptions {
  readonly content?: string
  readonly cert?: readonly string[]
  readonly purpose?: string
  readonly out?: string
  readonly force?: boolean
  readonly secondOpinion?: boolean
}

export const CMS_VERIFY: DeclaredCommand = {
  path: ['cms', 'verify'],
  operand: '<document>',
  summary: 'verify a CMS document',
  description:
    'Verify every signer of a SignedData, in DER, PEM or BER: signature, path to a trust anchor, purpose, revocation. Certificates inside are only candidates.',
  options: [
    ...TRUST_OPTIONS,
    { flags: '--content <file>', description: 'the content of a detached document; - reads standard input' },
    { flags: '--cert <file>', description: 'certificates of signers; repeatable', occurrence: 'repeatable' },
    {
      flags: '--purpose <name>',
      description: `${Object.keys(PURPOSES).join(', ')}, or any`,
      standard: 'email',
    },
    { flags: '--second-opinion', description: 'have pkijs verify every signature, too' },
    { flags: '--out <file>', description: 'write the verified content' },
    { flags: '--force', description: 'replace a file that is there' },
  ],
  examples: [
    'signet cms verify report.pdf.p7s --content report.pdf --ca root.pem --crl crls.pem',
    'signet cms verify signed.pem --ca root.pem --allow-unchecked-revocation --purpose any --json',
  ],
  run: async (cli: Invocation, file: string, options: VerifyOptions): Promise<Outcome> => {
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
  },
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
