/** `signet keystone map`. @module cli/keystone-map (floor 8) */
import type { Command } from 'commander'
import { EncodingError, UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { parseStrictJson } from '../json/index.js'
import {
  ATTRIBUTE_FORMS,
  type AttributeForm,
  attributesAsKeystone,
  type JsonValue,
  type KeystoneIdentity,
  keystoneIdentity,
  type KeystoneMapping,
  mapCertificate,
  parseKeystoneMapping,
  processAsKeystone,
  processStrictly,
  requireSafe,
  SCHEMA_VERSIONS,
  type SchemaVersion,
  type StrictAttributes,
} from '../keystone/index.js'
import { declareOptions } from './declare.js'
import { choice, examples } from './help.js'
import type { Invocation, Outcome } from './invocation.js'
import { facts } from './table.js'
import { type TrustOptions, TRUST_OPTIONS, verifiedPath } from './trust-material.js'

interface MapOptions extends TrustOptions {
  readonly cert?: string
  readonly form?: AttributeForm
  readonly attributes?: string
  readonly entity?: boolean
  readonly asKeystone?: boolean
  readonly schemaVersion?: SchemaVersion
}

/** Give a command the option that says what a document without a version is. */
export function schemaVersionOption(command: Command): Command {
  return command.option(
    '--schema-version <version>',
    `of a document that does not say: ${SCHEMA_VERSIONS.join(', ')} (default: 1.0)`,
    choice(SCHEMA_VERSIONS),
  )
}

/** A mapping document in JSON: the object itself, what the API takes (`mapping`), or a list of rules. */
export async function readMapping(
  cli: Invocation,
  file: string,
  version: SchemaVersion | undefined,
): Promise<KeystoneMapping> {
  const document = parseStrictJson(decodeUtf8(await cli.readDocument(file), file))
  if (Array.isArray(document)) return parseKeystoneMapping({ rules: document as JsonValue[] }, version)
  const isWrapped = typeof document === 'object' && document !== null && Object.keys(document).join() === 'mapping'
  return parseKeystoneMapping(isWrapped ? (document as { mapping: unknown }).mapping : document, version)
}

export function registerKeystoneMap(keystone: Command, cli: Invocation): void {
  declareOptions(
    schemaVersionOption(
      keystone
        .command('map <document>')
        .summary('map a certificate, or attributes')
        .description(
          'Verify a certificate and map its attributes, or map attributes from a file. Strictly: a document that is not safe is refused.',
        ),
    )
      .option('--cert <file>', 'the certificate')
      .option('--form <form>', `who makes its attributes: ${ATTRIBUTE_FORMS.join(', ')}`, choice(ATTRIBUTE_FORMS))
      .option('--attributes <file>', 'attributes in JSON, texts or lists of texts, instead of a certificate')
      .option('--entity', 'require that the user is a registered entity, and show it')
      .option('--as-keystone', 'exactly as Keystone maps them, with all that is unsafe'),
    TRUST_OPTIONS,
  )
    .addHelpText(
      'after',
      examples(
        'signet keystone map mapping.json --cert node.pem --form tokenless',
        'signet keystone map mapping.json --attributes attributes.json --as-keystone --json',
      ),
    )
    .action(
      cli.action(async (file: string, options: MapOptions) => {
        const { cert, attributes, schemaVersion } = options
        if ((cert === undefined) === (attributes === undefined)) {
          throw new UsageError('ERR_USAGE', 'name a certificate, or a file of attributes', {
            hint: '--cert node.pem --form mod_ssl, or --attributes attributes.json',
          })
        }
        if (attributes !== undefined && (options.form !== undefined || options.entity === true)) {
          throw new UsageError('ERR_USAGE', '--form and --entity are for certificates', { hint: '--cert node.pem' })
        }
        const mapping = await readMapping(cli, file, schemaVersion)
        return cert === undefined
          ? mapAttributes(cli, mapping, attributes ?? '', options)
          : mapCert(cli, mapping, cert, options)
      }),
    )
}

async function mapCert(cli: Invocation, mapping: KeystoneMapping, file: string, options: MapOptions): Promise<Outcome> {
  const { form = 'mod_ssl', asKeystone, entity } = options
  if (asKeystone === true && entity === true) {
    throw new UsageError('ERR_USAGE', '--entity is not for --as-keystone, which decides nothing')
  }
  // Before the document is looked at for what is unsafe in it: a certificate that is not believed has no mapping.
  const path = await verifiedPath(cli, file, options)
  if (asKeystone === true) return outcomeOf(processAsKeystone(mapping, attributesAsKeystone(path.target, form)))
  const safe = requireSafe(mapping)
  if (entity !== true) return outcomeOf(mapCertificate(path.target, safe, form))
  const mapped = await cli.withAuthority(({ store }) => keystoneIdentity(path, safe, form, store))
  const { outcome, identity } = mapped
  return outcomeOf(outcome, { identity }, [
    ['entity', identity.entity],
    ['identity', identity.uri],
    ['roles', identity.roles.join(' ')],
  ])
}

async function mapAttributes(
  cli: Invocation,
  mapping: KeystoneMapping,
  file: string,
  { asKeystone }: MapOptions,
): Promise<Outcome> {
  const attributes = parseStrictJson(decodeUtf8(await cli.readDocument(file), file))
  if (!isAttributes(attributes, asKeystone === true)) {
    throw new EncodingError('ERR_JSON_MALFORMED', `${file} is no object of attributes`, {
      hint: 'write {"SSL_CLIENT_S_DN_CN": "nova", "SSL_CLIENT_S_DN_OU": ["a", "b"]}',
    })
  }
  return outcomeOf(
    asKeystone === true ? processAsKeystone(mapping, attributes) : processStrictly(requireSafe(mapping), attributes),
  )
}

/** Keystone drops what is no text; the strict engine takes lists of texts, and nothing else. */
function isAttributes(value: JsonValue, asKeystone: boolean): value is StrictAttributes {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const isText = (item: JsonValue): boolean => typeof item === 'string'
  const isList = (item: JsonValue): boolean => Array.isArray(item) && (item as readonly JsonValue[]).every(isText)
  return asKeystone || Object.values(value).every((item: JsonValue) => isText(item) || isList(item))
}

function outcomeOf(
  mapped: KeystoneIdentity,
  more: Outcome['data'] = {},
  lines: readonly (readonly [name: string, value: string])[] = [],
): Outcome {
  const { user, group_ids, group_names, projects } = mapped
  const text = facts([
    ['user', JSON.stringify(user)],
    ...group_ids.map((id) => ['group id', JSON.stringify(id)] as const),
    ...group_names.map((group) => ['group', JSON.stringify(group)] as const),
    ...projects.map((project) => ['project', JSON.stringify(project)] as const),
    ...lines,
  ])
  return { data: { mapped, ...more }, text }
}
