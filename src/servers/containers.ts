/**
 * A server in a container: by Docker Compose, or in Kubernetes.
 *
 * @module servers/containers (floor 7.2)
 */
import type { JsonValue } from '../json/index.js'
import { formatYaml } from '../yaml/index.js'
import type { ServerPlan } from './plan.js'
import type { GeneratedFile, ServerConfiguration, ServerKind } from './server.js'

/** What those need who give up their rights by themselves. */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'NET_BIND_SERVICE', 'SETGID', 'SETUID']

/** The configuration, and beside it `compose.yaml`. */
export function composeFiles(
  { name, installation }: ServerKind,
  plan: ServerPlan,
  configuration: ServerConfiguration,
): readonly GeneratedFile[] {
  const { image, imageUid, unit } = installation
  const mount = (path: string): JsonValue => ({ type: 'bind', source: path, target: path, read_only: true })
  const service = {
    image,
    command: [...configuration.start],
    restart: 'unless-stopped',
    ...networkOf(plan),
    // The folder: a single file that is mounted stays the old one after a renewal.
    volumes: [
      mount(plan.credential),
      mount(plan.directory),
      ...sockets(plan).map((path) => ({ type: 'bind', source: path, target: path })),
    ],
    tmpfs: [plan.state],
    read_only: true,
    cap_drop: ['ALL'],
    ...(unit.startsAs === 'root' ? { cap_add: CAPABILITIES } : {}),
    security_opt: ['no-new-privileges:true'],
  }
  const comment = `# Written by signet. The image reads the key as user ${imageUid}, who must be able to: secrets of Compose are mounts, too,
# and keep the owner and mode that they have outside.
${reloadLines(configuration, `docker compose kill -s SIGNAL ${name}`, `docker compose exec -T ${name}`)}`
  return [
    ...inDirectory(plan, configuration),
    {
      path: `${plan.directory}/compose.yaml`,
      content: `${comment}${formatYaml({ services: { [name]: service } })}`,
      mode: 0o644,
      owner: 'root',
      group: 'root',
    },
  ]
}

/** Clear text stays within one network namespace: that of the service behind, which publishes the port. */
function networkOf({ backend, listen }: ServerPlan): { readonly [name: string]: JsonValue } {
  if (backend?.kind === 'loopback') return { network_mode: 'service:backend' }
  return 'socket' in listen ? {} : { ports: [`${listen.port}:${listen.port}`] }
}

/** Folders of the Unix sockets that are shared with others. */
function sockets({ listen, backend }: ServerPlan): readonly string[] {
  const paths = ['socket' in listen ? listen.socket : '', backend?.kind === 'socket' ? backend.path : '']
  return [...new Set(paths.filter((path) => path !== '').map((path) => path.replace(/\/[^/]+$/, '')))]
}

/** One manifest: configuration, pod, and the service in front of it. The credential is a Secret of its own. */
export function kubernetesFiles(
  { name: kind, installation }: ServerKind,
  plan: ServerPlan,
  configuration: ServerConfiguration,
): readonly GeneratedFile[] {
  const name = `signet-${kind}`
  const files = inDirectory(plan, configuration)
  const contents = (secret: boolean): Record<string, string> =>
    Object.fromEntries(
      files
        .filter(({ mode }) => ((mode & 0o004) === 0) === secret)
        .map(({ path, content }) => [path.slice(plan.directory.length + 1), content]),
    )
  const [open, secret] = [contents(false), contents(true)]
  const hasSecrets = Object.keys(secret).length > 0
  const documents: JsonValue[] = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: open },
    ...(hasSecrets ? [{ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: secret }] : []),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: pod(name, installation, plan, configuration, hasSecrets),
        },
      },
    },
    ...('socket' in plan.listen
      ? []
      : [
          {
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name },
            spec: { selector: { app: name }, ports: [{ port: plan.listen.port, targetPort: plan.listen.port }] },
          },
        ]),
  ]
  const comment = `# Written by signet. The credential, again after each renewal (the pod sees it within a minute or so):
#   kubectl create secret generic ${name}-credential --from-file=${plan.credential}/current --dry-run=client -o yaml | kubectl apply -f -
${reloadLines(configuration, `kubectl exec deploy/${name} -- kill -s SIGNAL 1`, `kubectl exec deploy/${name} --`)}${
    plan.backend?.kind === 'loopback' ? '# The service behind it is a second container of this pod.\n' : ''
  }`
  const content = comment + documents.map((document) => formatYaml(document)).join('---\n')
  return [
    {
      path: `${plan.directory}/kubernetes.yaml`,
      content,
      mode: hasSecrets ? 0o600 : 0o644,
      owner: 'root',
      group: 'root',
    },
  ]
}

function pod(
  name: string,
  { imageUid, unit, image }: ServerKind['installation'],
  plan: ServerPlan,
  configuration: ServerConfiguration,
  hasSecrets: boolean,
): JsonValue {
  const probe = 'socket' in plan.listen ? undefined : { tcpSocket: { port: plan.listen.port }, periodSeconds: 10 }
  // As numbers: 0440 is four hundred and forty to YAML 1.2.
  const secretMode = 0o440
  const sources = [{ configMap: { name } }, ...(hasSecrets ? [{ secret: { name, defaultMode: secretMode } }] : [])]
  return {
    securityContext: { fsGroup: imageUid === 0 ? 1000 : imageUid },
    automountServiceAccountToken: false,
    containers: [
      {
        name,
        image,
        command: [...configuration.start],
        securityContext: {
          runAsUser: imageUid,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'], ...(unit.startsAs === 'root' ? { add: CAPABILITIES } : {}) },
        },
        // Whole folders: what is mounted by subPath is never renewed.
        volumeMounts: [
          { name: 'credential', mountPath: `${plan.credential}/current`, readOnly: true },
          { name: 'configuration', mountPath: plan.directory, readOnly: true },
          { name: 'state', mountPath: plan.state },
        ],
        ...(probe === undefined ? {} : { readinessProbe: probe, livenessProbe: { ...probe, failureThreshold: 6 } }),
      },
    ],
    volumes: [
      { name: 'credential', secret: { secretName: `${name}-credential`, defaultMode: secretMode } },
      { name: 'configuration', projected: { sources } },
      { name: 'state', emptyDir: {} },
    ],
  }
}

function reloadLines({ reload, reloadSignal }: ServerConfiguration, bySignal: string, byWords: string): string {
  if (reloadSignal !== undefined) return `# After a renewal: ${bySignal.replace('SIGNAL', reloadSignal)}\n`
  return reload.map((command) => `# After a renewal: ${byWords} ${command.map(shellWord).join(' ')}\n`).join('')
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** What else lies on the machine has no place in a container. */
function inDirectory({ directory }: ServerPlan, { files }: ServerConfiguration): readonly GeneratedFile[] {
  return files.filter(({ path }) => path.startsWith(`${directory}/`))
}
