/**
 * RabbitMQ: users by identity URI (EXTERNAL).
 *
 * @module servers/rabbitmq (floor 7.2)
 */
import { brokerFiles } from './broker.js'
import type { ServerPlan } from './plan.js'
import type { ConfigFinding } from './finding.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { isLoopback } from './lint-words.js'
import { finding, type Setting, settingsOf } from './settings.js'

/** The script that Debian's wrapper, which would change the user, starts. */
const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server'

export const RABBITMQ: ServerKind = {
  name: 'rabbitmq',
  title: 'RabbitMQ',
  role: 'service',
  facts: {
    version: '3.10',
    profile: 'server',
    identity: 'uri',
    crls: 'every-ca',
    crlsCount: 'at-once',
    brokenPair: 'outage',
    disconnect: ['rabbitmqctl', 'close_all_user_connections', '{name}', 'certificate revoked'],
  },
  installation: {
    directory: '/etc/signet/rabbitmq',
    state: '/var/lib/rabbitmq/mnesia',
    user: 'rabbitmq',
    group: 'rabbitmq',
    port: 5671,
    unit: { name: 'rabbitmq-server', from: 'package', type: 'notify', startsAs: 'user' },
    image: 'rabbitmq:3.13',
    imageUid: 999,
  },
  generate,
  lint,
  nameOf: ({ uri }) => uri,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { directory, state } = plan
  const { files, notes } = brokerFiles(plan, 'rabbitmq', 'RabbitMQ')
  return {
    files,
    start: [
      'env',
      `RABBITMQ_CONFIG_FILE=${directory}/rabbitmq.conf`,
      `RABBITMQ_ADVANCED_CONFIG_FILE=${directory}/advanced.config`,
      `RABBITMQ_ENABLED_PLUGINS_FILE=${directory}/enabled_plugins`,
      `RABBITMQ_MNESIA_BASE=${state}`,
      PROGRAM,
    ],
    // Otherwise it notices within two minutes.
    reload: [['rabbitmqctl', 'eval', 'ssl:clear_pem_cache().']],
    notes: [...notes, 'users and permissions are taken up at a start: rabbitmqctl import_definitions does the same'],
  }
}

/** `{key, value}` of Erlang's terms, or `ssl_options.key = value` of rabbitmq.conf. */
interface Option {
  readonly where: Pick<Setting, 'file' | 'line'>
  readonly value: string
}

/** Reads both files together: the options of advanced.config overrule. Clusters, the management plug-in and shovels are not looked at. */
function lint(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = settingsOf(texts, { comment: /#|%/, separator: /\s*=\s*/ })
  const erlang = (name: string): Option | undefined => {
    const term = new RegExp(`\\{\\s*${name}\\s*,\\s*([^},]+)`)
    const found = settings.findLast(({ text }) => term.test(text))
    return found === undefined ? undefined : { where: found, value: term.exec(found.text)?.[1]?.trim() ?? '' }
  }
  const option = (name: string): Option | undefined => {
    const plain = settings.findLast(({ key }) => key === `ssl_options.${name}`)
    return erlang(name) ?? (plain === undefined ? undefined : { where: plain, value: plain.value })
  }
  const findings: ConfigFinding[] = listenerFindings(texts, settings)
  const expect = (name: string, wanted: string, whenAbsent: ConfigFinding['code'], message: string): void => {
    const found = option(name)
    if (found === undefined) findings.push(finding(texts, 'hole', whenAbsent, message, `{${name}, ${wanted}}`))
    else if (found.value === `"${wanted}"` || /^"(?:true|false)"$/.test(found.value)) {
      findings.push(
        finding(found.where, 'hole', 'string-boolean', `${name} is a text, not ${wanted}`, `{${name}, ${wanted}}`),
      )
    } else if (found.value !== wanted) {
      findings.push(finding(found.where, 'hole', whenAbsent, message, `{${name}, ${wanted}}`))
    }
  }
  expect('verify', 'verify_peer', 'verification-absent', 'certificates of clients are not verified')
  expect('fail_if_no_peer_cert', 'true', 'verification-optional', 'clients need no certificate')
  expect('reuse_sessions', 'false', 'resumption', 'who was revoked comes back with a session of TLS 1.2 from before')
  const check = option('crl_check')
  const cache = erlang('crl_cache')
  if (check === undefined || !/^(?:true|peer)$/.test(check.value)) {
    const message =
      check?.value === 'best_effort' ? 'where there is no CRL, nobody is revoked' : 'revoked certificates are let in'
    findings.push(
      finding(check?.where ?? texts, 'hole', 'revocation-absent', message, '{crl_check, true}, in advanced.config'),
    )
  } else if (cache === undefined) {
    const message = 'CRLs are asked for, and there is nowhere to take them from: nobody is let in'
    findings.push(finding(check.where, 'outage', 'revocation-absent', message, '{crl_cache, {ssl_crl_hash_dir, …}}'))
  }
  return findings
}

function listenerFindings(texts: ConfigTexts, settings: readonly Setting[]): ConfigFinding[] {
  const clear = settings.filter(
    ({ key, value }) => /^listeners\.tcp\./.test(key) && !isLoopback(value.replace(/:[0-9]+$/, '')),
  )
  const none = settings.some(({ key, value }) => key === 'listeners.tcp' && value === 'none')
  const mechanisms = settings.filter(({ key }) => /^auth_mechanisms\./.test(key))
  const findings = clear.map((setting) =>
    finding(setting, 'hole', 'clear-text', 'this listener has no TLS', 'listeners.tcp = none'),
  )
  const hasMain = settings.some(({ key }) => /^(?:listeners|auth_mechanisms|ssl_options|load_definitions)\b/.test(key))
  if (hasMain && !none && clear.length === 0 && !settings.some(({ key }) => /^listeners\.tcp\./.test(key))) {
    const message = 'port 5672 without TLS is open unless it is said that it is not'
    findings.push(finding(texts, 'hole', 'clear-text', message, 'listeners.tcp = none'))
  }
  if (hasMain && (mechanisms.length === 0 || mechanisms.some(({ value }) => value !== 'EXTERNAL'))) {
    const where = mechanisms.find(({ value }) => value !== 'EXTERNAL') ?? texts
    const message = 'users can also come with a password, whatever their certificate says'
    findings.push(finding(where, 'hole', 'anybody-certified', message, 'auth_mechanisms.1 = EXTERNAL'))
  }
  return findings
}
