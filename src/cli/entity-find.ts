/** `signet entity find`: who has a name, a key or a certificate. @module cli/entity-find (floor 8) */
import type { Command } from 'commander'
import { UsageError } from '../errors/index.js'
import type { CertificateStatus, EntityRecord, StoreReader } from '../store/index.js'
import { parseCertificates, parseFingerprint, parseHexText, parseName } from '../x509/index.js'
import { examples } from './help.js'
import type { Invocation } from './invocation.js'
import { table } from './table.js'

interface FindOptions {
  readonly uri?: string
  readonly dns?: string
  readonly ip?: string
  readonly alias?: string
  readonly subject?: string
  readonly fingerprint?: string
  readonly keyId?: string
  readonly cert?: string
}

export function registerFind(entity: Command, cli: Invocation): void {
  entity
    .command('find')
    .summary('who has a name, a key or a certificate')
    .description('Find entities by a name, a key identifier, or a certificate that this authority issued.')
    .option('--uri <uri>', 'identity URI')
    .option('--dns <name>', 'host name')
    .option('--ip <address>', 'IP address')
    .option('--alias <name>', 'name in another system')
    .option('--subject <name>', 'subject of a certificate: "CN=compute-07,O=cloud.example"')
    .option('--fingerprint <hex>', 'SHA-256 fingerprint of a certificate')
    .option('--key-id <hex>', 'subject key identifier of a certificate')
    .option('--cert <file>', 'certificate')
    .addHelpText(
      'after',
      examples('signet entity find --dns compute-07.cloud.example', 'signet entity find --cert cert.pem --json'),
    )
    .action(
      cli.action(async (options: FindOptions) => {
        const question = await questionOf(cli, options)
        const found = await cli.withAuthority((authority) => question(authority.store))
        const entities = [...new Map(found.map((item) => [item.id, item])).values()]
        return {
          data: { entities },
          text: table(
            ['entity', 'identity', 'state'],
            entities.map((item) => [item.id, item.uri, item.state]),
          ),
        }
      }),
    )
}

type Question = (store: StoreReader) => Promise<readonly EntityRecord[]>

async function questionOf(cli: Invocation, options: FindOptions): Promise<Question> {
  const { uri, dns, ip, alias, subject, fingerprint, keyId, cert } = options
  if (Object.values(options).filter((value) => value !== undefined).length !== 1) {
    throw new UsageError('ERR_USAGE', 'name exactly one thing to find an entity by', {
      hint: 'signet entity find --help shows how',
    })
  }
  if (uri !== undefined) return (store) => store.entitiesWith('uri', [uri])
  if (dns !== undefined) return (store) => store.entitiesByName('dns', [dns.toLowerCase()])
  if (ip !== undefined) return (store) => store.entitiesByName('ip', [ip])
  if (alias !== undefined) return (store) => store.entitiesByName('alias', [alias])
  if (subject !== undefined) {
    const { digest } = parseName(subject)
    return async (store) => holders(store, await store.certificatesBySubject(digest))
  }
  if (keyId !== undefined) {
    const keyIdentifier = parseHexText(keyId)
    return async (store) => holders(store, await store.certificatesByKeyIdentifier(keyIdentifier))
  }
  const wanted =
    cert === undefined
      ? parseFingerprint(fingerprint ?? '')
      : (parseCertificates(await cli.readDocument(cert))[0]?.fingerprint ?? '')
  return async (store) => {
    const status = await store.certificateByFingerprint(wanted)
    return status === undefined ? [] : holders(store, [status])
  }
}

async function holders(
  store: StoreReader,
  certificates: readonly CertificateStatus[],
): Promise<readonly EntityRecord[]> {
  const ids = certificates.flatMap(({ certificate }) => certificate.entityId ?? [])
  return store.entitiesWith('id', [...new Set(ids)])
}
