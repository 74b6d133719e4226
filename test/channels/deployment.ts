/** A deployment in which nothing is wrong, and ways to change one thing of it. */
import { type ChannelPlan, parseDeployment, planChannels } from '../../src/channels/index.js'
import { formatYaml, parseYaml } from '../../src/yaml/index.js'

export const GOOD = `
version: 1
domains:
  inside: { authority: own, zones: [rack] }
  customers: { authority: own, zones: [internet] }
  web: { authority: public, zones: [internet] }
zones: { internet: public, rack: internal, edge-01: host-local }
clients:
  standard:
    ca: /etc/signet/tls/current/ca-bundle.pem
    certificate: /etc/signet/tls/current/fullchain.pem
    key: /etc/signet/tls/current/key.pem
    crls: /etc/signet/tls/current/crls.pem
endpoints:
  users:
    zone: internet
    client: standard
    credentials:
      customers:
        directory: /etc/signet/tls
        identities: [{ uri: spiffe://customers.example/shop/alice, roles: [buyer] }]
  edge:
    host: edge-01
    zone: internet
    kind: haproxy
    listen: { address: 192.0.2.10, port: 443 }
    credentials:
      customers: { directory: /var/lib/signet/outside, names: [shop.example] }
      inside:
        directory: /var/lib/signet/inside
        identities: [{ uri: spiffe://cloud.example/edge/edge-01 }]
  proxy:
    host: api-01
    zone: rack
    kind: haproxy
    listen: { address: 10.0.0.11, port: 8774 }
    credentials: { inside: { directory: /var/lib/signet/api-01, names: [api.cloud.example], group: haproxy } }
  api:
    host: api-01
    zone: rack
    user: api
    separation: required
    listen: { address: 127.0.0.1, port: 8775 }
channels:
  shop:
    protocol: rest
    from: users
    hops:
      - { to: edge, tls: mutual-tls, domain: customers }
      - { to: proxy, tls: mutual-tls, domain: inside }
      - { to: api, tls: clear }
`

interface Node {
  [name: string]: Node
}

/** The text with one member changed: `endpoints.api.listen.address`. What is `undefined` is left out. */
export function changed(changes: Readonly<Record<string, unknown>>, text = GOOD): string {
  const document = parseYaml(text, 'the test') as never
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    const parent = names.reduce<Node>((node, name) => (node[name] ??= {}), document)
    if (value === undefined) Reflect.deleteProperty(parent, last)
    else parent[last] = value as Node
  }
  return formatYaml(document)
}

export function planOf(changes: Readonly<Record<string, unknown>> = {}): ChannelPlan {
  return planChannels(parseDeployment(changed(changes)))
}

/** Codes with their severities, of a deployment with one thing changed. */
export function found(changes: Readonly<Record<string, unknown>>): readonly string[] {
  return planOf(changes).findings.map(({ code, severity }) => `${severity} ${code}`)
}
