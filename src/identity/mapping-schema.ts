/**
 * The form of a mapping file as JSON Schema, for editors and for programs that write one.
 *
 * What the schema refuses, {@link parseMapping} refuses. It refuses more: what takes comparing two places, such as a
 * capture that nothing makes.
 *
 * @module identity/mapping-schema (floor 5)
 */
import type { JsonValue } from '../json/index.js'
import { FORMS, MAX_LIST, MAX_NAME, MAX_ROLES, MAX_TEXT, PURPOSE_OIDS } from './name-syntax.js'
import { MAX_RULES } from './parse-mapping.js'
import { NAME_PREDICATES } from './parse-predicates.js'

type Schema = Readonly<Record<string, JsonValue>>

const text = (pattern: string, description?: string): Schema => ({
  ...(description === undefined ? {} : { description }),
  type: 'string',
  minLength: 1,
  maxLength: MAX_TEXT,
  pattern,
})

const list = (items: Schema, description: string): Schema => ({
  description,
  type: 'array',
  items,
  minItems: 1,
  maxItems: MAX_LIST,
})

const names = (description: string): Schema => ({
  description,
  type: 'array',
  items: { type: 'string', pattern: FORMS.segment },
  maxItems: MAX_ROLES,
})

const object = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
  more: Schema = {},
): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...more,
})

const attributes: Schema = {
  type: 'object',
  propertyNames: { pattern: FORMS.attributeName },
  additionalProperties: text(FORMS.attribute),
  minProperties: 1,
}

const digest = text(FORMS.digest)

/** JSON Schema, draft 2020-12. */
export const MAPPING_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:signet:mapping:1',
  title: 'signet identity mapping',
  description: 'Ordered rules from what a validated certificate says to who that is. The first that matches decides.',
  ...object(
    {
      version: { const: 1 },
      trustDomain: text(FORMS.trustDomain, 'Every identity lies in this trust domain.'),
      rules: { type: 'array', minItems: 1, maxItems: MAX_RULES, items: { $ref: '#/$defs/rule' } },
    },
    ['version', 'trustDomain', 'rules'],
  ),
  $defs: {
    rule: object(
      {
        name: { description: 'Unique in the file.', type: 'string', minLength: 1, maxLength: MAX_NAME },
        when: { $ref: '#/$defs/when' },
        then: { oneOf: [{ $ref: '#/$defs/entity' }, { $ref: '#/$defs/identity' }] },
      },
      ['name', 'when', 'then'],
    ),
    when: object(
      {
        issuerKey: {
          description:
            'SHA-256 of the public key of the CA that issued the certificate: one, or several while it changes.',
          anyOf: [digest, { type: 'array', items: digest, minItems: 1, maxItems: MAX_LIST }],
        },
        uri: text(FORMS.uri, 'The only URI name.'),
        dns: text(FORMS.dns, 'A DNS name.'),
        email: text(FORMS.email, 'A mailbox.'),
        ip: text(FORMS.ip, 'An IP address, or a range: 192.0.2.0/24.'),
        upn: text(FORMS.upn, 'A user principal name (otherName).'),
        kerberos: text(FORMS.kerberos, 'A Kerberos principal (otherName).'),
        subject: { description: 'The only attribute of each type.', ...attributes },
        subjectIs: list(attributes, 'The whole subject, RDN by RDN, in the order of the certificate.'),
        extKeyUsage: list(
          { type: 'string', maxLength: MAX_TEXT, anyOf: [{ enum: [...PURPOSE_OIDS.keys()] }, { pattern: FORMS.oid }] },
          'Extended key purposes that the certificate names.',
        ),
        policies: list(text(FORMS.oid), 'Certificate policies for which the path is valid.'),
      },
      ['issuerKey'],
      {
        anyOf: NAME_PREDICATES.map((name) => ({ required: [name] })),
        not: { required: ['subject', 'subjectIs'] },
      },
    ),
    entity: object(
      { entity: text(FORMS.part, 'registered: the entity with the URI of the certificate; else the id of one.') },
      ['entity'],
    ),
    identity: object(
      {
        scope: text(FORMS.scope, 'Default: the whole deployment.'),
        service: text(FORMS.part),
        node: text(FORMS.part),
        roles: names('Roles; none is allowed.'),
        groups: names('Groups.'),
      },
      ['service', 'node', 'roles'],
    ),
  },
}
