/** `signet ocsp …`. @module cli/ocsp (floor 8) */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  answerOcsp,
  type Authority,
  currentCrls,
  issueOwnCertificate,
  type OcspSigner,
  presignOcsp,
  PROFILES,
} from '../authority/index.js'
import { deliverCredential, loadCredential, refuseForeign } from '../credential/index.js'
import { generatePrivateKey, keyAlgorithmNamed, publicKeyOf } from '../crypto/index.js'
import { EncodingError, isSignetError, UsageError } from '../errors/index.js'
import { makeDirectory, PUBLIC_DIRECTORY_MODE } from '../files/index.js'
import { requireEntity } from '../identity/index.js'
import { parseDuration } from '../time/index.js'
import {
  type CertIdDigest,
  certIdOf,
  createOcspError,
  encodeOcspRequest,
  isIssuerOf,
  NONCE_OCTETS,
  type OcspAnswer,
  type OcspRequest,
  type OcspResponse,
  parseCertificates,
  parseOcspRequest,
  parseOcspResponse,
} from '../x509/index.js'
import { choice, examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { passphraseOptions, type PassphraseOptions } from './passphrase.js'
import { facts, instant, table } from './table.js'

interface SignerOptions extends PassphraseOptions {
  readonly responder?: string
  readonly validity?: string
}

export function registerOcsp(program: Command, cli: Invocation): void {
  const ocsp = program
    .command('ocsp')
    .summary('OCSP: is this certificate revoked?')
    .description('Answer the question whether a certificate is revoked (RFC 6960). Nothing here listens on a network.')
    .addHelpText(
      'after',
      examples(
        'signet ocsp delegate --out ocsp-responder',
        'signet ocsp respond --responder ocsp-responder < request.der',
      ),
    )
  registerDelegate(ocsp, cli)
  registerSign(ocsp, cli)
  registerRespond(ocsp, cli)
  registerRequest(ocsp, cli)
  registerShow(ocsp, cli)
}

function registerDelegate(ocsp: Command, cli: Invocation): void {
  passphraseOptions(
    ocsp
      .command('delegate')
      .summary('make the credential of a responder')
      .description('Issue a certificate that may sign OCSP responses, so that the key of the CA need not be at hand.')
      .option('--out <dir>', 'credential directory', 'ocsp-responder')
      .option('--key-algorithm <name>', 'key to generate: p256, p384, ed25519, rsa2048 …', 'p256'),
  )
    .addHelpText('after', examples('signet ocsp delegate --out ocsp-responder --passphrase-file ~/passphrase'))
    .action(
      cli.action(async (options: PassphraseOptions & { out: string; keyAlgorithm: string }) => {
        const directory = cli.path(options.out)
        refuseForeign(directory)
        const privateKey = generatePrivateKey(keyAlgorithmNamed(options.keyAlgorithm).name)
        return cli.withAuthority(async (authority) => {
          const key = await authority.issuingKey(await cli.authorityPassphrase(authority, options))
          const at = await authority.now()
          const crls = await currentCrls(authority, key, at)
          const issuing = { authority, key, crls, at }
          const { certificate, identity } = await issueOwnCertificate(
            issuing,
            'ocsp-responder',
            publicKeyOf(privateKey),
          )
          const { name, purposes } = PROFILES['ocsp-responder']
          const credential = {
            certificate,
            chain: [authority.issuing],
            furtherCas: authority.authorities.slice(1),
            anchor: authority.root,
            crls,
            identity,
            profile: name,
            purpose: purposes[0] ?? ('allow-any' as const),
            privateKey,
          }
          deliverCredential(directory, credential, at)
          const { serialNumber } = certificate
          return {
            data: { serialNumber, notAfter: certificate.notAfter.toISOString(), directory },
            text: table(['serial number', 'until', 'in'], [[serialNumber, instant(certificate.notAfter), directory]]),
          }
        })
      }),
    )
}

function signerOptions(command: Command): Command {
  return passphraseOptions(command)
    .option('--responder <dir>', 'credential of the responder (default: the key of the issuing CA)')
    .option('--validity <duration>', 'how long answers are current (default: 1d)')
}

interface SignOptions extends SignerOptions {
  readonly out: string
  readonly entity?: string
  readonly digest: CertIdDigest
}

const DIGESTS = ['sha1', 'sha256', 'sha384', 'sha512'] as const

function registerSign(ocsp: Command, cli: Invocation): void {
  signerOptions(
    ocsp
      .command('sign')
      .summary('make responses beforehand')
      .description(
        'Make one response for each certificate that has not expired, in DIR/SERIAL.ocsp: for servers that staple them.',
      )
      .requiredOption('--out <dir>', 'folder for the responses; those that are there are replaced')
      .option('--entity <id>', 'only the certificates of this entity')
      .option(
        '--digest <name>',
        `digest that names the CA, as clients ask: ${DIGESTS.join(', ')}`,
        choice(DIGESTS),
        'sha1',
      ),
  )
    .addHelpText(
      'after',
      examples(
        'signet ocsp sign --out /srv/pki/ocsp --responder ocsp-responder',
        'signet ocsp sign --out ocsp --validity 7d',
      ),
    )
    .action(
      cli.action(async (options: SignOptions) => {
        const validity = validityOf(options)
        return cli.withAuthority(async (authority) => {
          if (options.entity !== undefined) await requireEntity(authority.store, options.entity)
          const signers = await openSigners(cli, authority, options)
          const at = await authority.now()
          const found = await authority.store.certificates(options.entity)
          const living = found.filter(
            ({ certificate }) => Date.parse(certificate.notAfter) >= at.getTime() && signers.has(certificate.issuer),
          )
          const directory = cli.path(options.out)
          makeDirectory(directory, PUBLIC_DIRECTORY_MODE)
          const progress = cli.progress('signing', living.length)
          const responses: { serialNumber: string; status: string; path: string }[] = []
          for (const [index, { certificate }] of living.entries()) {
            const { serialNumber, issuer } = certificate
            const response = await presignOcsp(authority, serialNumber, signers.get(issuer) as OcspSigner, at, {
              ...validity,
              digest: options.digest,
            })
            const path = cli.writeOutput(join(directory, `${serialNumber}.ocsp`), response.der, true)
            responses.push({ serialNumber, status: response.basic?.answers[0]?.status.kind ?? response.status, path })
            progress.advance(index + 1)
          }
          progress.finish()
          const rows = responses.map(({ serialNumber, status, path }) => [serialNumber, status, path])
          return { data: { responses }, text: table(['serial number', 'status', 'in'], rows) }
        })
      }),
    )
}

function registerRespond(ocsp: Command, cli: Invocation): void {
  signerOptions(
    ocsp
      .command('respond')
      .summary('answer one request')
      .description(
        'Read an OCSP request in DER from standard input and write the response in DER to standard output; with --json as base64. What cannot be read is answered with malformedRequest.',
      ),
  )
    .addHelpText('after', examples('signet ocsp respond --responder ocsp-responder < request.der > response.der'))
    .action(async (options: SignerOptions) => {
      const request = await cli.readInput('-')
      const response = await cli.withAuthority(async (authority) => {
        const signers = await openSigners(cli, authority, options)
        return respond(authority, request, signers, options)
      })
      if (!cli.json) return void cli.environment.stdout.write(response.der)
      cli.print({ data: { ...describe(response), response: Buffer.from(response.der).toString('base64') }, text: '' })
    })
}

async function respond(
  authority: Authority,
  requestDer: Uint8Array,
  signers: ReadonlyMap<number, OcspSigner>,
  options: SignerOptions,
): Promise<OcspResponse> {
  try {
    const request = parseOcspRequest(requestDer)
    const signer = signerFor(authority, signers, request)
    const { validitySeconds } = validityOf(options)
    return await answerOcsp(authority, request, signer, await authority.now(), validitySeconds)
  } catch (error) {
    // Whoever asks gets an answer in its own protocol (RFC 6960 §2.3).
    if (isSignetError(error) && (error.category === 'encoding' || error.category === 'limit')) {
      return createOcspError('malformedRequest')
    }
    throw error
  }
}

/** Who signs, by the number of the issuing CA whose certificates are asked about: each CA for itself, or a responder of one. */
async function openSigners(
  cli: Invocation,
  authority: Authority,
  options: SignerOptions,
): Promise<ReadonlyMap<number, OcspSigner>> {
  if (options.responder !== undefined) {
    const responder = loadCredential(cli.path(options.responder))
    const known = await authority.store.certificateByFingerprint(responder.certificate.fingerprint)
    return new Map([[known?.certificate.issuer ?? authority.issuingCa.number, responder]])
  }
  const key = await authority.issuingKey(await cli.authorityPassphrase(authority, options))
  return new Map(
    authority.issuingCas.map((ca) => [ca.number, { certificate: ca.certificate, key: authority.crlKey(ca, key) }]),
  )
}

/** Who answers a request: a responder, or the CA that the first question is about. */
function signerFor(
  authority: Authority,
  signers: ReadonlyMap<number, OcspSigner>,
  { questions: [first] }: OcspRequest,
): OcspSigner {
  const asked = authority.issuingCas.find(({ certificate }) => first !== undefined && isIssuerOf(certificate, first))
  return (signers.get(asked?.number ?? 0) ?? [...signers.values()][0]) as OcspSigner
}

function validityOf({ validity }: SignerOptions): { readonly validitySeconds?: number } {
  return validity === undefined ? {} : { validitySeconds: parseDuration(validity) }
}

interface RequestOptions {
  readonly issuer?: string
  readonly out: string
  readonly digest: CertIdDigest
  readonly nonce: boolean
}

function registerRequest(ocsp: Command, cli: Invocation): void {
  ocsp
    .command('request <file>')
    .summary('make a request')
    .description('Make an OCSP request about the first certificate of a file, for any responder.')
    .requiredOption('--out <file>', 'file for the request in DER')
    .option('--issuer <file>', 'certificate of its CA (default: the second certificate of the file)')
    .option('--digest <name>', `digest that names the CA: ${DIGESTS.join(', ')}`, choice(DIGESTS), 'sha1')
    .option('--no-nonce', 'send no nonce: the response may have been made beforehand')
    .addHelpText('after', examples('signet ocsp request web/tls/current/fullchain.pem --out request.der'))
    .action(
      cli.action(async (file: string, options: RequestOptions) => {
        const [certificate, next] = parseCertificates(await cli.readDocument(file))
        const [issuer = next] =
          options.issuer === undefined ? [] : parseCertificates(await cli.readDocument(options.issuer))
        if (certificate === undefined || issuer === undefined) {
          throw new UsageError('ERR_USAGE', 'the certificate of the CA is needed, too', {
            hint: 'name it with --issuer',
          })
        }
        if (!certificate.issuer.equals(issuer.subject)) {
          throw new EncodingError('ERR_OCSP_MALFORMED', `${issuer.subject.toString()} did not issue the certificate`, {
            hint: 'name the CA that did with --issuer',
          })
        }
        const nonce = options.nonce ? new Uint8Array(randomBytes(NONCE_OCTETS)) : undefined
        const request = encodeOcspRequest([certIdOf(issuer, certificate.serialNumber, options.digest)], nonce)
        const path = cli.writeOutput(options.out, request, true)
        return {
          data: {
            path,
            serialNumber: certificate.serialNumber,
            nonce: nonce === undefined ? null : Buffer.from(nonce).toString('hex'),
          },
          text: `written to ${path}`,
        }
      }),
    )
}

function registerShow(ocsp: Command, cli: Invocation): void {
  ocsp
    .command('show <file>')
    .summary('show a response')
    .description('Show what an OCSP response says. Nothing is verified: signet cert verify --ocsp FILE does that.')
    .addHelpText('after', examples('signet ocsp show response.der'))
    .action(
      cli.action(async (file: string): Promise<Outcome> => {
        const response = parseOcspResponse(await cli.readDocument(file))
        return { data: describe(response), text: describeText(response) }
      }),
    )
}

function describe({ status, basic }: OcspResponse): Record<string, unknown> {
  return {
    status,
    producedAt: basic?.producedAt.toISOString() ?? null,
    nonce: basic?.nonce === undefined ? null : Buffer.from(basic.nonce).toString('hex'),
    answers: (basic?.answers ?? []).map(({ id, status: answer, thisUpdate, nextUpdate }) => ({
      serialNumber: id.serialNumber,
      status: answer.kind,
      ...(answer.kind === 'revoked' ? { revokedAt: answer.revocationDate.toISOString(), reason: answer.reason } : {}),
      thisUpdate: thisUpdate.toISOString(),
      nextUpdate: nextUpdate?.toISOString() ?? null,
    })),
  }
}

function describeText({ status, basic }: OcspResponse): string {
  if (basic === undefined) return `the responder answered ${status}`
  const { responder, producedAt } = basic
  const who =
    responder.kind === 'name' ? responder.name.toString() : `key ${Buffer.from(responder.keyHash).toString('hex')}`
  const rows = basic.answers.map((answer) => [answer.id.serialNumber, statusText(answer), currentText(answer)])
  return `${facts([
    ['responder', who],
    ['made', instant(producedAt)],
  ])}\n\n${table(['serial number', 'status', 'current'], rows)}`
}

function statusText({ status }: OcspAnswer): string {
  return status.kind === 'revoked' ? `revoked ${instant(status.revocationDate)}, ${status.reason}` : status.kind
}

function currentText({ thisUpdate, nextUpdate }: OcspAnswer): string {
  return `${instant(thisUpdate)} to ${nextUpdate === undefined ? 'any time' : instant(nextUpdate)}`
}
