/** `signet keystone …`. @module cli/keystone (floor 8) */
import type { Command } from 'commander'
import {
  ATTRIBUTE_FORMS,
  type AttributeForm,
  attributesAsKeystone,
  checkSafe,
  issuerSpellings,
  keystoneThumbprint,
  requireSafe,
  type SchemaVersion,
  strictAttributes,
  thumbprint,
  type UnsafeFinding,
} from '../keystone/index.js'
import { choice, examples } from './help.js'
import { type Invocation, RefusedOutcome } from './invocation.js'
import { readMapping, registerKeystoneMap, schemaVersionOption } from './keystone-map.js'
import { facts } from './table.js'
import { targetOf } from './trust-material.js'

interface AttributeOptions {
  readonly form: AttributeForm
  readonly asKeystone?: boolean
}

export function registerKeystone(program: Command, cli: Invocation): void {
  const keystone = program
    .command('keystone')
    .summary("Keystone's mapping documents")
    .description(
      'Certificates and the mapping documents of OpenStack Keystone: what it would see, and to whom it maps.',
    )
    .addHelpText('after', examples('signet keystone lint mapping.json', 'signet keystone idp node.pem'))
  registerAttributes(keystone, cli)
  registerKeystoneMap(keystone, cli)
  registerLint(keystone, cli)
  registerIssuer(keystone, cli)
}

function registerAttributes(keystone: Command, cli: Invocation): void {
  keystone
    .command('attributes <certificate>')
    .summary('what a mapping can map')
    .description(
      'Show the attributes that a web server, or Keystone itself, makes of a certificate. Nothing is verified.',
    )
    .option('--form <form>', `who makes them: ${ATTRIBUTE_FORMS.join(', ')}`, choice(ATTRIBUTE_FORMS), 'mod_ssl')
    .option('--as-keystone', 'exactly as Keystone sees them, not as they are')
    .addHelpText(
      'after',
      examples(
        'signet keystone attributes node.pem --form tokenless',
        'signet keystone attributes node.pem --form oauth2 --as-keystone --json',
      ),
    )
    .action(
      cli.action(async (file: string, { form, asKeystone }: AttributeOptions) => {
        const { target } = await targetOf(cli, file)
        const attributes = asKeystone === true ? attributesAsKeystone(target, form) : strictAttributes(target, form)
        const lines = Object.entries(attributes).map(([name, value]) => [name, shown(value)] as const)
        return { data: { form, attributes }, text: facts(lines) }
      }),
    )
}

function shown(value: string | readonly string[]): string {
  const values = typeof value === 'string' ? [value] : value
  return values.length === 1 && values[0] !== '' ? (values[0] ?? '') : JSON.stringify(values)
}

function registerLint(keystone: Command, cli: Invocation): void {
  schemaVersionOption(
    keystone
      .command('lint <document>')
      .summary('find what is unsafe in a mapping document')
      .description(
        'Find everything in a mapping document that is not safe, or not valid. Refused where there is something.',
      ),
  )
    .addHelpText('after', examples('signet keystone lint mapping.json', 'signet keystone lint mapping.json --json'))
    .action(
      cli.action(async (file: string, { schemaVersion }: { schemaVersion?: SchemaVersion }) => {
        const mapping = await readMapping(cli, file, schemaVersion)
        const findings = checkSafe(mapping)
        const { version, rules } = mapping
        const outcome = { data: { findings }, text: findings.map(findingText).join('\n') }
        try {
          requireSafe(mapping)
        } catch (error) {
          throw new RefusedOutcome(outcome, error)
        }
        const text = `safe: schema ${version}, ${rules.length} rules`
        return { data: { version, rules: rules.length, findings }, text }
      }),
    )
}

function findingText({ code, pointer, message, hint }: UnsafeFinding): string {
  return facts([
    [code, pointer],
    ['  what', message],
    ['  instead', hint],
  ])
}

function registerIssuer(keystone: Command, cli: Invocation): void {
  keystone
    .command('idp <certificate>')
    .summary('the identity provider that an issuer is')
    .description(
      'Show under which identity provider Keystone looks for the mapping of a certificate, and what to trust. Nothing is verified.',
    )
    .addHelpText('after', examples('signet keystone idp node.pem', 'signet keystone idp node.pem --json'))
    .action(
      cli.action(async (file: string) => {
        const { target } = await targetOf(cli, file)
        const spellings = issuerSpellings(target)
        const { rfc2253, legacy } = spellings
        const text = facts([
          ['identity provider', rfc2253.identityProvider],
          ['keystone.conf', `trusted_issuer = ${rfc2253.text}`],
          ['legacy names', legacy.identityProvider],
          ['keystone.conf', `trusted_issuer = ${legacy.text}`],
        ])
        return { data: spellings, text }
      }),
    )
  keystone
    .command('thumbprint <certificate>')
    .summary('the confirmation of a bound token')
    .description(
      'Show the thumbprint x5t#S256 of a certificate: that of RFC 8705, and the one of Keystone. Nothing is verified.',
    )
    .addHelpText('after', examples('signet keystone thumbprint node.pem', 'signet keystone thumbprint node.pem --json'))
    .action(
      cli.action(async (file: string) => {
        const { target } = await targetOf(cli, file)
        const [rfc8705, keystonesOwn] = [thumbprint(target), keystoneThumbprint(target)]
        const text = facts([
          ['RFC 8705', rfc8705],
          ['Keystone', keystonesOwn],
        ])
        return { data: { rfc8705, keystone: keystonesOwn }, text }
      }),
    )
}
