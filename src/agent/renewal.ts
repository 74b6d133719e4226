/**
 * The next certificate of a credential: a new key, a request, what the source made of it, judged and delivered.
 *
 * @module agent/renewal (floor 7.4)
 */
import { OID } from '../asn1/index.js'
import { deliverCredential, type Readers, readersOf } from '../credential/index.js'
import { GeneratedKey, MemoryKeyProvider } from '../crypto/index.js'
import { isSignetError } from '../errors/index.js'
import { buildName, type Certificate, createCertificationRequest } from '../x509/index.js'
import { acceptIssued } from './accept.js'
import type { CredentialConfiguration } from './configuration.js'
import type { Present } from './present.js'
import { renewalTime } from './schedule.js'
import type { Surroundings } from './surroundings.js'
import { casToTrust, isRoot } from './trusted-cas.js'

/** Whether there is none, or it has ended, or it is time. */
export function isDue(
  { renewAt, jitter }: CredentialConfiguration,
  present: Present | undefined,
  { at }: Pick<Surroundings, 'at'>,
): boolean {
  return (
    present === undefined ||
    present.certificate.notAfter <= at ||
    renewalTime(present.certificate, renewAt, jitter) <= at
  )
}

/**
 * Have the next certificate issued and deliver it. The key is made here and goes nowhere else.
 *
 * @returns The folder of the new version, which is current then.
 * @throws what the source, {@link acceptIssued} and `deliverCredential` throw; then nothing has changed
 */
export async function renewCredential(
  item: CredentialConfiguration,
  before: Present | undefined,
  around: Surroundings,
): Promise<string> {
  const key = GeneratedKey.generate(item.keyAlgorithm)
  const requestPem = await createCertificationRequest(new MemoryKeyProvider(key.privateKey), {
    subject: buildName([[OID.commonName, item.entity]]),
  })
  const source = around.sourceOf(item)
  const issued = await source.obtain({
    entity: item.entity,
    profile: item.profile,
    requestPem,
    isFirst: before === undefined,
  })
  const anchors: readonly Certificate[] = [
    ...(before?.caBundle.filter(isRoot) ?? []),
    ...around.anchors,
    ...(around.casOf(item)?.filter(isRoot) ?? []),
  ]
  const furtherCas = casToTrust(item, before, around)
  const { crls, at } = around
  const credential = acceptIssued(issued, { item, key, before, anchors, furtherCas, crls, at })
  return deliverCredential(item.directory, credential, at, { readers: around.readersOf(item) ?? readersBefore(item) })
}

/** Those of the version before, also where that is broken otherwise. */
function readersBefore({ directory }: CredentialConfiguration): Readers | undefined {
  try {
    return readersOf(directory)
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}
