/**
 * What a credential directory holds now.
 *
 * @module agent/present (floor 7.4)
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { loadCredential, type LoadedCredential } from '../credential/index.js'
import { readFileBytes, readFileText } from '../files/index.js'
import { type Identity, identityUriOf, parseIdentityUri } from '../identity/index.js'
import { parseStrictJson } from '../json/index.js'
import { type Crl, parseCrls } from '../x509/index.js'

/** A credential that is whole: its key belongs to its certificate. */
export interface Present extends LoadedCredential {
  readonly crls: readonly Crl[]
  /** As the certificate says it. */
  readonly uri: string
}

/**
 * Read it.
 *
 * @param what - Whether it is a credential directory, or one version. Default `'directory'`.
 * @returns `undefined` where there is no version yet.
 * @throws what `loadCredential` throws, and {@link DeniedError} `ERR_IDENTITY_INVALID`
 */
export function presentCredential(directory: string, what: 'directory' | 'version' = 'directory'): Present | undefined {
  if (what === 'directory' && lstatSync(join(directory, 'current'), { throwIfNoEntry: false }) === undefined)
    return undefined
  const loaded = loadCredential(directory)
  const crls = parseCrls(readFileBytes(join(loaded.folder, 'crls.pem')))
  return { ...loaded, crls, uri: identityUriOf(loaded.certificate).text }
}

/** What `identity.json` says of an identity: what the registry knew, which no certificate has. */
export function statedIdentity({ folder, uri }: Present): Partial<Identity> {
  const document = parseStrictJson(readFileText(join(folder, 'identity.json'), { maxBytes: 64 * 1024 }))
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
  return isObject(document) && document['uri'] === uri ? document : {}
}

/** An identity of which nothing is known but its URI, and what is stated of it. */
export function identityFrom(entity: string, uri: string, stated: Partial<Identity>): Identity {
  const { scope, service, node } = parseIdentityUri(uri)
  const { roles = [], grants = [], groups = [] } = stated
  return { entity, uri, scope, service, node, roles, grants, groups }
}
