import { cpSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import type { Command } from 'commander'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { CliEnvironment } from '../../src/cli/environment.js'
import { main } from '../../src/cli/main.js'
import { buildProgram } from '../../src/cli/program.js'
import { encodePrivateKey } from '../../src/crypto/index.js'
import { ERROR_CODES, type ErrorCode, EXIT_CODES } from '../../src/errors/index.js'
import { keyFor, makeCertificate, privateKeyFor } from '../support/certificates.js'
import { type CliOptions, type CliResult } from '../support/deployment.js'
import { prepareDeployment, splitWords, STORY_START } from '../support/testscript.js'
import { copyWorld, type World } from './world.js'

vi.setConfig({ testTimeout: 60_000 })

const prepared = await prepareDeployment()
const worlds: World[] = []
afterAll(() => {
  for (const { folder } of worlds) rmSync(folder, { recursive: true, force: true })
}, 180_000)

function newWorld(): World {
  const world = copyWorld(prepared)
  worlds.push(world)
  return world
}

const CERT = 'credentials/compute-07/tls/current/cert.pem'
const CHAIN = 'credentials/compute-07/tls/current/fullchain.pem'
const SIGNER = 'credentials/compute-07/signer/current'
const PING = '--type ping --to scheduler'
const READER = 'reader/current'
const SENDER = '--as credentials/compute-07/signer --type rpc.password --for conductor --trust trust.p7'

/** A TLS server that never says anything, for as long as this file is tested. */
const quiet = createTlsServer({ ...tlsKeyPair() }, (socket) => socket.on('error', () => undefined)).unref()
quiet.listen(0, '127.0.0.1')
await once(quiet, 'listening')
const PROBE = `probe server 127.0.0.1:${(quiet.address() as AddressInfo).port} --credential credentials/compute-07/tls`

function tlsKeyPair(): { readonly key: string; readonly cert: string } {
  const { certificate } = makeCertificate({ key: keyFor('quiet') })
  return { key: encodePrivateKey(privateKeyFor('quiet')), cert: certificate.toPem() }
}

interface Call {
  /** A call that succeeds in the deployment below. */
  readonly good: string
  /** One that is refused, and the code. */
  readonly bad: string
  readonly code: ErrorCode
  /** A file of the deployment that both read from standard input. */
  readonly stdin?: string
  /** What is printed without --json, where that is not text. */
  readonly prints?: 'DER' | 'JSON'
}

/** For every command: a call that succeeds in a prepared deployment, and one that is refused, with its code. */
const CALLS: Readonly<Record<string, Call>> = {
  quickstart: { good: 'quickstart demo', bad: 'quickstart home', code: 'ERR_OUTPUT_EXISTS' },
  init: { good: '--home new init --domain a.example', bad: 'init --domain a.example', code: 'ERR_HOME_EXISTS' },
  apply: { good: 'apply deployment.yaml', bad: 'apply broken.yaml', code: 'ERR_REGISTRY_DOCUMENT' },
  export: { good: 'export', bad: 'export --out crls.pem', code: 'ERR_OUTPUT_EXISTS' },
  'scope add': {
    good: 'scope add region-two --kind region',
    bad: 'scope add region-one --kind region',
    code: 'ERR_SCOPE_EXISTS',
  },
  'scope list': { good: 'scope list', bad: '--home missing scope list', code: 'ERR_HOME_MISSING' },
  'scope remove': { good: 'scope remove empty', bad: 'scope remove region-one', code: 'ERR_SCOPE_IN_USE' },
  'role add': { good: 'role add reader', bad: 'role add reader --implies nothing', code: 'ERR_ROLE_INVALID' },
  'role list': { good: 'role list', bad: '--home missing role list', code: 'ERR_HOME_MISSING' },
  'role remove': { good: 'role remove idle', bad: 'role remove broker', code: 'ERR_ROLE_IN_USE' },
  'entity find': {
    good: 'entity find --dns compute-07.cloud.example',
    bad: 'entity find --subject compute-07',
    code: 'ERR_NAME_MALFORMED',
  },
  'entity add': {
    good: 'entity add new-01 --kind node',
    bad: 'entity add compute-07 --kind node',
    code: 'ERR_ENTITY_EXISTS',
  },
  'entity list': { good: 'entity list', bad: '--home missing entity list', code: 'ERR_HOME_MISSING' },
  'entity show': { good: 'entity show compute-07', bad: 'entity show nobody', code: 'ERR_ENTITY_UNKNOWN' },
  'entity quarantine': {
    good: 'entity quarantine compute-07',
    bad: 'entity quarantine nobody',
    code: 'ERR_ENTITY_UNKNOWN',
  },
  'entity release': {
    good: 'entity release quarantined-01',
    bad: 'entity release compute-07',
    code: 'ERR_ENTITY_STATE',
  },
  'entity retire': { good: 'entity retire compute-07', bad: 'entity retire nobody', code: 'ERR_ENTITY_UNKNOWN' },
  quarantine: { good: 'quarantine compute-07', bad: 'quarantine nobody', code: 'ERR_ENTITY_UNKNOWN' },
  release: { good: 'release quarantined-01', bad: 'release compute-07', code: 'ERR_ENTITY_STATE' },
  issue: { good: 'issue compute-07 --out new', bad: 'issue nobody --out new', code: 'ERR_ENTITY_UNKNOWN' },
  renew: {
    good: 'renew compute-07 --out new',
    bad: 'renew quarantined-01 --out new',
    code: 'ERR_RENEW_DENIED',
  },
  revoke: { good: 'revoke compute-07', bad: 'revoke --serial 0011', code: 'ERR_CERTIFICATE_UNKNOWN' },
  'rotate stage': {
    good: 'rotate stage --root root-offline',
    bad: '--home staged rotate stage --root root-offline',
    code: 'ERR_ROTATION_STATE',
  },
  'rotate status': { good: '--home cut rotate status', bad: '--home missing rotate status', code: 'ERR_HOME_MISSING' },
  'rotate deliver': {
    good: '--home staged rotate deliver --credentials credentials',
    bad: 'rotate deliver --credentials site',
    code: 'ERR_CONFIG_INVALID',
  },
  'rotate acknowledge': {
    good: '--home staged rotate acknowledge compute-07',
    bad: 'rotate acknowledge compute-07',
    code: 'ERR_ROTATION_STATE',
  },
  'rotate reissue': {
    good: '--home staged rotate reissue --out new --reason keyCompromise',
    bad: '--home staged rotate reissue --out new',
    code: 'ERR_ROTATION_BLOCKED',
  },
  'rotate cut-over': {
    good: '--home staged rotate cut-over --reason keyCompromise --root root-offline',
    bad: '--home staged rotate cut-over',
    code: 'ERR_ROTATION_STATE',
  },
  'rotate retire': { good: '--home cut rotate retire', bad: 'rotate retire', code: 'ERR_ROTATION_STATE' },
  'rotate roll-back': {
    good: '--home staged rotate roll-back',
    bad: '--home cut rotate roll-back',
    code: 'ERR_ROTATION_BLOCKED',
  },
  'root sign': {
    good: 'root sign next.csr --root root-offline --like home/issuing-ca.pem --out new.pem',
    bad: 'root sign next.csr --root root-offline --like home/root.pem --out new.pem',
    code: 'ERR_ISSUE_PROFILE',
  },
  'root new': {
    good: 'root new --like home/root.pem --out root-2',
    bad: 'root new --like home/issuing-ca.pem --out root-2',
    code: 'ERR_ISSUE_PROFILE',
  },
  'root cross-sign': {
    good: 'root cross-sign root-new/root.pem --root root-offline --out new.pem',
    bad: 'root cross-sign home/root.pem --root root-offline --out new.pem',
    code: 'ERR_ISSUE_PROFILE',
  },
  'crl publish': {
    good: 'crl publish --out new.pem',
    bad: 'crl publish --out missing/new.pem',
    code: 'ERR_FILE_WRITE',
  },
  'crl show': { good: 'crl show crls.pem', bad: `crl show ${CERT}`, code: 'ERR_PEM_LABEL' },
  'crl recover': { good: 'crl recover crls.pem', bad: `crl recover ${CERT}`, code: 'ERR_PEM_LABEL' },
  'ocsp delegate': {
    good: 'ocsp delegate --out new',
    bad: 'ocsp delegate --out home',
    code: 'ERR_OUTPUT_EXISTS',
  },
  'ocsp sign': {
    good: 'ocsp sign --out new --responder responder',
    bad: 'ocsp sign --out new --responder missing',
    code: 'ERR_FILE_READ',
  },
  'ocsp respond': {
    good: 'ocsp respond --responder responder',
    bad: 'ocsp respond --responder missing',
    code: 'ERR_FILE_READ',
    stdin: 'request.der',
    prints: 'DER',
  },
  'ocsp request': {
    good: `ocsp request ${CHAIN} --out new.der`,
    bad: `ocsp request ${CHAIN} --issuer home/root.pem --out new.der`,
    code: 'ERR_OCSP_MALFORMED',
  },
  'ocsp show': { good: 'ocsp show response.der', bad: 'ocsp show request.der', code: 'ERR_OCSP_MALFORMED' },
  'cert list': { good: 'cert list', bad: '--home missing cert list', code: 'ERR_HOME_MISSING' },
  'cert show': { good: `cert show ${CERT}`, bad: 'cert show missing.pem', code: 'ERR_FILE_READ' },
  'cert verify': {
    good: `cert verify ${CERT}`,
    bad: `cert verify ${CERT} --host elsewhere.example`,
    code: 'ERR_PATH_HOST_NAME',
  },
  'identity resolve': {
    good: `identity resolve ${CERT}`,
    bad: 'identity resolve home/issuing-ca.pem',
    code: 'ERR_IDENTITY_UNMAPPED',
  },
  'identity explain': {
    good: `identity explain ${CERT}`,
    bad: 'identity explain missing.pem',
    code: 'ERR_FILE_READ',
  },
  'identity lint': { good: 'identity lint', bad: 'identity lint --mapping missing.yaml', code: 'ERR_FILE_READ' },
  'identity schema': { good: 'identity schema', bad: 'identity schema more', code: 'ERR_USAGE', prints: 'JSON' },
  'keystone attributes': {
    good: `keystone attributes ${CERT}`,
    bad: 'keystone attributes missing.pem',
    code: 'ERR_FILE_READ',
  },
  'keystone map': {
    good: `keystone map keystone.json --cert ${CERT} --entity`,
    bad: 'keystone map keystone.json --cert home/issuing-ca.pem',
    code: 'ERR_IDENTITY_UNMAPPED',
  },
  'keystone lint': { good: 'keystone lint keystone.json', bad: 'keystone lint note.json', code: 'ERR_MAPPING_INVALID' },
  'keystone idp': { good: `keystone idp ${CERT}`, bad: 'keystone idp keystone.json', code: 'ERR_PEM_MALFORMED' },
  'keystone thumbprint': {
    good: `keystone thumbprint ${CERT}`,
    bad: 'keystone thumbprint missing.pem',
    code: 'ERR_FILE_READ',
  },
  'policy check': {
    good: `policy check policy.yaml --entity compute-07 ${PING}`,
    bad: `policy check policy.yaml --entity nobody ${PING}`,
    code: 'ERR_ENTITY_UNKNOWN',
  },
  'policy explain': {
    good: `policy explain policy.yaml --role broker ${PING}`,
    bad: `policy explain policy.yaml ${PING}`,
    code: 'ERR_USAGE',
  },
  'policy lint': { good: 'policy lint wider.yaml', bad: 'policy lint broken.yaml', code: 'ERR_POLICY_INVALID' },
  'policy test': {
    good: 'policy test policy.yaml cases.yaml --require-coverage',
    bad: 'policy test policy.yaml policy.yaml',
    code: 'ERR_POLICY_INVALID',
  },
  'policy compare': {
    good: 'policy compare policy.yaml wider.yaml',
    bad: 'policy compare policy.yaml missing.yaml',
    code: 'ERR_FILE_READ',
  },
  'policy matrix': {
    good: 'policy matrix policy.yaml',
    bad: 'policy matrix policy.yaml --out note.json',
    code: 'ERR_OUTPUT_EXISTS',
  },
  'policy export': {
    good: 'policy export nats policy.yaml --out new',
    bad: 'policy export nats policy.yaml --out home',
    code: 'ERR_OUTPUT_EXISTS',
  },
  'probe server': {
    good: `${PROBE} --timeout 0.2 --save-session new.session`,
    bad: `${PROBE} --kit missing`,
    code: 'ERR_FILE_READ',
  },
  'probe kit': {
    good: 'probe kit --out new',
    bad: 'probe kit --out new --entity nobody',
    code: 'ERR_ENTITY_UNKNOWN',
  },
  'trust publish': {
    good: 'trust publish --out new.p7',
    bad: 'trust publish --out new.p7 --validity soon',
    code: 'ERR_CONFIG_INVALID',
  },
  'trust fetch': {
    good: 'trust fetch site --out cache.p7',
    bad: `trust fetch site --out cache.p7 --pin ${'00'.repeat(32)}`,
    code: 'ERR_TRUST_PIN_MISMATCH',
  },
  'trust update': {
    good: 'trust update trust.p7 --delta delta.p7',
    bad: 'trust update new.p7 --delta delta.p7',
    code: 'ERR_TRUST_CACHE_EMPTY',
  },
  'trust verify': {
    good: 'trust verify delta.p7',
    bad: `trust verify trust.p7 --pin ${'00'.repeat(32)}`,
    code: 'ERR_TRUST_PIN_MISMATCH',
  },
  'trust show': {
    good: 'trust show trust.p7',
    bad: `trust show trust.p7 --pin ${'00'.repeat(32)}`,
    code: 'ERR_TRUST_PIN_MISMATCH',
  },
  sign: {
    good: `sign note.json --as credentials/compute-07/signer --type a.b --to c --out new.p7s`,
    bad: `sign note.json --as credentials/compute-07/tls --type a.b --to c --out new.p7s`,
    code: 'ERR_ISSUE_PROFILE',
  },
  verify: {
    good: 'verify note.json.p7s --content note.json --for notifications --trust trust.p7',
    bad: 'verify note.json.p7s --content note.json --for others --trust trust.p7',
    code: 'ERR_MESSAGE_DESTINATION',
  },
  'route check-off': {
    good: 'route check-off order.p7s --content note.json --as credentials/conductor-01/signer --trust trust.p7',
    bad: 'route check-off order.p7s --content note.json --as credentials/compute-07/signer --trust trust.p7',
    code: 'ERR_ROUTE_FOREIGN',
  },
  'route show': { good: 'route show done.p7s', bad: 'route show note.json.p7s', code: 'ERR_ROUTE_ABSENT' },
  'route verify': {
    good: 'route verify done.p7s --content note.json --trust trust.p7',
    bad: 'route verify order.p7s --content note.json --trust trust.p7',
    code: 'ERR_ROUTE_INCOMPLETE',
  },
  'envelope create': {
    good: 'envelope create --as credentials/conductor-01/signer --part note=compute-07 --out new.env',
    bad: 'envelope create --as credentials/conductor-01/tls --part note=compute-07 --out new.env',
    code: 'ERR_ISSUE_PROFILE',
  },
  'envelope add': {
    good: 'envelope add plan.env note.json --name note --as credentials/compute-07/signer --trust trust.p7',
    bad: 'envelope add plan.env note.json --name note --as credentials/conductor-01/signer --trust trust.p7',
    code: 'ERR_ENVELOPE_PART',
  },
  'envelope show': {
    good: 'envelope show whole.env',
    bad: 'envelope show note.json.p7s',
    code: 'ERR_ENVELOPE_MALFORMED',
  },
  'envelope verify': {
    good: 'envelope verify whole.env --trust trust.p7',
    bad: 'envelope verify plan.env --trust trust.p7',
    code: 'ERR_ENVELOPE_PART',
  },
  encrypt: {
    good: `encrypt note.json --to ${READER}/cert.pem ${SENDER} --out new.p7m`,
    bad: `encrypt note.json --to ${SIGNER}/cert.pem ${SENDER} --out new.p7m`,
    code: 'ERR_PATH_PURPOSE',
  },
  decrypt: {
    good: 'decrypt note.p7m --as reader --for conductor --trust trust.p7 --out new.json',
    bad: 'decrypt note.p7m --as credentials/compute-07/signer --for conductor --trust trust.p7 --out new.json',
    code: 'ERR_CMS_DECRYPT',
  },
  'cms encrypt': {
    good: `cms encrypt note.json --to ${READER}/cert.pem --out new.p7m`,
    bad: `cms encrypt note.json --to ${READER}/cert.pem --to ${READER}/cert.pem --out new.p7m`,
    code: 'ERR_CMS_RECIPIENT',
  },
  'cms decrypt': {
    good: `cms decrypt note.p7m --cert ${READER}/cert.pem --key ${READER}/key.pem --out new.json`,
    bad: `cms decrypt note.p7s --cert ${READER}/cert.pem --key ${READER}/key.pem --out new.json`,
    code: 'ERR_CMS_TYPE_UNSUPPORTED',
  },
  'cms sign': {
    good: `cms sign note.json --cert ${SIGNER}/cert.pem --key ${SIGNER}/key.pem --out new.p7s`,
    bad: `cms sign note.json --cert ${CERT} --key ${SIGNER}/key.pem --out new.p7s`,
    code: 'ERR_KEY_CERT_MISMATCH',
  },
  'cms verify': {
    good: `cms verify note.p7s --content note.json --cert ${SIGNER}/cert.pem`,
    bad: 'cms verify note.p7s --content note.json',
    code: 'ERR_CMS_SIGNER_UNKNOWN',
  },
  'cms inspect': { good: 'cms inspect note.json.p7s', bad: 'cms inspect note.json', code: 'ERR_PEM_MALFORMED' },
  'agent run': {
    good: 'agent run --config agent.yaml --once',
    bad: 'agent run --config missing.yaml --once',
    code: 'ERR_FILE_READ',
  },
  'agent status': {
    good: 'agent status --config agent.yaml',
    bad: 'agent status --config missing.yaml',
    code: 'ERR_FILE_READ',
  },
  'agent units': {
    good: 'agent units --config agent.yaml',
    bad: 'agent units --config broken.yaml',
    code: 'ERR_CONFIG_INVALID',
  },
  doctor: { good: 'doctor credentials/compute-07/tls', bad: 'doctor --config missing.yaml', code: 'ERR_FILE_READ' },
  'audit verify': { good: 'audit verify', bad: '--home missing audit verify', code: 'ERR_HOME_MISSING' },
  'audit export': {
    good: 'audit export --out log.ndjson',
    bad: 'audit export --out note.json',
    code: 'ERR_OUTPUT_EXISTS',
  },
  'compare kite': { good: 'compare kite', bad: 'compare kite --format picture', code: 'ERR_USAGE' },
  'compare sizes': {
    good: 'compare sizes --algorithm p256 note.json',
    bad: 'compare sizes --algorithm p521',
    code: 'ERR_CONFIG_INVALID',
  },
  config: {
    good: 'config nginx --backend http://127.0.0.1:8080 --allow-entity compute-07 --dry-run',
    bad: 'config nginx --backend http://10.0.0.5:8080 --allow-entity compute-07',
    code: 'ERR_CONFIG_INVALID',
  },
  'config plan': { good: 'config plan channels.yaml', bad: 'config plan broken.yaml', code: 'ERR_DEPLOYMENT_INVALID' },
  completion: { good: 'completion bash', bad: 'completion tcsh', code: 'ERR_USAGE' },
}

const program = buildProgram({} as CliEnvironment)
const commands = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(commands)]
const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim()
const all = commands(program)
// A command may have commands below it, and do something by itself.
const leaves = all.filter((command) => command.commands.length === 0 || command.registeredArguments.length > 0)
const words = (line: string): readonly string[] => splitWords(line, new Map())

// The deployment has somebody in quarantine, without certificates, a CMS document that is no message, a mapping document
// of Keystone, policies, and a responder with a request and an answer of its own.
// of Keystone, a reader of encrypted messages with one for it, and a responder with a request and an answer of its own.
const base = newWorld()
const keystoneRules = [
  { local: [{ user: { name: '{0}' } }], remote: [{ type: 'SSL_CLIENT_S_DN_CN' }, { type: 'SSL_CLIENT_SAN_DNS_0' }] },
]
const policyFor = (allow: readonly string[]): string =>
  JSON.stringify({
    version: 1,
    roles: ['compute_node', 'broker'],
    messages: { ping: null },
    destinations: { scheduler: { receivers: ['broker'] } },
    rules: [{ name: 'pings', allow, send: 'ping', to: 'scheduler' }],
  })
const pinging = { name: 'pings', sender: { roles: ['compute_node'] }, type: 'ping', to: 'scheduler', expect: 'allow' }
base.write('policy.yaml', policyFor(['compute_node']))
base.write('wider.yaml', policyFor(['compute_node', 'broker']))
base.write('cases.yaml', JSON.stringify({ version: 1, cases: [pinging] }))
base.write(
  'idle.yaml',
  policyFor(['compute_node']).replace(
    '"rules":[',
    '"rules":[{"name":"again","allow":["compute_node"],"send":"ping","to":"*"},',
  ),
)
base.write('other-cases.yaml', JSON.stringify({ version: 1, cases: [{ ...pinging, expect: 'deny' }] }))
base.write('keystone.json', JSON.stringify({ rules: keystoneRules }))
base.write(
  'agent.yaml',
  JSON.stringify({
    version: 1,
    status: 'status.json',
    source: { authority: 'home', passphraseFile: 'passphrase' },
    credentials: [{ directory: 'kept', entity: 'compute-07' }],
  }),
)
const homeLike = (from: string, to: string): void => cpSync(base.path(from), base.path(to), { recursive: true })
homeLike('home', 'staged')
for (const line of [
  // Further homes, in which a rotation is under way.
  '--home staged rotate stage --request-out next.csr',
  'root sign next.csr --root root-offline --like home/issuing-ca.pem --out next.pem',
  '--home staged rotate stage --certificate next.pem',
  'root new --like home/root.pem --out root-new',
]) {
  const { code, stderr } = await base.run(line)
  if (code !== 0) throw new Error(`${line}: ${stderr}`)
}
homeLike('staged', 'cut')
for (const line of [
  '--home cut rotate cut-over --reason keyCompromise --root root-offline',
  'agent --config agent.yaml --once',
  'entity add quarantined-01 --kind node',
  'scope add empty --kind region',
  'role add idle',
  'export --out deployment.yaml',
  'entity quarantine quarantined-01',
  `cms sign note.json --cert ${SIGNER}/cert.pem --key ${SIGNER}/key.pem --out note.p7s`,
  'sign note.json --as credentials/compute-07/signer --type order --to billing --route conductor-01 --out order.p7s',
  'route check-off order.p7s --content note.json --as credentials/conductor-01/signer --trust trust.p7 --out done.p7s',
  'envelope create --as credentials/conductor-01/signer --part note=compute-07 --out plan.env',
  'envelope add plan.env note.json --name note --as credentials/compute-07/signer --trust trust.p7 --out whole.env',
  'issue conductor-01 --profile recipient --out reader',
  `encrypt note.json --to ${READER}/cert.pem ${SENDER} --out note.p7m`,
  'trust publish --site site --delta-from trust.p7 --delta-out delta.p7',
  'ocsp delegate --out responder',
  `ocsp request ${CHAIN} --out request.der`,
]) {
  const { code, stderr } = await base.run(line)
  if (code !== 0) throw new Error(`${line}: ${stderr}`)
}
const answered = await base.run('ocsp respond --responder responder --json', {
  stdin: readFileSync(base.path('request.der')),
})
base.write('broken.yaml', 'version: 2\n')
base.write('channels.yaml', readFileSync('fixtures/deployments/passthrough/deployment.yaml'))
base.write('response.der', Buffer.from(String(answered.json['response']), 'base64'))
/** What the commands of this deployment read from standard input. */
const inputOf = ({ stdin }: Call): CliOptions => (stdin === undefined ? {} : { stdin: readFileSync(base.path(stdin)) })
const worldOfCommands = (): World => {
  const world = copyWorld(base.folder)
  worlds.push(world)
  return world
}

/** What every refusal looks like. @returns The object that --json printed, if it was asked for. */
function expectRefusal(result: CliResult, code: ErrorCode): void {
  expect(result.errorCode).toBe(code)
  const exitCode = EXIT_CODES[ERROR_CODES[code].category]
  expect(result.code).toBe(exitCode)
  const lines = result.stderr.trimEnd().split('\n')
  for (const line of lines) expect(line).toMatch(/^signet: (error|hint|note): \S/)
  const errors = lines.filter((line) => line.startsWith('signet: error: '))
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatch(/ \[ERR_[A-Z0-9_]+\]$/)
  for (const line of lines) {
    const text = line.replace(/^signet: \w+: /, '').replace(/ \[ERR_[A-Z0-9_]+\]$/, '')
    expect(text).not.toMatch(/^[A-Z][a-z]/)
    expect(text).not.toMatch(/[^.]\.$/)
    expect(text).not.toMatch(/undefined|\[object|NaN/)
  }
}

function expectJsonRefusal(result: CliResult, code: ErrorCode): void {
  expectRefusal(result, code)
  expect(result.stdout).toMatch(/^\{.*\}\n$/)
  expect(result.json).toMatchObject({
    schema: 1,
    ok: false,
    error: { code, category: ERROR_CODES[code].category, exitCode: result.code },
  })
  expect(Object.keys(result.json)).toEqual(['schema', 'ok', 'error'])
  const error = result.json['error'] as { message: string; hint?: string; details: Record<string, unknown> }
  expect(result.stderr).toContain(`signet: error: ${error.message} [${code}]\n`)
  expect(result.stderr.includes('signet: hint: ')).toBe(error.hint !== undefined)
  if (error.hint !== undefined) expect(result.stderr).toContain(`signet: hint: ${error.hint}\n`)
  for (const value of Object.values(error.details)) expect(typeof value).toBe('string')
}

describe('every command', () => {
  it('is in the table of this test', () => {
    expect(Object.keys(CALLS).sort()).toEqual(leaves.map(pathOf).sort())
  })

  it.each(all.map((command) => [pathOf(command)]))('signet %s --help: ends with 0 and has examples', async (path) => {
    const result = await base.run([...words(path), '--help'])
    expect(result.code).toBe(0)
    expect(result.stderr).toBe('')
    expect(result.stdout).toMatch(new RegExp(`^Usage: signet ${path}`.trimEnd()))
    expect(result.stdout).toMatch(/^Examples:\n( {2}\$ signet .*\n?)+|^Examples:\n {2}\$ source /m)
    expect(result.stdout).toContain('--help')
  })

  it.each(all.map((command) => [pathOf(command)]))('signet %s: every option says what it is for', (path) => {
    const command = all.find((item) => pathOf(item) === path)
    for (const option of command?.options ?? []) expect(option.description).not.toBe('')
    // Secrets never stand on a command line, where others can read them.
    for (const option of command?.options ?? []) {
      if (/pass|secret/.test(option.long ?? '')) expect(option.long).toMatch(/-(file|fd)$/)
    }
    expect(command?.description()).toMatch(/\.$/)
  })

  it.each(Object.entries(CALLS))('signet %s: succeeds, in words and in JSON', async (_, call) => {
    const { good, prints } = call
    const spoken = await worldOfCommands().run(words(good), inputOf(call))
    expect(spoken).toMatchObject({ code: 0, errorCode: undefined })
    expect(spoken.stdout).toMatch(prints === 'DER' ? /^0/ : /\S\n$/)
    if (prints !== 'JSON') expect(() => JSON.parse(spoken.stdout) as unknown).toThrow()
    const result = await worldOfCommands().run([...words(good), '--json'], inputOf(call))
    expect(result).toMatchObject({ code: 0, errorCode: undefined, json: { schema: 1, ok: true } })
    expect(result.stdout).toMatch(/^\{.*\}\n$/)
    expect(result.json).not.toHaveProperty('error')
  })

  it.each(Object.entries(CALLS))('signet %s: is refused, in words and in JSON', async (_, call) => {
    const { bad, code } = call
    const spoken = await worldOfCommands().run(words(bad), inputOf(call))
    expectRefusal(spoken, code)
    expect(spoken.stdout).toBe('')
    expectJsonRefusal(await worldOfCommands().run([...words(bad), '--json'], inputOf(call)), code)
    // --json is understood wherever it stands.
    expectJsonRefusal(await worldOfCommands().run(['--json', ...words(bad)], inputOf(call)), code)
  })

  it('a refusal that is explained says so beside the error, and keeps its code', async () => {
    const line = `cert verify ${CERT} --purpose email --explain`
    const spoken = await base.run(line)
    expectRefusal(spoken, 'ERR_PATH_PURPOSE')
    expect(spoken.stdout).toMatch(/^path 1 of 1: refused\n(.+\n)+$/)
    const { json } = await base.run(`${line} --json`)
    expect(Object.keys(json)).toEqual(['schema', 'ok', 'error', 'explanation'])
    expect(json).toMatchObject({ schema: 1, ok: false, error: { code: 'ERR_PATH_PURPOSE', exitCode: 4 } })
    const good = await base.run(`cert verify ${CERT} --explain --json`)
    expect(Object.keys(good.json)).toEqual(['schema', 'ok', 'verified', 'revocation', 'at', 'path', 'explanation'])
  })

  it.each<[string, ErrorCode, readonly string[]]>([
    [`policy check policy.yaml --role broker ${PING}`, 'ERR_POLICY_DENIED', ['decision', 'sender']],
    ['policy compare wider.yaml policy.yaml', 'ERR_POLICY_WIDER', ['wider']],
    ['policy lint idle.yaml --strict', 'ERR_POLICY_LINT', ['findings']],
    [
      'policy test policy.yaml other-cases.yaml',
      'ERR_POLICY_CASES',
      ['passed', 'failed', 'coverage', 'uncovered', 'results'],
    ],
    [
      'policy test idle.yaml cases.yaml --require-coverage',
      'ERR_POLICY_CASES',
      ['passed', 'failed', 'coverage', 'uncovered', 'results'],
    ],
  ])('signet %s: is refused, and says what was found', async (line, code, members) => {
    const spoken = await base.run(line)
    expectRefusal(spoken, code)
    expect(spoken.stdout).toMatch(/\S\n$/)
    const refused = await base.run(`${line} --json`)
    expectRefusal(refused, code)
    expect(Object.keys(refused.json)).toEqual(['schema', 'ok', 'error', ...members])
    expect(refused.json).toMatchObject({ schema: 1, ok: false, error: { code, exitCode: refused.code } })
  })

  it.each(Object.entries(CALLS))(
    'signet %s: an unknown option, or one word too many, is a usage error',
    async (path, call) => {
      const before = base.listing()
      expectJsonRefusal(await base.run([...words(call.good), '--nonsense', '--json']), 'ERR_USAGE')
      // No number of words is too many for a command that takes a list: they are files that are not there.
      const takesMany = leaves
        .find((leaf) => pathOf(leaf) === path)
        ?.registeredArguments.some(({ variadic }) => variadic)
      const code = takesMany === true ? 'ERR_FILE_READ' : 'ERR_USAGE'
      expectJsonRefusal(await base.run([...words(call.good), 'one', 'two', 'three', '--json']), code)
      expect(base.listing()).toEqual(before)
    },
  )

  const needing = leaves.filter(
    (command) =>
      command.registeredArguments.some((item) => item.required) || command.options.some((item) => item.mandatory),
  )
  it.each(needing.map((command) => [pathOf(command)]))('signet %s: a missing word is a usage error', async (path) => {
    const result = await base.run([...words(path), '--json'])
    expectJsonRefusal(result, 'ERR_USAGE')
    expect(result.stderr).toMatch(new RegExp(`^signet: hint: signet ${path} --help shows how$`, 'm'))
  })

  const groups = all.filter((command) => !leaves.includes(command))
  it.each(groups.map((command) => [pathOf(command)]))(
    'signet %s: alone, or with an unknown command, is a usage error',
    async (path) => {
      expectJsonRefusal(await base.run([...words(path), '--json']), 'ERR_USAGE')
      expectJsonRefusal(await base.run([...words(path), 'nonsense', '--json']), 'ERR_USAGE')
    },
  )
})

/** An environment whose standard input is open and stays silent. */
function silent(world: World, variables: Record<string, string>, terminal?: PassThrough) {
  const [stdin, stdout, stderr] = [terminal ?? new PassThrough(), new PassThrough(), new PassThrough()]
  const printed = { stdout: '', stderr: '' }
  stdout.on('data', (piece: Buffer) => (printed.stdout += piece.toString()))
  stderr.on('data', (piece: Buffer) => (printed.stderr += piece.toString()))
  const environment: CliEnvironment = {
    stdin: terminal === undefined ? stdin : Object.assign(stdin, { isTTY: true }),
    stdout,
    stderr: terminal === undefined ? stderr : Object.assign(stderr, { isTTY: true }),
    variables: { HOME: world.folder, SIGNET_HOME: world.path('home'), ...variables },
    directory: world.folder,
    clock: { now: () => STORY_START },
  }
  return { environment, printed }
}

describe('passphrases', () => {
  const needing = [
    '--home new init --domain a.example',
    'issue compute-07 --out new',
    'issue --all --out new',
    'renew compute-07 --out new',
    'crl publish --out new.pem',
    'crl publish --out-dir new --delta',
    'trust publish --out new.p7',
    'ocsp delegate --out new',
    'ocsp sign --out new',
    'probe kit --out new',
    'rotate stage --root root-offline',
    '--home staged rotate deliver --credentials credentials',
    '--home staged rotate reissue --out new --reason keyCompromise',
    '--home staged rotate cut-over --reason keyCompromise --root root-offline',
    '--home cut rotate retire',
    'root sign next.csr --root root-offline --like home/issuing-ca.pem --out new.pem',
    'root new --like home/root.pem --out root-2',
    'root cross-sign root-new/root.pem --root root-offline --out new.pem',
  ]
  it.each(needing)('signet %s: without a terminal nothing asks, and nothing waits', async (line) => {
    const world = worldOfCommands()
    const before = world.listing()
    const { environment, printed } = silent(world, {})
    expect(await main(words(line), environment)).toBe(2)
    expect(printed.stderr).toMatch(/^signet: error: the .*passphrase .* was not given \[ERR_PASSPHRASE_REQUIRED\]$/m)
    expect(printed.stderr).toMatch(/--passphrase-file, or SIGNET_PASSPHRASE_FILE/)
    expect(world.listing()).toEqual(before)
  })

  it('no other command needs one', async () => {
    const spent = new Set(
      needing.map((line) =>
        words(line.replace(/^--home \S+ /, ''))
          .slice(0, 2)
          .join(' '),
      ),
    )
    const refused: object[] = []
    for (const [path, { good, stdin }] of Object.entries(CALLS)) {
      const needsOne = [...spent].some((line) => line.startsWith(path)) && !good.includes('--responder')
      if (needsOne || path === 'quickstart') continue
      const world = worldOfCommands()
      const { environment, printed } = silent(world, {})
      if (stdin !== undefined) (environment.stdin as PassThrough).end(readFileSync(base.path(stdin)))
      const code = await main(words(good), environment)
      if (code !== 0) refused.push({ path, code, printed: printed.stderr })
    }
    expect(refused).toEqual([])
  })

  it('who answers with the key of the CA needs one, after the request was read', async () => {
    const world = worldOfCommands()
    const { environment, printed } = silent(world, {})
    ;(environment.stdin as PassThrough).end(readFileSync(base.path('request.der')))
    expect(await main(['ocsp', 'respond'], environment)).toBe(2)
    expect(printed.stderr).toContain('[ERR_PASSPHRASE_REQUIRED]')
    expect(printed.stdout).toBe('')
  })

  /** Answer each question on a terminal. */
  async function onTerminal(line: string, answers: readonly string[]) {
    const world = newWorld()
    const terminal = new PassThrough()
    const { environment, printed } = silent(world, {}, terminal)
    let asked = 0
    ;(environment.stderr as PassThrough).on('data', () => {
      const questions = printed.stderr.split(': ').length - 1
      while (asked < Math.min(questions, answers.length)) terminal.write(answers[asked++] ?? '')
    })
    const code = await main(words(line), environment)
    return { world, code, ...printed }
  }

  it('a terminal is asked, and shows nothing of what is typed', async () => {
    const { code, stderr, stdout, world } = await onTerminal('issue compute-07 --out new', [
      'correct horse battery staple\r',
    ])
    expect([code, stderr]).toEqual([0, 'passphrase of the authority: \n'])
    expect(stdout + stderr).not.toContain('horse')
    expect(Object.keys(world.listing())).toContain('new/tls/current')
  })

  it('a new passphrase is asked for twice', async () => {
    const made = await onTerminal('--home new init --domain a.example --root-out r', ['first one\r', 'first one\r'])
    expect([made.code, made.stderr]).toEqual([0, 'new passphrase of the authority: \nthe same again: \n'])
    const differing = await onTerminal('--home new init --domain a.example', ['first one\r', 'second one\r'])
    expect(differing.code).toBe(2)
    expect(differing.stderr).toContain('the two passphrases differ [ERR_PASSPHRASE_REQUIRED]')
    expect(Object.keys(differing.world.listing())).not.toContain('new')
  })

  it.each([
    ['an empty line', '\r'],
    ['the end of the input', '\u0004'],
    ['an interrupt', '\u0003'],
  ])('%s is no passphrase', async (_, answer) => {
    const { code, stderr } = await onTerminal('issue compute-07 --out new', [answer])
    expect(stderr).toContain('[ERR_PASSPHRASE_REQUIRED]')
    expect(code).toBe(2)
  })

  it('a wrong one is a refusal', async () => {
    const { code, stderr } = await onTerminal('issue compute-07 --out new', ['wrong\r'])
    expect([code, stderr]).toEqual([8, expect.stringContaining('[ERR_KEY_PASSPHRASE]')])
  })
})
