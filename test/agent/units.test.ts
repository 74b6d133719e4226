import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { agentUnits, parseAgentConfiguration } from '../../src/agent/index.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const configurationFor = (changes: Record<string, unknown> = {}): ReturnType<typeof parseAgentConfiguration> =>
  parseAgentConfiguration(
    JSON.stringify({
      version: 1,
      status: '/var/lib/signet-agent/status.json',
      metrics: '/var/lib/prometheus/signet.prom',
      source: { command: ['issuer'] },
      credentials: [
        { directory: '/etc/signet/web', entity: 'web-01' },
        { directory: '/etc/signet/db', entity: 'db-01' },
      ],
      ...changes,
    }),
    '/etc/signet',
  )
const units = (changes: Record<string, unknown> = {}, program = '/usr/bin/signet'): ReadonlyMap<string, string> =>
  new Map(
    agentUnits({ configuration: configurationFor(changes), file: '/etc/signet/agent.yaml', program }).map(
      ({ name, content }) => [name, content],
    ),
  )

describe('agentUnits', () => {
  it('has a service that goes on, and one with a timer', () => {
    const made = units()
    expect([...made.keys()]).toEqual(['signet-agent.service', 'signet-agent-once.service', 'signet-agent-once.timer'])
    const service = made.get('signet-agent.service') ?? ''
    expect(service).toContain('\nExecStart=/usr/bin/signet agent --config /etc/signet/agent.yaml --json\n')
    expect(service).toContain('\nExecReload=/bin/kill -HUP $MAINPID\n')
    expect(made.get('signet-agent-once.service')).toContain('agent.yaml --once --json\n')
    expect(made.get('signet-agent-once.timer')).toContain('\nOnUnitActiveSec=600s\n')
  })

  it('may write to what the configuration names, and to nothing else', () => {
    const paths = (changes: Record<string, unknown>): string | undefined =>
      /^ReadWritePaths=(.*)$/m.exec(units(changes).get('signet-agent.service') ?? '')?.[1]
    expect(paths({})).toBe('/etc/signet/db /etc/signet/web /var/lib/prometheus /var/lib/signet-agent')
    expect(paths({ source: { authority: '/root/.signet' } })).toContain('/root/.signet')
    for (const word of ['ProtectSystem=strict', 'NoNewPrivileges=yes', 'LimitCORE=0', 'ProtectHome=read-only']) {
      expect(units().get('signet-agent.service')).toContain(`\n${word}\n`)
    }
    expect(units({ source: { authority: '/root/.signet' } }).get('signet-agent.service')).toContain(
      '\nProtectHome=no\n',
    )
  })

  it('KEY-12: writes no path that systemd would read as something else', () => {
    for (const path of ['/etc/a b', '/etc/a"b', '/etc/a\nExecStart=/bin/sh', "/etc/a'b", '/etc/a\\x20b']) {
      expectCode('ERR_CONFIG_INVALID', () => units({ credentials: [{ directory: path, entity: 'web-01' }] }))
      expectCode('ERR_CONFIG_INVALID', () => units({}, path))
    }
    expect(units({}, '/opt/100%/$HOME').get('signet-agent.service')).toContain('ExecStart=/opt/100%%/$$HOME agent')
  })

  it.skipIf(spawnSync('systemd-analyze', ['--version']).error !== undefined)('systemd finds nothing wrong', () => {
    const folder = temporaryFolder()
    for (const [name, content] of units({}, process.execPath)) writeFileSync(join(folder, name), content)
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, 'signet-agent.service')])
    expect(stderr.toString()).not.toContain(folder)
  })
})
