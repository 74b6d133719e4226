/**
 * Pulsar: roles by the common name of certificates. Written from its documentation and source; nobody has tried it here.
 *
 * @module servers/pulsar (floor 7.2)
 */
import { endpointOf } from './endpoint.js'
import type { ServerPlan } from './plan.js'
import type { ConfigFinding } from './finding.js'
import { credentialFilesOf, publicFile } from './render.js'
import type { ConfigTexts, ServerConfiguration, ServerKind } from './server.js'
import { finding, lastOf, type Setting, settingsOf } from './settings.js'

const PLUGINS = 'org.apache.pulsar'

export const PULSAR: ServerKind = {
  name: 'pulsar',
  title: 'Pulsar',
  role: 'service',
  facts: {
    version: 'documentation',
    // The broker is a client of other brokers, and of itself.
    profile: 'peer',
    identity: 'common-name',
    crls: 'none',
    crlsCount: 'never',
    brokenPair: 'outage',
    disconnect: 'restart',
  },
  installation: {
    directory: '/etc/signet/pulsar',
    state: '/var/lib/pulsar',
    user: 'pulsar',
    group: 'pulsar',
    port: 6651,
    unit: { name: 'signet-pulsar', from: 'own', startsAs: 'user' },
    image: 'apachepulsar/pulsar:3.0.7',
    imageUid: 10000,
  },
  generate,
  lint,
  nameOf: ({ subject }) => subject.commonName,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { directory, admitted } = plan
  const grants = admitted.map(
    ({ subject }) =>
      `pulsar-admin namespaces grant-permission TENANT/NAMESPACE --role "${subject.commonName}" --actions produce,consume\n`,
  )
  return {
    files: [
      publicFile(plan, 'broker.conf', brokerPart(plan)),
      publicFile(
        plan,
        'grants.txt',
        `# Written by signet: whoever may come has no rights until they are granted some.\n${grants.join('')}`,
      ),
    ],
    start: ['env', `PULSAR_BROKER_CONF=${directory}/broker.conf`, '/pulsar/bin/pulsar', 'broker'],
    // It looks every minute.
    reload: [],
    notes: NOTES,
  }
}

function brokerPart(plan: ServerPlan): string {
  const { fullchain, key, caBundle } = credentialFilesOf(plan.credential)
  const { address, port } = endpointOf(plan, 'Pulsar')
  return `# Written by signet: part of broker.conf. Clusters, the metadata store and super users are not said here.
bindAddress=${address}
# Empty: no listener without TLS.
brokerServicePort=
webServicePort=
brokerServicePortTls=${port}
webServicePortTls=8443
tlsCertificateFilePath=${fullchain}
tlsKeyFilePath=${key}
tlsTrustCertsFilePath=${caBundle}
tlsRequireTrustedClientCertOnConnect=true
tlsAllowInsecureConnection=false
tlsHostnameVerificationEnabled=true
tlsProtocols=${plan.versions === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.3,TLSv1.2'}
tlsCertRefreshCheckDurationSec=60
authenticationEnabled=true
authorizationEnabled=true
authenticationProviders=${PLUGINS}.broker.authentication.AuthenticationProviderTls
brokerClientTlsEnabled=true
brokerClientTrustCertsFilePath=${caBundle}
brokerClientAuthenticationPlugin=${PLUGINS}.client.impl.auth.AuthenticationTls
brokerClientAuthenticationParameters=tlsCertFile:${fullchain},tlsKeyFile:${key}
# superUserRoles=COMMON-NAME of the brokers, which must read and write everything
`
}

const NOTES: readonly string[] = [
  'this configuration was not tried on a running Pulsar',
  'the role is the common name alone, wherever in the subject it stands: an entity of that name from anywhere below a trusted CA has it',
  'Pulsar reads no CRLs: take the permissions of a revoked role away, and restart the broker to end its connections',
  'who is not granted anything can connect, and may do nothing',
]

const SWITCHES: readonly (readonly [string, string, ConfigFinding['code'], string])[] = [
  ['tlsrequiretrustedclientcertonconnect', 'true', 'verification-optional', 'clients need no certificate'],
  ['authenticationenabled', 'true', 'verification-absent', 'nobody is asked who they are'],
  ['authorizationenabled', 'true', 'anybody-certified', 'nobody is asked what they may do'],
  ['tlshostnameverificationenabled', 'true', 'host-unchecked', 'nobody asks whether this is the broker that was meant'],
]

/** broker.conf, proxy.conf. Those of clients only where they are of the same names. */
function lint(texts: ConfigTexts): readonly ConfigFinding[] {
  const settings = settingsOf(new Map([...texts].filter(([file]) => file.endsWith('.conf'))), { separator: /\s*=\s*/ })
  const of = (key: string): Setting | undefined => lastOf(settings, key)
  const findings = SWITCHES.flatMap(([key, wanted, code, message]) => {
    const found = of(key)
    return found?.value === wanted ? [] : [finding(found ?? texts, 'hole', code, message, `${key}=${wanted}`)]
  })
  const insecure = of('tlsallowinsecureconnection')
  if (insecure?.value === 'true') {
    findings.push(
      finding(insecure, 'hole', 'verification-absent', 'any certificate is let in', 'tlsAllowInsecureConnection=false'),
    )
  }
  for (const key of ['brokerserviceport', 'webserviceport']) {
    const port = of(key)
    if (port === undefined || port.value !== '') {
      findings.push(finding(port ?? texts, 'hole', 'clear-text', `${key} is a listener without TLS`, `${key}=`))
    }
  }
  return [
    ...findings,
    finding(texts, 'note', 'revocation-absent', 'Pulsar reads no CRLs', 'take the permissions of who is revoked away'),
  ]
}
