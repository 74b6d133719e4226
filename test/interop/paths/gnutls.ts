/**
 * `certtool --verify` of GnuTLS, a process for each path.
 *
 * @module test/interop/paths/gnutls
 */
import { X509Certificate } from 'node:crypto'
import { OID } from '../../../src/asn1/index.js'
import type { PathInputs } from '../../conformance/suites/paths.js'
import { type Answer, checkingAnchors, type Peer, rejected, writePem } from './peer.js'
import { forEachOf, start } from './process.js'

export const gnutls: Peer = {
  name: 'gnutls',
  program: 'certtool',
  strictnessOf: checkingAnchors,
  async ask(questions, folder) {
    const takesTime = (await start('certtool', ['--help'])).stdout.includes('--attime')
    const now = new Date()
    return forEachOf(questions, async (inputs) =>
      takesTime || isTimeless(inputs, now) ? await verify(inputs, folder, takesTime) : NOT_TODAY,
    )
  },
}

const NOT_TODAY: Answer = {
  got: 'not asked',
  words: 'this certtool has no --attime, and today other certificates are valid',
}

const PURPOSES: Readonly<Record<PathInputs['purpose'], string | undefined>> = {
  'allow-any': undefined,
  server: OID.kpServerAuth,
  client: OID.kpClientAuth,
  email: OID.kpEmailProtection,
  'ocsp-signing': OID.kpOcspSigning,
  'message-signing': OID.signetKpMessageSigning,
  'message-encryption': OID.signetKpMessageEncryption,
  'email-encryption': OID.kpEmailProtection,
  'trust-directory': OID.signetKpTrustDirectory,
}

async function verify(inputs: PathInputs, folder: string, takesTime: boolean): Promise<Answer> {
  const purpose = PURPOSES[inputs.purpose]
  const { code, output } = await start('certtool', [
    '--verify',
    ...['--load-ca-certificate', writePem(folder, 'CERTIFICATE', inputs.anchors)],
    ...['--infile', writePem(folder, 'CERTIFICATE', [inputs.target, ...inputs.intermediates])],
    ...(inputs.crls === undefined ? [] : ['--load-crl', writePem(folder, 'X509 CRL', inputs.crls)]),
    ...(takesTime ? ['--attime', inputs.at.toISOString().replace(/T(.+)\..+/, ' $1 UTC')] : []),
    ...(purpose === undefined ? [] : ['--verify-purpose', purpose]),
    ...(inputs.hostName === undefined ? [] : ['--verify-hostname', inputs.hostName]),
    ...(inputs.strictness.algorithms === 'listed'
      ? ['--verify-profile', 'medium']
      : ['--verify-profile', 'low', '--verify-allow-broken']),
  ])
  return code === 0 ? { got: 'accept' } : rejected(refusalIn(output))
}

function refusalIn(output: string): string {
  return /^Chain verification output: (.+)$/m.exec(output)?.[1] ?? output
}

/** Whether every certificate is valid now if and only if it was at the time of the case. */
function isTimeless({ target, anchors, intermediates, at }: PathInputs, now: Date): boolean {
  return [target, ...anchors, ...intermediates].every((der) => {
    try {
      const { validFromDate, validToDate } = new X509Certificate(der)
      const isValid = (instant: Date): boolean => validFromDate <= instant && instant <= validToDate
      return isValid(at) === isValid(now)
    } catch {
      // What cannot be read is refused at any time.
      return true
    }
  })
}
