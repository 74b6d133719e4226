/** `signet cert verify`. @module cli/cert-verify (floor 8) */
import type { Command } from 'commander'
import { parseOidText } from '../asn1/index.js'
import { UsageError } from '../errors/index.js'
import {
  explainPath,
  type PathRequest,
  purposeNamed,
  PURPOSES,
  STRICTNESS,
  strictnessNamed,
  validatePath,
  type ValidatedPath,
} from '../path/index.js'
import { compareSecondOpinion } from '../x509/index.js'
import { explanationJson, explanationText } from './explanation.js'
import { declareOptions } from './declare.js'
import { examples, repeatable } from './help.js'
import { type Invocation, type Outcome, RefusedOutcome } from './invocation.js'
import { refuseRevokedHere, targetOf, trustMaterial, type TrustOptions, TRUST_OPTIONS } from './trust-material.js'

interface VerifyOptions extends TrustOptions {
  readonly purpose?: string
  readonly host?: string
  readonly uri?: string
  readonly email?: string
  readonly strictness: string
  readonly allowWeakAlgorithms?: boolean
  readonly maxPathLength?: string
  readonly policy?: readonly string[]
  readonly explain?: boolean
  readonly secondOpinion?: boolean
}

export function registerCertVerify(cert: Command, cli: Invocation): void {
  declareOptions(
    cert
      .command('verify <file>')
      .summary('verify a certificate')
      .description(
        'Verify the first certificate of a file: its path to a trust anchor, purpose, revocation. Further certificates of the file may help.',
      ),
    TRUST_OPTIONS,
  )
    .option('--purpose <name>', `${Object.keys(PURPOSES).join(', ')} (default: any)`)
    .option('--host <name>', 'host name or IP address that it must be for')
    .option('--uri <uri>', 'URI identity that it must be for')
    .option('--email <mailbox>', 'mailbox that it must be for')
    .option('--strictness <name>', `how strictly: ${Object.keys(STRICTNESS).join(', ')}`, 'deployment')
    .option('--allow-weak-algorithms', 'believe SHA-1, DSA and short keys, too: for archives')
    .option('--max-path-length <number>', 'most CAs between trust anchor and certificate (default: any)')
    .option('--policy <oid>', 'certificate policy that it must be valid for; repeatable: one of them', repeatable)
    .option('--explain', 'say which rule was applied to which certificate, and what it said')
    .option('--second-opinion', 'have a second implementation read every certificate of the path')
    .addHelpText(
      'after',
      examples(
        'signet cert verify compute-07/tls/current/cert.pem --purpose server --host compute-07.cloud.example',
        'signet cert verify node.pem --ca root.pem --crl crls.pem --explain',
        'signet cert verify node.pem --ca root.pem --ocsp node.ocsp',
      ),
    )
    .action(cli.action((file: string, options: VerifyOptions) => run(cli, file, options)))
}

async function run(cli: Invocation, file: string, options: VerifyOptions): Promise<Outcome> {
  const { target, others } = await targetOf(cli, file)
  const { anchors, intermediates, revocation, at } = await trustMaterial(cli, options)
  const request: PathRequest = {
    anchors,
    intermediates: [...others, ...intermediates],
    at,
    purpose: options.purpose === undefined ? 'allow-any' : purposeNamed(options.purpose),
    revocation,
    strictness: {
      ...strictnessNamed(options.strictness),
      algorithms: options.allowWeakAlgorithms === true ? 'allow-weak' : 'listed',
    },
    ...(options.host === undefined ? {} : { hostName: options.host }),
    ...(options.uri === undefined ? {} : { uri: options.uri }),
    ...(options.email === undefined ? {} : { email: options.email }),
    ...(options.maxPathLength === undefined ? {} : { maxPathLength: wholeNumber(options.maxPathLength) }),
    ...(options.policy === undefined
      ? {}
      : { policies: { userInitialPolicySet: options.policy.map(parseOidText), initialExplicitPolicy: 'required' } }),
  }
  if (options.explain !== true) return outcome(await confirmed(cli, validatePath(target, request), options))
  const explanation = explainPath(target, request)
  const { path, error } = explanation
  const data = { explanation: explanationJson(explanation) }
  const text = explanationText(explanation)
  if (path === undefined) throw new RefusedOutcome({ data, text }, error)
  const verdict = outcome(
    await confirmed(cli, path, options).catch((refusal: unknown) => {
      throw new RefusedOutcome({ data, text }, refusal)
    }),
  )
  return { data: { ...verdict.data, ...data }, text: `${verdict.text}\n\n${text}` }
}

/** What only this authority knows, and what another implementation thinks. */
async function confirmed(cli: Invocation, path: ValidatedPath, options: VerifyOptions): Promise<ValidatedPath> {
  await refuseRevokedHere(cli, [path.target], options, path.at)
  if (options.secondOpinion === true) {
    for (const [index, certificate] of path.certificates.entries()) {
      await compareSecondOpinion(certificate, path.certificates[index + 1] ?? certificate)
    }
  }
  return path
}

function outcome(path: ValidatedPath): Outcome {
  const issuers = path.certificates.slice(1).map((item) => `  issued by ${item.subject.toString()}`)
  return {
    data: {
      verified: true,
      revocation: path.revocation,
      at: path.at.toISOString(),
      path: path.certificates.map((item) => ({ subject: item.subject.toString(), fingerprint: item.fingerprint })),
    },
    text: [`verified: ${path.target.subject.toString()}`, ...issuers, `revocation: ${path.revocation}`].join('\n'),
  }
}

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,3}$/.test(text)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a number of CAs: ${JSON.stringify(text)}`, {
      hint: 'write 0 to 999',
    })
  }
  return Number(text)
}
