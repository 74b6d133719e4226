/**
 * From a certificate to the attributes that a mapping maps, in the words of the web servers and of Keystone itself.
 *
 * Every form is made twice: as Keystone would see it, for comparing, and as verified attributes, for deciding.
 *
 * @module keystone/attributes (floor 5.1)
 */
import { DeniedError, isSignetError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import type { JsonValue } from './document.js'
import { haproxyAttributes, haproxyEnvironment } from './haproxy.js'
import { modSslAttributes, modSslEnvironment } from './mod-ssl.js'
import { oauth2Attributes, oauth2AttributesAsKeystone } from './oauth2.js'
import { type KeystoneIdentity, processAsKeystone } from './process.js'
import type { StrictMapping } from './safe.js'
import { processStrictly, type StrictAttributes } from './strict.js'

/** Who makes the attributes: `tokenless` is what mod_ssl makes, as the assertion of tokenless authorization. */
export const ATTRIBUTE_FORMS = ['mod_ssl', 'haproxy', 'tokenless', 'oauth2'] as const
export type AttributeForm = (typeof ATTRIBUTE_FORMS)[number]

interface Makers {
  readonly asKeystone: (certificate: Certificate) => Record<string, string>
  readonly strict: (certificate: Certificate) => StrictAttributes
}

const FORMS: Readonly<Record<AttributeForm, Makers>> = {
  mod_ssl: { asKeystone: modSslEnvironment, strict: modSslAttributes },
  haproxy: { asKeystone: haproxyEnvironment, strict: haproxyAttributes },
  tokenless: { asKeystone: modSslEnvironment, strict: modSslAttributes },
  oauth2: { asKeystone: oauth2AttributesAsKeystone, strict: oauth2Attributes },
}

/**
 * What Keystone would find, for `processAsKeystone`. The certificate is not verified.
 *
 * Values are UTF-8. A WSGI server that reads octets as Latin-1 (PEP 3333) spoils what is not ASCII before Keystone sees it.
 *
 * @throws {@link DeniedError} `ERR_KEYSTONE_REFUSED` where Keystone takes no certificate with such a name
 */
export function attributesAsKeystone(certificate: Certificate, form: AttributeForm): Record<string, string> {
  return FORMS[form].asKeystone(certificate)
}

/** Decoded values, lists where there are several, for `processStrictly`. The certificate is not verified. */
export function strictAttributes(certificate: Certificate, form: AttributeForm): StrictAttributes {
  return FORMS[form].strict(certificate)
}

/**
 * Map a certificate strictly, where Keystone maps it to the same. The certificate is not verified.
 *
 * Of attributes that are there more than once, a web server shows Keystone one; the strict engine sees all. Where that makes
 * a difference, nobody is mapped.
 *
 * @throws {@link DeniedError} what `processStrictly` throws; `ERR_KEYSTONE_DISAGREES`
 */
export function mapCertificate(
  certificate: Certificate,
  mapping: StrictMapping,
  form: AttributeForm,
): KeystoneIdentity {
  const strict = processStrictly(mapping, strictAttributes(certificate, form))
  const keystone = asKeystone(certificate, mapping, form)
  if (keystone !== undefined && canonical(keystone) === canonical(strict)) return strict
  throw new DeniedError(
    'ERR_KEYSTONE_DISAGREES',
    'Keystone would map this certificate to somebody else, or to nobody',
    {
      hint: 'map attributes that the certificate has once',
    },
  )
}

function asKeystone(
  certificate: Certificate,
  { mapping }: StrictMapping,
  form: AttributeForm,
): KeystoneIdentity | undefined {
  try {
    return processAsKeystone(mapping, attributesAsKeystone(certificate, form))
  } catch (error) {
    if (isSignetError(error) && error.category === 'denied') return undefined
    throw error
  }
}

/** Groups in no order, each once; keys sorted. */
function canonical({ group_ids, group_names, ...rest }: KeystoneIdentity): string {
  return text({ ...rest, group_ids: distinct(group_ids), group_names: distinct(group_names) })
}

function distinct(items: readonly JsonValue[]): readonly string[] {
  return [...new Set(items.map(text))].sort()
}

function text(value: unknown): string {
  return JSON.stringify(value, (_name, item: unknown) =>
    typeof item !== 'object' || item === null || Array.isArray(item)
      ? item
      : Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  )
}
