/** Many signers at the price of one: each has the certificate of one, with a key identifier of its own. */
import type { DocumentSigner } from '../../src/trust/index.js'
import { parseCertificate } from '../../src/x509/index.js'
import type { Sender } from './messages.js'

export function manySigners(sender: Sender, count: number): readonly DocumentSigner[] {
  const { der, subjectKeyIdentifier = new Uint8Array() } = sender.certificate
  const place = Buffer.from(der).indexOf(subjectKeyIdentifier)
  return Array.from({ length: count }, (_, index) => {
    const own = Uint8Array.from(der)
    new DataView(own.buffer).setUint32(place, index)
    return { certificate: parseCertificate(own), identity: sender.identity }
  })
}
