/**
 * Kafka: principals by the subject of certificates, and no principal for any other subject.
 *
 * @module servers/kafka (floor 7.2)
 */
import { brokerFiles } from './broker.js'
import { endpointOf } from './endpoint.js'
import type { ServerPlan } from './plan.js'
import { credentialFilesOf } from './render.js'
import type { ConfigFinding } from './finding.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { finding, lastOf, type Setting, settingsOf } from './settings.js'

export const KAFKA: ServerKind = {
  name: 'kafka',
  title: 'Kafka',
  role: 'service',
  facts: {
    version: '4.1',
    // Brokers and controllers are clients of each other.
    profile: 'peer',
    identity: 'subject',
    crls: 'none',
    crlsCount: 'never',
    brokenPair: 'old-stays',
    disconnect: 'restart',
  },
  installation: {
    directory: '/etc/signet/kafka',
    state: '/var/lib/kafka',
    user: 'kafka',
    group: 'kafka',
    port: 9094,
    unit: { name: 'signet-kafka', from: 'own', startsAs: 'user' },
    image: 'apache/kafka:4.1.0',
    imageUid: 1000,
  },
  generate,
  lint,
  nameOf: ({ entity }) => `User:${entity}`,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { directory, credential } = plan
  const { files, notes } = brokerFiles(plan, 'kafka', 'Kafka')
  const { port } = endpointOf(plan, 'Kafka')
  const keystore = `listener.name.signet.ssl.keystore.location=${credentialFilesOf(credential).combined}`
  const client = ['--bootstrap-server', `localhost:${port}`, '--command-config', `${directory}/client.properties`]
  const brokers = ['--alter', '--entity-type', 'brokers', '--entity-default', '--add-config', keystore]
  return {
    // A line is the arguments of one call: where there is nothing to call, there is no file.
    files: files.filter(({ content }) => content !== ''),
    start: [`${PROGRAMS}/kafka-server-start.sh`, `${directory}/server.properties`],
    reload: [[`${PROGRAMS}/kafka-configs.sh`, ...client, ...brokers]],
    notes: [...notes.filter((note) => !note.includes('join key.pem')), ...NOTES],
  }
}

const PROGRAMS = '/opt/kafka/bin'

const NOTES: readonly string[] = [
  'server.properties is yours: signet.properties, with node.id, process.roles, the controller and log.dirs',
  'the reload names the file again that is in use; the broker looks whether it is newer. Its client.properties are yours to write',
  'new CAs, and new rules for principals, count after a restart',
  'the JVM can ask for CRLs at the distribution points that certificates name (com.sun.net.ssl.checkRevocation): ours name none',
]

/** Brokers' and clients' properties alike. ACLs are not in files. */
function lint(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = settingsOf(new Map([...texts].filter(([file]) => file.endsWith('.properties'))), {
    comment: /^[#!]/,
    separator: /\s*[=:]\s*/,
  })
  const listeners = settings.filter(({ key }) => key === 'listeners')
  const findings = settings.flatMap(settingFindings)
  for (const setting of listeners)
    findings.push(...listenerFindings(setting, lastOf(settings, 'listener.security.protocol.map')))
  if (listeners.length === 0) return findings
  if (!settings.some(({ key }) => /(?:^|\.)ssl\.client\.auth$/.test(key))) {
    findings.push(
      finding(texts, 'hole', 'verification-absent', 'clients need no certificate', 'ssl.client.auth=required'),
    )
  }
  if (lastOf(settings, 'authorizer.class.name') === undefined) {
    const message = 'nobody asks what a principal may do'
    findings.push(finding(texts, 'hole', 'anybody-certified', message, 'authorizer.class.name=…StandardAuthorizer'))
  }
  return [
    ...findings,
    finding(texts, 'note', 'revocation-absent', 'Kafka reads no CRLs', 'take the ACLs of who is revoked away'),
  ]
}

function settingFindings(setting: Setting): readonly ConfigFinding[] {
  const { key, value } = setting
  if (/(?:^|\.)ssl\.client\.auth$/.test(key) && value !== 'required') {
    const code = value === 'requested' ? 'verification-optional' : 'verification-absent'
    return [finding(setting, 'hole', code, 'clients need no certificate', 'ssl.client.auth=required')]
  }
  if (/(?:^|\.)ssl\.endpoint\.identification\.algorithm$/.test(key) && value.toLowerCase() !== 'https') {
    const message = 'nobody asks whether this is the server that was meant'
    return [finding(setting, 'hole', 'host-unchecked', message, 'ssl.endpoint.identification.algorithm=https')]
  }
  if (/(?:^|\.)ssl\.principal\.mapping\.rules$/.test(key) && /(?:^|,)\s*DEFAULT\s*$/.test(value)) {
    const message = 'a subject that no rule is for becomes a principal, too'
    return [finding(setting, 'note', 'anybody-certified', message, 'end the rules without DEFAULT')]
  }
  if (key === 'allow.everyone.if.no.acl.found' && value === 'true') {
    const message = 'what has no ACL is everybody’s'
    return [finding(setting, 'hole', 'anybody-certified', message, 'allow.everyone.if.no.acl.found=false')]
  }
  if (/(?:^|\.)ssl\.enabled\.protocols$/.test(key) && /TLSv1(?:\.1)?(?:,|$)/.test(value)) {
    return [finding(setting, 'hole', 'weak-protocol', `${value} is allowed`, 'ssl.enabled.protocols=TLSv1.3,TLSv1.2')]
  }
  if (key === 'security.protocol' && !/^(?:SASL_)?SSL$/.test(value)) {
    return [finding(setting, 'hole', 'clear-text', `${value} is no TLS`, 'security.protocol=SSL')]
  }
  return []
}

/** `NAME://address:port`, where the map says what a name is; without a map it is its own protocol. */
function listenerFindings(setting: Setting, map: Setting | undefined): readonly ConfigFinding[] {
  const protocols = new Map(map?.value.split(',').map((pair) => pair.trim().split(':') as [string, string]))
  const clear = setting.value
    .split(',')
    .map((listener) => listener.trim())
    .filter((listener) => {
      const [name = ''] = listener.split('://')
      return !/SSL$/.test(protocols.get(name) ?? name) && !/:\/\/(?:localhost|127\.[0-9.]+)[:/]/.test(listener)
    })
  return clear.map((listener) => finding(setting, 'hole', 'clear-text', `${listener} has no TLS`, 'NAME:SSL'))
}
