/**
 * The authority itself, where its home is on this machine.
 *
 * @module agent/authority-source (floor 7.4)
 */
import {
  abandonStaleIntents,
  Authority,
  currentCrls,
  issueCertificates,
  type IssuingAuthority,
  renewCertificates,
} from '../authority/index.js'
import { Passphrase } from '../crypto/index.js'
import { InternalError } from '../errors/index.js'
import { readSecretFile } from '../files/index.js'
import type { Clock } from '../time/index.js'
import { parseCertificationRequest } from '../x509/index.js'
import type { CredentialSource } from './source.js'

/** A passphrase longer than this is a file named by mistake. */
const MAX_PASSPHRASE_BYTES = 4096

/**
 * Issue with the authority of a home. It is opened for each request and closed again, so that others can use it meanwhile.
 *
 * @param passphraseFile - Readable by its owner only. Not needed where another program keeps the key.
 */
export function authoritySource(home: string, passphraseFile: string | undefined, clock: Clock): CredentialSource {
  const open = async <T>(work: (authority: Authority) => Promise<T>): Promise<T> => {
    const authority = await Authority.open(home, clock)
    try {
      return await work(authority)
    } finally {
      await authority.close()
    }
  }
  const issuing = async (authority: Authority): Promise<IssuingAuthority> => {
    const passphrase =
      passphraseFile === undefined || !authority.needsPassphrase
        ? undefined
        : new Passphrase(readSecretFile(passphraseFile, { maxBytes: MAX_PASSPHRASE_BYTES }))
    const key = await authority.issuingKey(passphrase)
    const at = await authority.now()
    await abandonStaleIntents(authority, at)
    return { authority, key, at, crls: await currentCrls(authority, key, at) }
  }
  return {
    obtain: ({ entity, profile, requestPem, isFirst }) =>
      open(async (authority) => {
        const make = isFirst ? issueCertificates : renewCertificates
        const request = parseCertificationRequest(Buffer.from(requestPem))
        const [issued] = await make(await issuing(authority), [{ entity, profile, key: { kind: 'request', request } }])
        if (issued === undefined) throw new InternalError('ERR_INTERNAL', 'nothing was issued')
        return { certificates: [issued.certificate, authority.issuing], identity: issued.identity }
      }),
    trust: () =>
      open(async (authority) => {
        const { crls } = await issuing(authority)
        return { cas: [...authority.authorities, authority.root], crls }
      }),
  }
}
