/**
 * A server under systemd: a drop-in for the unit of its package, or a unit of its own, and one that reloads it when its
 * credential changes.
 *
 * @module servers/systemd (floor 7.2)
 */
import type { ServerPlan } from './plan.js'
import type { GeneratedFile, ServerConfiguration, ServerKind } from './server.js'

const UNITS = '/etc/systemd/system'

/** The units. Whoever has an agent that reloads servers needs not enable the path unit. */
export function systemdFiles(
  { installation: { unit }, title }: ServerKind,
  plan: ServerPlan,
  configuration: ServerConfiguration,
): readonly GeneratedFile[] {
  const service = `${unit.name}.service`
  const own = unit.from === 'own'
  const head = own
    ? `[Unit]\nDescription=${title}, configured by signet\nAfter=network-online.target\nWants=network-online.target\n\n`
    : ''
  const tail = own ? '\n[Install]\nWantedBy=multi-user.target\n' : ''
  const content = `# Written by signet. systemctl daemon-reload; then systemctl ${own ? 'enable --now' : 'restart'} ${unit.name}
${head}[Service]
${serviceLines(unit, plan, configuration, own ? '' : RESET)}${hardening(plan, unit.startsAs)}${tail}`
  const path = own ? `${UNITS}/${service}` : `${UNITS}/${unit.name}.service.d/signet.conf`
  return [file(path, content), ...(configuration.reload.length === 0 ? [] : reloadUnits(unit.name, plan))]
}

/** What a drop-in has to take away before it says it anew. */
const RESET = 'PIDFile=\nExecStartPre=\nExecStart=\nExecStartPost=\nExecReload=\nExecStop=\nExecStopPost=\n'

function serviceLines(
  { type = 'exec', startsAs }: ServerKind['installation']['unit'],
  { state, user, group }: ServerPlan,
  { start, test, reload, reloadSignal }: ServerConfiguration,
  reset: string,
): string {
  const commands = reloadSignal === undefined ? reload : [['kill', '-s', reloadSignal, '$MAINPID']]
  // A reload that would fail is not begun.
  const reloads = commands.length === 0 ? [] : [...(test === undefined ? [] : [test]), ...commands]
  const [, base = '', name = ''] = /^(\/run|\/var\/lib|\/var\/cache|\/var\/log)\/(.+)$/.exec(state) ?? []
  const folder = { '/run': 'Runtime', '/var/lib': 'State', '/var/cache': 'Cache', '/var/log': 'Logs' }[base]
  return [
    `Type=${type}\n`,
    startsAs === 'user' ? `User=${user}\nGroup=${group}\n` : '',
    reset,
    test === undefined ? '' : `ExecStartPre=${words(test)}\n`,
    `ExecStart=${words(start)}\n`,
    ...reloads.map((command) => `ExecReload=${words(command)}\n`),
    folder === undefined ? `ReadWritePaths=${state}\n` : `${folder}Directory=${name}\n`,
    'Restart=on-failure\nRestartSec=2\n',
  ].join('')
}

/** What none of the servers needs. */
function hardening({ credential }: ServerPlan, startsAs: 'root' | 'user'): string {
  return `# It reads its credential, and nobody's home.
ReadOnlyPaths=${credential}
ProtectHome=yes
ProtectSystem=full
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
SystemCallArchitectures=native
LimitCORE=0
${startsAs === 'user' ? 'AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n' : ''}`
}

/**
 * `current` changes places in the folder of the credential: that is what is watched. A link that is watched itself would be
 * followed to a version, which never changes.
 */
function reloadUnits(name: string, { credential }: ServerPlan): readonly GeneratedFile[] {
  const unit = `signet-reload-${name}`
  return [
    file(
      `${UNITS}/${unit}.path`,
      `# Written by signet: for credentials that nobody else reloads after. systemctl enable --now ${unit}.path
[Unit]
Description=Notice a new credential of ${name}

[Path]
PathChanged=${credential}

[Install]
WantedBy=multi-user.target
`,
    ),
    file(
      `${UNITS}/${unit}.service`,
      `# Written by signet.
[Unit]
Description=Have ${name} take up its new credential

[Service]
Type=oneshot
ExecStart=systemctl reload ${name}.service
`,
    ),
  ]
}

/** Words as systemd splits them. A variable of its own stays one. */
function words(command: readonly string[]): string {
  return command
    .map((word) => {
      if (word === '$MAINPID' || /^[A-Za-z0-9_./:=@,+-]+$/.test(word)) return word
      const escaped = word.replaceAll(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')
      return `"${escaped.replaceAll('\n', '\\n')}"`
    })
    .join(' ')
}

function file(path: string, content: string): GeneratedFile {
  return { path, content, mode: 0o644, owner: 'root', group: 'root' }
}
