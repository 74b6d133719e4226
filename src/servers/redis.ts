/**
 * Redis, which takes nobody's name from a certificate and reads no CRLs: it listens on a Unix socket only, behind a gateway.
 *
 * @module servers/redis (floor 7.2)
 */
import { dirname } from 'node:path'
import { invalid } from './checks.js'
import type { ConfigFinding } from './finding.js'
import { isLoopback, isWeakProtocols } from './lint-words.js'
import type { ServerPlan } from './plan.js'
import { REDIS_SECRET } from './redis-password.js'
import { modeText, publicFile } from './render.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { finding, lastOf, type Setting, settingsOf } from './settings.js'

export const REDIS: ServerKind = {
  name: 'redis',
  title: 'Redis',
  role: 'service',
  facts: {
    version: '7.0',
    profile: 'server',
    identity: 'none',
    crls: 'none',
    crlsCount: 'never',
    brokenPair: 'old-stays',
    // By the gateway, which does it itself.
    disconnect: 'on-reload',
  },
  installation: {
    directory: '/etc/signet/redis',
    state: '/var/lib/redis',
    user: 'redis',
    group: 'redis',
    port: 6379,
    unit: { name: 'redis-server', from: 'package', type: 'exec', startsAs: 'user' },
    image: 'redis:7.0',
    imageUid: 999,
  },
  generate,
  lint,
  nameOf: ({ entity }) => entity,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { listen, user, group, directory } = plan
  if (!('socket' in listen)) {
    throw invalid(
      'place for Redis',
      listen.address,
      'it cannot tell who comes: name a Unix socket, behind redis-gateway',
    )
  }
  if (listen.owner !== user || listen.group !== group) {
    throw invalid('owner of a socket', `${listen.owner}:${listen.group}`, `Redis makes it as ${user}:${group}`)
  }
  return {
    files: [
      publicFile(plan, 'redis.conf', mainPart(plan, listen.socket, listen.mode)),
      publicFile(plan, 'start.sh', startScript(plan, dirname(listen.socket))),
    ],
    start: ['sh', `${directory}/start.sh`],
    // It has no certificate.
    reload: [],
    notes: NOTES,
  }
}

function mainPart({ state }: ServerPlan, socket: string, mode: number): string {
  return `# Written by signet.
# No port: whoever can open the socket is asked for a password that only the gateway can work out.
port 0
unixsocket ${socket}
unixsocketperm ${modeText(mode).replace(/^0/, '')}
aclfile ${state}/users.acl
dir ${state}
daemonize no
`
}

/** Passwords are worked out from a secret of this machine, so that no two configurations have the same, nor any file has one. */
function startScript({ state, directory, admitted }: ServerPlan, place: string): string {
  return `#!/bin/sh
# Written by signet: makes the users, each with the keys and channels below their name, and becomes Redis.
set -eu
umask 027
secret=${place}/${REDIS_SECRET}
[ -s "$secret" ] || {
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \\n' >"$secret.new"
  mv "$secret.new" "$secret"
}
hash() { sha256sum | cut -c 1-64; }
user() {
  password=$(printf '%s:%s' "$1" "$(cat "$secret")" | hash)
  echo "user $1 reset on #$(printf %s "$password" | hash) ~$1:* &$1:* +@all -@admin -@dangerous"
}
{
  # A client that says RESET is nobody again.
  echo 'user default reset off'
${admitted.map(({ entity }) => `  user '${entity}'\n`).join('')}} >${state}/users.acl.new
mv ${state}/users.acl.new ${state}/users.acl
exec redis-server ${directory}/redis.conf
`
}

const NOTES: readonly string[] = [
  'Redis 7.0 takes no identity from certificates and reads no CRLs: its own TLS would be a gate for anybody who has a certificate, revoked or not',
  'put redis-gateway in front, which says to Redis who it is; behind HAProxy or stunnel everybody would have to know a password',
  'who may open the socket, and read the secret beside it, is anybody to Redis: give the group to the gateway alone',
  'other users, and other rights, count after a restart',
]

/** What redis.conf says of listeners. Users and their rights are not looked at. */
function lint(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = settingsOf(new Map([...texts].filter(([file]) => file.endsWith('.conf'))), { separator: /\s+/ })
  const of = (key: string): Setting | undefined => lastOf(settings, key)
  const findings: ConfigFinding[] = []
  const say = (key: string, ...rest: Said): void => void findings.push(finding(of(key) ?? texts, ...rest))
  const addresses = (of('bind')?.value ?? '127.0.0.1').split(/\s+/).map((address) => address.replace(/^-/, ''))
  const isReached = !addresses.every(isLoopback)
  if (isReached && of('port')?.value !== '0') say('port', 'hole', 'clear-text', 'this port has no TLS', 'port 0')
  const perm = of('unixsocketperm')
  if (perm !== undefined && /[2367]$/.test(perm.value)) {
    say('unixsocketperm', 'hole', 'mode', 'everybody on this machine may open the socket', 'unixsocketperm 660')
  }
  if ((of('tls_port')?.value ?? '0') === '0') return findings
  const auth = of('tls_auth_clients')?.value ?? 'yes'
  if (auth !== 'yes') {
    const code = auth === 'optional' ? 'verification-optional' : 'verification-absent'
    say('tls_auth_clients', 'hole', code, 'clients need no certificate', 'tls-auth-clients yes')
  }
  say('tls_port', 'hole', 'anybody-certified', 'Redis takes nobody’s name from a certificate', GATEWAY)
  say('tls_port', 'hole', 'revocation-absent', 'Redis reads no CRLs', GATEWAY)
  if (of('tls_session_caching')?.value !== 'no') {
    say('tls_session_caching', 'hole', 'resumption', 'sessions outlive certificates', 'tls-session-caching no')
  }
  if (isWeakProtocols(of('tls_protocols')?.value ?? '')) {
    say('tls_protocols', 'hole', 'weak-protocol', 'versions before 1.2 are spoken', 'tls-protocols "TLSv1.2 TLSv1.3"')
  }
  return findings
}

type Said = readonly [ConfigFinding['severity'], ConfigFinding['code'], string, string]

const GATEWAY = 'port 0, tls-port 0, unixsocket …, and redis-gateway in front'
