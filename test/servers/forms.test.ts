import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type ConfigForm,
  configureAs,
  type GeneratedFile,
  serverKind,
  type ServerPlan,
} from '../../src/servers/index.js'
import { parseYaml } from '../../src/yaml/index.js'
import { temporaryFolder } from '../support/temporary.js'
import { planOf, servicePlan } from './plans.js'

function filesOf(form: ConfigForm, name: string, changes: Partial<ServerPlan> = {}): readonly GeneratedFile[] {
  return configureAs(form, serverKind(name), planOf(changes)).files
}

function named(files: readonly GeneratedFile[], end: string): string {
  const found = files.find(({ path }) => path.endsWith(end))
  expect(found, end).toBeDefined()
  return found?.content ?? ''
}

describe('systemd', () => {
  it('changes the unit of a package: tests before it reloads, signals the main process', () => {
    const unit = named(filesOf('systemd', 'nginx'), '/nginx.service.d/signet.conf')
    const lines = unit.split('\n')
    expect(lines.indexOf('ExecStart=')).toBeGreaterThan(0)
    expect(lines.filter((line) => line.startsWith('Exec') && !line.endsWith('='))).toEqual([
      'ExecStartPre=nginx -e stderr -c /etc/signet/server/nginx.conf -t',
      'ExecStart=nginx -e stderr -c /etc/signet/server/nginx.conf',
      'ExecReload=nginx -e stderr -c /etc/signet/server/nginx.conf -t',
      'ExecReload=kill -s HUP $MAINPID',
    ])
    expect(lines).toContain('RuntimeDirectory=signet-server')
    expect(lines).not.toContain('User=www-data')
  })

  it('requirement 65: a unit of its own runs as its user, and may read its credential', () => {
    const unit = named(filesOf('systemd', 'node', { user: 'proxy', group: 'proxy' }), '/signet-node.service')
    expect(unit).toMatch(/^User=proxy\nGroup=proxy$/m)
    expect(unit).toMatch(/^ReadOnlyPaths=\/etc\/signet\/tls$/m)
    expect(unit).toMatch(/^LimitCORE=0$/m)
  })

  it('gives the folder of who gives up its rights to whom it becomes', () => {
    const unit = named(
      filesOf('systemd', 'stunnel', { user: 'stunnel4', group: 'stunnel4' }),
      '/signet-stunnel.service',
    )
    expect(unit).toMatch(/^ExecStartPre=install -d -m 0750 -o stunnel4 -g stunnel4 \/run\/signet-server$/m)
    expect(unit).not.toMatch(/^User=/m)
  })

  it('watches the folder in which the version changes, and reloads', () => {
    const files = filesOf('systemd', 'haproxy')
    expect(named(files, '/signet-reload-haproxy.path')).toMatch(/^PathChanged=\/etc\/signet\/tls$/m)
    expect(named(files, '/signet-reload-haproxy.service')).toMatch(/^ExecStart=systemctl reload haproxy\.service$/m)
    expect(filesOf('systemd', 'envoy').filter(({ path }) => path.includes('reload'))).toEqual([])
  })

  // Not every machine has it, and nothing else could be asked.
  it.skipIf(spawnSync('systemd-analyze', ['--version']).error !== undefined)(
    'writes units that systemd takes',
    { timeout: 60_000 },
    async () => {
      const folder = temporaryFolder()
      for (const kind of ['node', 'stunnel', 'envoy']) {
        const files = filesOf('systemd', kind).filter(({ path }) => path.startsWith('/etc/systemd/'))
        const paths = files.map(({ path, content }) => {
          const target = join(folder, path)
          mkdirSync(dirname(target), { recursive: true })
          // What is not installed here is none of its business.
          writeFileSync(target, content.replaceAll(/^(Exec\w+)=(?:envoy|node|stunnel4) /gm, '$1=true '))
          return target
        })
        const told = await new Promise<string>((done) => {
          execFile('systemd-analyze', ['verify', '--man=no', ...paths], (_, stdout, stderr) => done(stdout + stderr))
        })
        const lines = told.split('\n').filter((line) => line.includes(folder) || line.includes('signet-'))
        expect(lines.filter((line) => !/dbus|bus connection|not executable|No such file/i.test(line))).toEqual([])
      }
    },
  )
})

interface Compose {
  readonly services: Readonly<Record<string, Record<string, unknown>>>
}

describe('compose', () => {
  it('mounts folders, shares the network of the service behind, and drops what it does not need', () => {
    const files = filesOf('compose', 'haproxy')
    const text = named(files, '/compose.yaml')
    expect(text).toContain('docker compose kill -s USR2 haproxy')
    const { services } = parseYaml(text, 'compose') as unknown as Compose
    expect(services['haproxy']).toMatchObject({
      network_mode: 'service:backend',
      volumes: ['/etc/signet/tls', '/etc/signet/server'].map((path) => {
        return { type: 'bind', source: path, target: path, read_only: true }
      }),
      cap_drop: ['ALL'],
      read_only: true,
    })
    expect(files.map(({ path }) => path)).toContain('/etc/signet/server/haproxy.cfg')
  })

  it('shares the folder of a socket, and publishes no port for it', () => {
    const text = named(
      filesOf('compose', 'node', { backend: { kind: 'socket', path: '/run/api/api.sock' } }),
      'compose.yaml',
    )
    const { services } = parseYaml(text, 'compose') as unknown as Compose
    expect(services['node']).toMatchObject({ ports: ['8443:8443'] })
    expect(JSON.stringify(services['node']?.['volumes'])).toContain(
      '{"type":"bind","source":"/run/api","target":"/run/api"}',
    )
  })
})

describe('kubernetes', () => {
  it('has the credential as a Secret that only the group reads, whole, and probes', () => {
    const text = named(filesOf('kubernetes', 'nginx'), '/kubernetes.yaml')
    expect(text).not.toContain('subPath')
    const documents = text
      .split(/^---$/m)
      .map((document) => parseYaml(document, 'manifest') as unknown as { kind: string })
    expect(documents.map(({ kind }) => kind)).toEqual(['ConfigMap', 'Deployment', 'Service'])
    const deployment = JSON.stringify(documents[1])
    expect(deployment).toContain(`"secret":{"secretName":"signet-nginx-credential","defaultMode":288}`)
    expect(deployment).toContain('"mountPath":"/etc/signet/tls/current","readOnly":true')
    for (const word of ['fsGroup', 'readinessProbe', 'livenessProbe', 'readOnlyRootFilesystem']) {
      expect(deployment).toContain(word)
    }
  })

  it('keeps what is secret in a Secret', () => {
    const files = configureAs(
      'kubernetes',
      serverKind('redis'),
      servicePlan({ listen: { socket: '/run/redis/r.sock', mode: 0o660, owner: 'www-data', group: 'www-data' } }),
    ).files
    const text = named(files, '/kubernetes.yaml')
    const kinds = text
      .split(/^---$/m)
      .map((document) => (parseYaml(document, 'manifest') as unknown as { kind: string }).kind)
    if (kinds.includes('Secret')) expect(files[0]?.mode).toBe(0o600)
    expect(kinds).not.toContain('Service')
  })
})
