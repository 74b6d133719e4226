/**
 * stunnel: clients by the DNS names of their certificate. It tells its backend nothing about them.
 *
 * @module servers/stunnel (floor 7.2)
 */
import { backendOf, invalid } from './checks.js'
import type { Backend, ServerPlan } from './plan.js'
import { credentialFilesOf, hostPort, publicFile } from './render.js'
import type { ServerConfiguration, ServerKind } from './server.js'
import { lintStunnel } from './stunnel-lint.js'

export const STUNNEL: ServerKind = {
  name: 'stunnel',
  title: 'stunnel',
  role: 'proxy',
  facts: {
    version: '5.68',
    profile: 'server',
    identity: 'dns',
    crls: 'issuing-ca',
    crlsCount: 'on-reload',
    brokenPair: 'old-stays',
    disconnect: 'restart',
  },
  installation: {
    directory: '/etc/signet/stunnel',
    state: '/run/signet-stunnel',
    user: 'stunnel4',
    group: 'stunnel4',
    port: 8443,
    unit: { name: 'signet-stunnel', from: 'own', startsAs: 'root' },
    image: 'dweomer/stunnel',
    imageUid: 0,
  },
  generate,
  lint: lintStunnel,
  nameOf: ({ dnsNames: [name = ''] }) => name,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { fullchain, key, caBundle, crls } = credentialFilesOf(plan.credential)
  const pidFile = `${plan.state}/stunnel.pid`
  const names = plan.admitted.flatMap(({ entity, dnsNames }) => {
    if (dnsNames.length === 0) throw invalid('name for stunnel', entity, 'it has no DNS name: stunnel knows no others')
    return dnsNames.map((name) => `checkHost = ${name}\n`)
  })
  if (names.length === 0) throw invalid('choice of entities', 'nobody', 'stunnel without names lets everybody in')
  const content = `; Written by signet. SIGHUP reads it and the files of the credential again.
foreground = yes
pid = ${pidFile}
debug = info
syslog = no
; It reads the key again as this user: the credential needs a group that may (signet issue --group).
setuid = ${plan.user}
setgid = ${plan.group}

[signet]
accept = ${place(plan)}
connect = ${target(backendOf(plan))}
cert = ${fullchain}
key = ${key}
CAfile = ${caBundle}
CRLfile = ${crls}
; Both: without the second, a client without a certificate is let in.
verifyChain = yes
requireCert = yes
sslVersionMin = ${plan.versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2'}
; Whoever resumes a session is not asked for a certificate again.
options = NO_TICKET
sessionResume = no
; Who may come in. Any of these; without one, whoever has a certificate could.
${names.join('')}`
  const file = publicFile(plan, 'stunnel.conf', content)
  return {
    files: [file],
    start: ['stunnel4', file.path],
    reload: [['pkill', '-HUP', '-F', pidFile]],
    reloadSignal: 'HUP',
    notes: [
      'the backend is not told who asks: it serves everybody alike who is let in',
      'who is connected stays so through a reload, and after a revocation: restart it to end that',
    ],
  }
}

function place({ listen }: ServerPlan): string {
  if (!('socket' in listen)) return hostPort(listen.address, listen.port)
  throw invalid('listener of stunnel', listen.socket, 'it cannot set who may connect to a socket: use HAProxy or Node')
}

function target(backend: Backend): string {
  if (backend.kind === 'loopback') return `127.0.0.1:${backend.port}`
  if (backend.kind === 'socket') return backend.path
  throw invalid(
    'backend of stunnel',
    backend.kind,
    'it decrypts or encrypts, and chooses nothing: use nginx or HAProxy',
  )
}
