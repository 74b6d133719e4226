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
${serviceLines(unit, plan, configuration, own ? '' : RESET)}${hardening(plan, unit)}${tail}`
  const path = own ? `${UNITS}/${service}` : `${UNITS}/${unit.name}.service.d/signet.conf`
  return [file(path, content), ...(configuration.reload.length === 0 ? [] : reloadUnits(unit.name, plan))]
}

/** What a drop-in has to take away before it says it anew. */
const RESET = 'PIDFile=\nExecStartPre=\nExecStart=\nExecStartPost=\nExecReload=\nExecStop=\nExecStopPost=\n'

type Unit = ServerKind['installation']['unit']

/** Whose unit says the user; others say it themselves, or give up their rights. */
function isUnprivileged({ from, startsAs = 'user' }: Unit): boolean {
  return from === 'own' && startsAs === 'user'
}

function serviceLines(
  unit: Unit,
  { state, user, group }: ServerPlan,
  { start, test, reload, reloadSignal }: ServerConfiguration,
  reset: string,
): string {
  const commands = reloadSignal === undefined ? reload : [['kill', '-s', reloadSignal, '$MAINPID']]
  // A reload that would fail is not begun.
  const reloads = commands.length === 0 ? [] : [...(test === undefined ? [] : [test]), ...commands]
  // A unit of a package has its own folders. Those below /run are gone with each start.
  const [, base = '', name = ''] = /^(\/run|\/var\/lib)\/(.+)$/.exec(state) ?? []
  const folder = base === '/run' ? 'Runtime' : base === '/var/lib' && unit.from === 'own' ? 'State' : undefined
  return [
    `Type=${unit.type ?? 'exec'}\n`,
    isUnprivileged(unit) ? `User=${user}\nGroup=${group}\n` : '',
    reset,
    // Where it is made for root, who gives up the rights to write there.
    unit.from === 'own' && !isUnprivileged(unit)
      ? `ExecStartPre=install -d -m 0750 -o ${user} -g ${group} ${state}\n`
      : '',
    test === undefined ? '' : `ExecStartPre=${words(test)}\n`,
    `ExecStart=${words(start)}\n`,
    ...reloads.map((command) => `ExecReload=${words(command)}\n`),
    folder === undefined ? '' : `${folder}Directory=${name}\n`,
    'Restart=on-failure\nRestartSec=2\n',
  ].join('')
}

/** What none of the servers needs. */
function hardening({ credential }: ServerPlan, unit: Unit): string {
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
${isUnprivileged(unit) ? 'AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n' : ''}`
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
