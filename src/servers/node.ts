/**
 * Node: a proxy of a hundred lines on this library, and an example of a server of one's own.
 *
 * @module servers/node (floor 7.2)
 */
import { backendOf, invalid } from './checks.js'
import { lintNode } from './node-lint.js'
import type { Backend, ServerPlan } from './plan.js'
import { IDENTITY_HEADERS, modeText, publicFile } from './render.js'
import type { ServerConfiguration, ServerKind } from './server.js'

export const NODE: ServerKind = {
  name: 'node',
  title: 'Node',
  role: 'proxy',
  facts: {
    version: '24',
    profile: 'server',
    identity: 'uri',
    crls: 'every-ca',
    crlsCount: 'at-once',
    brokenPair: 'old-stays',
    disconnect: 'on-reload',
  },
  installation: {
    directory: '/etc/signet/node',
    state: '/run/signet-node',
    user: 'signet',
    group: 'signet',
    port: 8443,
    unit: { name: 'signet-node', from: 'own' },
    image: 'node:24',
    imageUid: 1000,
  },
  generate,
  lint: lintNode,
  nameOf: ({ entity }) => entity,
}

function generate(plan: ServerPlan): ServerConfiguration {
  const { admitted, credential, state, versions } = plan
  if (admitted.length === 0)
    throw invalid('choice of entities', 'nobody', 'a server that refuses everybody is not started')
  const pidFile = `${state}/node.pid`
  const isSocket = 'socket' in plan.listen
  const { imports, before, request } = handOn(backendOf(plan), versions)
  const content = `// Written by signet. node server.mjs; needs signet-pki: npm install signet-pki beside it.
// New files of the credential are taken up when they come; SIGHUP does it at once.
${importLine(isSocket ? ['readFileSync', 'writeFileSync'] : ['writeFileSync'], 'node:fs')}
${importLine(['request'], imports.from)}
${importLine(['createMutualHttpsServer', ...imports.tls, ...(isSocket ? ['listenOnSocket'] : [])], 'signet-pki/tls')}

// Who may come in, by the URI of their certificates.
const ADMITTED = new Map([
${admitted.map(({ uri, entity, roles }) => `  ['${uri}', { entity: '${entity}', roles: '${roles.join(',')}' }],\n`).join('')}])

const log = (what) => (error) => console.error(\`\${what}: \${error.code}: \${error.message}\`)
const clock = { now: () => new Date() }
const listener = { refused: log('not used'), stale: log('publish CRLs'), peerRefused: log('refused'), peerClosed: log('ended') }
${before}
// What a client says about itself, in these words or in what others take for them, and what is said from hop to hop.
const DROPPED = /^(?:x[-_]signet[-_].*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i

const { server, reload } = createMutualHttpsServer(
  {
    credential: '${credential}',
    // The list above is the registry; nobody else is let in.
    identify: 'allow-unregistered',
    allow: { uris: [...ADMITTED.keys()] },
    versions: '${versions}',
    clock,
    listener,
  },
  (incoming, response, peer) => {
    const { entity, roles } = ADMITTED.get(peer.identity.uri)
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !DROPPED.test(name)))
    headers['${IDENTITY_HEADERS.entity.toLowerCase()}'] = entity
    headers['${IDENTITY_HEADERS.uri.toLowerCase()}'] = peer.identity.uri
    headers['${IDENTITY_HEADERS.roles.toLowerCase()}'] = roles
    const { method, url: path } = incoming
    const outgoing = request({ ${request}, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  },
)
process.on('SIGHUP', () => void reload().catch(log('not used')))
${listen(plan)}
writeFileSync('${pidFile}', \`\${process.pid}\\n\`)
console.error('ready')
`
  const file = publicFile(plan, 'server.mjs', content)
  return {
    files: [file],
    start: ['node', file.path],
    reload: [['pkill', '-HUP', '-F', pidFile]],
    reloadSignal: 'HUP',
    notes: ['the credential must be readable by the user that runs it (signet issue --group)'],
  }
}

function importLine(names: readonly string[], from: string): string {
  return ['import {', names.toSorted().join(', '), '} from', `'${from}'`].join(' ')
}

interface HandOn {
  readonly imports: { readonly from: string; readonly tls: readonly string[] }
  /** What is set up once. */
  readonly before: string
  /** Where a request goes. */
  readonly request: string
}

function handOn(backend: Backend, versions: ServerPlan['versions']): HandOn {
  const clear = { from: 'node:http', tls: [] }
  if (backend.kind === 'loopback')
    return { imports: clear, before: '', request: `host: '127.0.0.1', port: ${backend.port}` }
  if (backend.kind === 'socket') return { imports: clear, before: '', request: `socketPath: '${backend.path}'` }
  if (backend.kind === 'passthrough') {
    throw invalid('backend of Node', backend.kind, 'it opens everything: use nginx, HAProxy or Envoy')
  }
  const { credential, host, port, name } = backend
  return {
    imports: { from: 'node:https', tls: ['createMutualTlsClient', 'mutualTlsAgent'] },
    before: `
// Encrypted again: with a certificate of the inner domain, and only to who has the name there.
const inner = createMutualTlsClient({
  credential: '${credential}',
  identify: 'allow-unregistered',
  versions: '${versions}',
  clock,
  listener,
})
const agent = mutualTlsAgent(inner, { hostName: '${name}' })
`,
    request: `host: '${host}', port: ${port}, agent`,
  }
}

function listen({ listen: place }: ServerPlan): string {
  if (!('socket' in place)) {
    return `await new Promise((resolve) => server.listen({ host: '${place.address}', port: ${place.port} }, resolve))`
  }
  const { socket, mode, owner, group } = place
  return `// Who may connect at all is a matter of its owner and mode.
const id = (file, name) => Number(readFileSync(file, 'utf8').match(new RegExp(\`^\${name}:[^:]*:(\\\\d+):\`, 'm'))?.[1])
await listenOnSocket(server, {
  path: '${socket}',
  mode: 0o${modeText(mode).slice(1)},
  uid: id('/etc/passwd', '${owner}'),
  gid: id('/etc/group', '${group}'),
})`
}
