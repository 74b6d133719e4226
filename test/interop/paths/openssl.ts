/**
 * `openssl verify`, a process for each path.
 *
 * @module test/interop/paths/openssl
 */
import { isIP } from 'node:net'
import { OID } from '../../../src/asn1/index.js'
import type { FormRule, PolicyInputs } from '../../../src/path/index.js'
import type { PathInputs } from '../../conformance/suites/paths.js'
import { type Answer, checkingAnchors, type Peer, rejected, writePem } from './peer.js'
import { forEachOf, start } from './process.js'

export const openssl: Peer = {
  name: 'openssl',
  program: 'openssl',
  strictnessOf: (inputs) => ({
    ...checkingAnchors(inputs),
    // It takes anyExtendedKeyUsage for no purpose in particular.
    anyExtendedKeyUsage: 'refused',
    forms: isStrict(inputs) ? STRICT_FORMS : [],
  }),
  ask: (questions, folder) => forEachOf(questions, (inputs) => verify(inputs, folder)),
}

/** What of RFC 5280 §4 it looks at with -x509_strict. */
const STRICT_FORMS = [
  'issuer-not-empty',
  'ca-subject-not-empty',
  'authority-key-identifier',
  'key-identifiers-not-critical',
  'subject-key-identifier-in-ca',
  'key-cert-sign-in-ca',
  'subject-alt-name-critical-without-subject',
  'basic-constraints-critical-in-ca',
  'path-length-in-ca',
] as const satisfies readonly FormRule[]

function isStrict({ strictness: { forms } }: PathInputs): boolean {
  return forms.length > 0
}

const PURPOSES: Readonly<Record<PathInputs['purpose'], string | undefined>> = {
  'allow-any': 'any',
  server: 'sslserver',
  client: 'sslclient',
  email: 'smimesign',
  'ocsp-signing': undefined,
  'message-signing': undefined,
  'message-encryption': undefined,
  'email-encryption': 'smimeencrypt',
  'trust-directory': undefined,
}

async function verify(inputs: PathInputs, folder: string): Promise<Answer> {
  const purpose = PURPOSES[inputs.purpose]
  if (purpose === undefined) return { got: 'not asked', words: `openssl has no purpose ${inputs.purpose}` }
  const file = (option: string, label: string, objects: readonly Uint8Array[]): readonly string[] =>
    objects.length === 0 ? [] : [option, writePem(folder, label, objects)]
  const { code, output } = await start('openssl', [
    'verify',
    // In -trusted, where anchors could stand, it does not look for the issuers of CRLs.
    ...['-no-CAfile', '-no-CApath', '-no-CAstore'],
    ...file('-CAfile', 'CERTIFICATE', inputs.anchors),
    ...file('-untrusted', 'CERTIFICATE', inputs.intermediates),
    ...file('-CRLfile', 'X509 CRL', inputs.crls ?? []),
    ...(inputs.crls === undefined ? [] : ['-crl_check_all', '-extended_crl', '-use_deltas']),
    // Whoever is an anchor for signet need not have issued itself.
    '-partial_chain',
    ...['-purpose', purpose, '-attime', String(Math.floor(inputs.at.getTime() / 1000))],
    // Level 2 is 112 bits and no SHA-1, much like our list.
    ...['-auth_level', inputs.strictness.algorithms === 'listed' ? '2' : '0'],
    ...(isStrict(inputs) ? ['-x509_strict'] : []),
    ...(inputs.maxPathLength === undefined ? [] : ['-verify_depth', String(inputs.maxPathLength)]),
    ...(inputs.hostName === undefined
      ? []
      : [isIP(inputs.hostName) ? '-verify_ip' : '-verify_hostname', inputs.hostName]),
    ...policyOptions(inputs.policies ?? {}),
    writePem(folder, 'CERTIFICATE', [inputs.target]),
  ])
  return code === 0 ? { got: 'accept' } : rejected(refusalIn(output))
}

function policyOptions(policies: PolicyInputs): readonly string[] {
  const { userInitialPolicySet: wanted = [OID.anyPolicy] } = policies
  return [
    '-policy_check',
    // Without any, no policy is acceptable.
    ...wanted.flatMap((oid) => ['-policy', oid]),
    ...(policies.initialExplicitPolicy === 'required' ? ['-explicit_policy'] : []),
    ...(policies.initialPolicyMapping === 'inhibited' ? ['-inhibit_map'] : []),
    ...(policies.initialAnyPolicy === 'inhibited' ? ['-inhibit_any'] : []),
  ]
}

/** The lines that say why: `error 20 at 0 depth lookup: …`. */
function refusalIn(output: string): string {
  const reasons = [...output.matchAll(/^error \d+ at \d+ depth lookup: ?(.+)$/gm)].map(([, reason = '']) => reason)
  return reasons.length > 0 ? reasons.join('; ') : output
}
