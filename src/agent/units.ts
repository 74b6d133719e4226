/**
 * systemd units for an agent: a service that goes on, or a timer for those who like that better.
 *
 * @module agent/units (floor 7.4)
 */
import { dirname } from 'node:path'
import { UsageError } from '../errors/index.js'
import type { AgentConfiguration } from './configuration.js'

/** What the units are for. */
export interface UnitsRequest {
  readonly configuration: AgentConfiguration
  /** Absolute path of the configuration file. */
  readonly file: string
  /** Absolute path of the program. */
  readonly program: string
}

/** A file below `/etc/systemd/system`. */
export interface Unit {
  readonly name: string
  readonly content: string
}

/**
 * Write the units: `signet-agent.service`, and `signet-agent-once.service` with `signet-agent-once.timer`. Enable one of the
 * two.
 *
 * The service may write to the credential directories, which must be there, and to what else the configuration names; it
 * keeps what `chown`, a reload and `runuser` in a reload take, and nothing more.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for a path that systemd would read as something else
 */
export function agentUnits({ configuration, file, program }: UnitsRequest): readonly Unit[] {
  const words = [program, 'agent', '--config', file].map(word).join(' ')
  const sandbox = sandboxFor(configuration)
  const unit = `[Unit]
Description=signet: keeps credential directories fresh
Documentation=man:signet(1)
Wants=network-online.target
After=network-online.target
`
  return [
    {
      name: 'signet-agent.service',
      content: `${unit}
[Service]
Type=simple
ExecStart=${words} --json
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=30
TimeoutStopSec=120
${sandbox}
[Install]
WantedBy=multi-user.target
`,
    },
    {
      name: 'signet-agent-once.service',
      content: `${unit}
[Service]
Type=oneshot
ExecStart=${words} --once --json
TimeoutStartSec=600
${sandbox}`,
    },
    {
      name: 'signet-agent-once.timer',
      content: `[Unit]
Description=signet: looks at credential directories now and then

[Timer]
OnBootSec=1min
OnUnitActiveSec=${configuration.everySeconds}s
RandomizedDelaySec=${Math.max(1, Math.floor(configuration.everySeconds / 10))}s

[Install]
WantedBy=timers.target
`,
    },
  ]
}

function sandboxFor({ credentials, status, metrics, trust }: AgentConfiguration): string {
  const homes = credentials.flatMap(({ source }) => (source.kind === 'authority' ? [source.home] : []))
  const files = [status, metrics, trust?.cache].filter((path) => path !== undefined)
  const writable = [...credentials.map(({ directory }) => directory), ...files.map((path) => dirname(path)), ...homes]
  const paths = [...new Set(writable)].sort()
  return `UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${paths.map(word).join(' ')}
ProtectHome=${paths.some((path) => /^\/(home|root)(\/|$)/.test(path)) ? 'no' : 'read-only'}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID
LimitCORE=0
`
}

/** A word of a unit: systemd splits at spaces, and reads quotes, backslashes, `%` and `$`. */
function word(text: string): string {
  if (/[\s"'\\\p{Cc}]/u.test(text)) {
    throw new UsageError('ERR_CONFIG_INVALID', `a path in a unit has no spaces and quotes: ${JSON.stringify(text)}`)
  }
  return text.replaceAll('%', '%%').replaceAll('$', '$$$$')
}
