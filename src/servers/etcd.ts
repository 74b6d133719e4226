/**
 * etcd: users by the common name of their certificate, each with keys of their own.
 *
 * @module servers/etcd (floor 7.2)
 */
import { endpointOf } from './endpoint.js'
import { lintEtcd } from './etcd-lint.js'
import type { Admitted, ServerPlan } from './plan.js'
import { credentialFilesOf, hostPort, publicFile } from './render.js'
import type { ServerConfiguration, ServerKind } from './server.js'

export const ETCD: ServerKind = {
  name: 'etcd',
  title: 'etcd',
  role: 'service',
  facts: {
    version: '3.4',
    // Members are clients of each other, and the gateway is one of its own server.
    profile: 'peer',
    identity: 'common-name',
    crls: 'serials-only',
    crlsCount: 'at-once',
    brokenPair: 'outage',
    disconnect: 'restart',
  },
  installation: {
    directory: '/etc/signet/etcd',
    state: '/var/lib/etcd/default',
    user: 'etcd',
    group: 'etcd',
    port: 2379,
    unit: { name: 'etcd', from: 'package', type: 'notify', startsAs: 'user' },
    image: 'coreos/etcd:v3.4.34',
    imageUid: 0,
  },
  generate,
  lint: lintEtcd,
  nameOf: ({ subject }) => subject.commonName,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { state, credential, admitted, directory } = plan
  const { address, port, text } = endpointOf(plan, 'etcd')
  const { fullchain, key, caBundle, crls } = credentialFilesOf(credential)
  const members = `https://${hostPort(address, port + 1)}`
  const script = publicFile(plan, 'auth.sh', authScript(admitted))
  return {
    files: [script, publicFile(plan, 'client.env', clientPart(`https://${text}`))],
    // Version 3.4 takes CRLs as flags only: with a file of YAML it looks at no flag.
    start: [
      ...['etcd', '--data-dir', state],
      ...['--listen-client-urls', `https://${text}`, '--advertise-client-urls', `https://${text}`],
      ...['--cert-file', fullchain, '--key-file', key, '--trusted-ca-file', caBundle],
      ...['--client-cert-auth', '--client-crl-file', crls],
      ...['--listen-peer-urls', members, '--initial-advertise-peer-urls', members],
      ...['--initial-cluster', `default=${members}`],
      ...['--peer-cert-file', fullchain, '--peer-key-file', key, '--peer-trusted-ca-file', caBundle],
      ...['--peer-client-cert-auth', '--peer-crl-file', crls],
      ...['--cipher-suites', CIPHERS],
    ],
    // It reads key, certificate and CRL at each handshake.
    reload: [],
    notes: [
      ...NOTES,
      `this is the one member of a cluster: for more, write name and --initial-cluster anew in ${directory}`,
    ],
  }
}

const CIPHERS = ['ECDSA', 'RSA']
  .flatMap((kind) => [`${kind}_WITH_AES_256_GCM_SHA384`, `${kind}_WITH_AES_128_GCM_SHA256`])
  .map((name) => `TLS_ECDHE_${name}`)
  .join(',')

/** For whoever connects, with the credential directory of the client. */
function clientPart(endpoint: string): string {
  const { fullchain, key, caBundle } = credentialFilesOf('/etc/signet/tls')
  return `# Written by signet, for clients: the environment of etcdctl. The endpoint's name must be in the server's certificate.
ETCDCTL_API=3
ETCDCTL_ENDPOINTS=${endpoint}
ETCDCTL_CACERT=${caBundle}
ETCDCTL_CERT=${fullchain}
ETCDCTL_KEY=${key}
`
}

function authScript(admitted: readonly Admitted[]): string {
  return `#!/bin/sh
# Written by signet: sh auth.sh ADMINISTRATOR, with ETCDCTL_ENDPOINTS, ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY of that
# entity, which gets the role root. Makes users, each with the keys below its name; removes nobody. Before
# "auth enable", at the end, any certificate is everything.
set -eu
export ETCDCTL_API=3
administrator=\${1:?the common name of an administrator}
user() {
  etcdctl user get "$1" >/dev/null 2>&1 || etcdctl user add "$1" --no-password
  etcdctl role get "$1" >/dev/null 2>&1 || etcdctl role add "$1"
  etcdctl role grant-permission "$1" --prefix=true readwrite "$2/"
  etcdctl user grant-role "$1" "$1"
}
# Without a user root etcd enables nothing. Nobody has a certificate of that name, nor a password.
etcdctl user get root >/dev/null 2>&1 || etcdctl user add root --no-password
etcdctl user grant-role root root
${admitted.map(({ entity, subject }) => `user '${subject.commonName}' '${entity}'\n`).join('')}etcdctl user get "$administrator" >/dev/null 2>&1 || etcdctl user add "$administrator" --no-password
etcdctl user grant-role "$administrator" root
etcdctl auth enable
`
}

const NOTES: readonly string[] = [
  'etcd 3.4 speaks TLS 1.2, too: it knows no least version',
  'the certificate must be of the profile peer: one for servers only never becomes a member, and fills the log with refusals of its own gateway',
  'the user is the common name alone: an entity of that name from anywhere below a trusted CA is that user, and an entity called root would be everything',
  'certificates say who comes only after "auth enable", and only over gRPC: the JSON gateway refuses them',
  'etcd compares serial numbers with one CRL, and looks neither at who signed it nor at when it is over',
  'key, certificate and CRL are read at each handshake; new CAs count after a restart; live connections survive a revocation until then',
  'while key and certificate do not match, nobody comes in: renew by credential directory only',
]
