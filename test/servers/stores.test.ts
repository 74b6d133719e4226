import { describe, expect, it } from 'vitest'
import {
  configure,
  disconnectWords,
  lintConfiguration,
  SERVER_KINDS,
  serverKind,
  type ServerPlan,
} from '../../src/servers/index.js'
import { expectCode } from '../support/expect-code.js'
import { found, table } from './findings.js'
import { admitted, servicePlan } from './plans.js'

const texts = (name: string, plan: ServerPlan = servicePlan()): ReadonlyMap<string, string> =>
  new Map(configure(serverKind(name), plan).files.map(({ path, content }) => [path.split('/').at(-1) ?? '', content]))

const codes = (name: string, files: Readonly<Record<string, string>>): readonly string[] =>
  lintConfiguration(serverKind(name), new Map(Object.entries(files))).map(({ code }) => code)

describe('PostgreSQL', () => {
  it('maps whole subjects to roles, and makes these', () => {
    const files = texts('postgresql')
    expect(files.get('pg_ident.conf')).toContain(
      'signet "CN=id api.v2,OU=api,O=cloud.example" "api.v2"\nsignet "CN=compute-07,OU=compute,O=cloud.example" "compute-07"\n',
    )
    expect(files.get('pg_hba.conf')).toContain('hostssl all       all   all      cert clientname=DN map=signet\n')
    expect(files.get('roles.sql')).toContain(`'create role "compute-07" login'`)
    expect(files.get('pg_service.conf')).toContain('sslmode=verify-full')
  })

  table(
    'postgresql',
    [
      ['TLS is off', 'ssl = on', 'ssl = off', 'clear-text'],
      ['TLS is not mentioned', 'ssl = on', '', 'clear-text'],
      ['no CA', /ssl_ca_file = .*/, '', 'verification-absent'],
      ['REV-04: no CRLs', /ssl_crl_dir = .*/, '', 'revocation-absent'],
      ['an old version', "'TLSv1.3'", "'TLSv1'", 'weak-protocol'],
      ['clear text, too', 'hostssl', 'host', 'clear-text'],
      [
        'SVC-17: any certificate may be anybody',
        /cert clientname.*/,
        'scram-sha-256 clientcert=verify-ca',
        'anybody-certified',
      ],
      ['SVC-17: no certificate', /cert clientname.*/, 'scram-sha-256', 'verification-absent'],
      ['everybody who is here', 'peer', 'trust', 'verification-absent'],
      ['only the common name', 'cert clientname=DN map=signet', 'cert map=signet', 'anybody-certified', 'note'],
      [
        'a map where none may be',
        /cert clientname.*/,
        'md5 clientcert=verify-full map=signet',
        'verification-absent',
        'outage',
      ],
      ['a client that does not ask for the name', 'verify-full', 'verify-ca', 'host-unchecked'],
      ['a client that asks for nothing', 'verify-full', 'require', 'verification-absent'],
    ],
    servicePlan(),
  )

  it('finds nothing in what is refused, or stays on this machine', () => {
    const hosts =
      'host all all 0.0.0.0/0 reject\nhost all all 127.0.0.1/32 md5\nhost all all 10.0.0.0 255.0.0.0 reject\n'
    expect(codes('postgresql', { 'pg_hba.conf': hosts })).toEqual([])
  })
})

describe('MariaDB', () => {
  it('binds accounts to whole subjects, on one line, and to an issuer where one is named', () => {
    expect(texts('mariadb').get('accounts.sql')).toContain(
      "create user if not exists 'api.v2'@'%' require subject '/O=cloud.example/OU=api/CN=id api.v2';",
    )
    const named = texts('mariadb', servicePlan({ issuer: "/O=cloud.example/CN=o'clock" }))
    expect(named.get('accounts.sql')).toContain(" and issuer '/O=cloud.example/CN=o''clock';")
  })

  table(
    'mariadb',
    [
      ['requirement 62: clear text, too', 'require_secure_transport = on', '', 'clear-text'],
      ['clear text, in a word', 'require_secure_transport = on', 'require-secure-transport=OFF', 'clear-text'],
      ['no CA', /^ssl_ca = .*/m, '', 'verification-absent'],
      ['REV-04: no CRLs', /^ssl_crl = .*/m, '', 'revocation-absent'],
      ['an old version', 'tls_version = TLSv1.3', 'tls_version = TLSv1.1,TLSv1.2', 'weak-protocol'],
      [
        'SVC-17: any certificate',
        /^alter user 'compute-07'.*/m,
        "alter user 'compute-07'@'%' require x509;",
        'anybody-certified',
      ],
      [
        'SVC-17: an issuer alone',
        /^alter user 'compute-07'.*/m,
        "alter user 'compute-07'@'%'\n require issuer '/CN=x';",
        'anybody-certified',
      ],
      [
        'SVC-17: no certificate',
        /^alter user 'compute-07'.*/m,
        "alter user 'compute-07'@'%' require ssl;",
        'verification-absent',
      ],
      [
        'a client that does not ask for the name',
        'ssl_verify_server_cert = on',
        'skip-ssl-verify-server-cert',
        'host-unchecked',
      ],
    ],
    servicePlan(),
  )

  it('tells where an account stands', () => {
    const script =
      "-- create user x;\ncreate user a require subject '/CN=a';\n\ncreate user 'b'@'%'\n  identified by 'x';\ncreate user c@localhost;\n"
    expect(lintConfiguration(serverKind('mariadb'), new Map([['a.sql', script]]))).toMatchObject([
      { code: 'verification-absent', line: 4 },
    ])
  })
})

describe('Redis', () => {
  const socket = { socket: '/run/redis/s', mode: 0o660, owner: 'redis', group: 'redis' }
  const plan = servicePlan({ listen: socket, user: 'redis', group: 'redis' })

  it('has no port, and asks everybody for a password that no file holds', () => {
    const files = texts('redis', plan)
    expect(files.get('redis.conf')).toContain('port 0\nunixsocket /run/redis/s\nunixsocketperm 660\n')
    expect(files.get('start.sh')).toContain("  user 'compute-07'\n")
  })

  it('is not put where others can reach it, nor where somebody else owns the socket', () => {
    expectCode('ERR_CONFIG_INVALID', () => configure(serverKind('redis'), servicePlan()))
    expectCode('ERR_CONFIG_INVALID', () => configure(serverKind('redis'), { ...plan, user: 'nobody' }))
  })

  it('the gateway has no other backend than a socket', () => {
    const backend = { kind: 'loopback', port: 6379 } as const
    expectCode('ERR_CONFIG_INVALID', () => configure(serverKind('redis-gateway'), { ...servicePlan(), backend }))
  })

  it.each<[string, string, readonly string[]]>([
    ['a port', 'bind 10.0.0.7\nport 6379', ['clear-text']],
    ['a port on this machine', 'bind 127.0.0.1 -::1\nport 6379', []],
    ['a socket of everybody', 'port 0\nunixsocketperm 777', ['mode']],
    [
      'SVC-17: TLS of its own, without certificates',
      'port 0\ntls-port 6379\ntls-auth-clients no\ntls-session-caching no',
      ['anybody-certified', 'revocation-absent', 'verification-absent'],
    ],
    [
      'SVC-17: TLS of its own, with certificates or without',
      'port 0\ntls-port 6379\ntls-auth-clients optional\ntls-protocols "TLSv1.1 TLSv1.2"',
      ['anybody-certified', 'resumption', 'revocation-absent', 'verification-optional', 'weak-protocol'],
    ],
  ])('finds %s', (_, config, expected) => {
    expect(codes('redis', { 'redis.conf': config }).toSorted()).toEqual(expected)
  })
})

describe('NATS', () => {
  const pins = ['a'.repeat(64)]
  const plan = servicePlan({ admitted: [{ ...admitted('compute-07'), pins }, admitted('compute-08')] })

  it('names the keys that may come in, where they are known', () => {
    expect(texts('nats', plan).get('signet.conf')).toContain(`pinned_certs: [\n    "${pins[0] ?? ''}"\n  ]`)
    expect(texts('nats').get('signet.conf')).not.toContain('pinned_certs')
    expect(configure(serverKind('nats'), plan).notes).not.toEqual(configure(serverKind('nats'), servicePlan()).notes)
  })

  table(
    'nats',
    [
      ['SVC-17: no certificate', 'verify_and_map: true', 'verify_and_map: false', 'verification-absent'],
      ['SVC-17: any certificate', 'verify_and_map: true', 'verify: true', 'anybody-certified'],
      ['requirement 74: a text for a switch', 'timeout: 5', 'insecure: "false"', 'string-boolean'],
      ['a route that believes anybody', 'timeout: 5', 'insecure: true', 'host-unchecked'],
      ['clear text, too', 'timeout: 5', 'timeout: 5\n}\nallow_non_tls: true\nx {', 'clear-text'],
      ['a monitor for everybody', 'tls {', 'http_port: 8222\ntls {', 'clear-text'],
      ['REV-04: nothing instead of CRLs', /pinned_certs: [^\]]*\]/, '', 'revocation-absent', 'note'],
    ],
    plan,
  )

  it('finds that there is no TLS', () => {
    expect(codes('nats', { 'nats.conf': 'listen: 0.0.0.0:4222\nhttp: "127.0.0.1:8222"' })).toEqual(['clear-text'])
  })
})

describe('Mosquitto', () => {
  table(
    'mosquitto',
    [
      ['SVC-17: no certificate', 'require_certificate true', 'require_certificate false', 'verification-optional'],
      ['SVC-17: certificates that are nobody’s', 'use_subject_as_username true', '', 'anybody-certified'],
      ['only the common name', 'use_subject_as', 'use_identity_as', 'anybody-certified', 'note'],
      ['people without a name', 'allow_anonymous false', 'allow_anonymous true', 'verification-optional'],
      ['REV-04: no CRLs', /crlfile .*/, '', 'revocation-absent'],
      ['an old version', 'tls_version tlsv1.3', 'tls_version tlsv1.1', 'weak-protocol'],
      ['another listener', 'user www-data', 'listener 1883', 'clear-text'],
      ['a bridge to anybody', 'user www-data', 'bridge_insecure true', 'host-unchecked'],
    ],
    servicePlan(),
  )

  it('finds nothing in a listener that only this machine reaches', () => {
    expect(codes('mosquitto', { 'a.conf': 'listener 1883 127.0.0.1\n' })).toEqual([])
  })
})

describe('RabbitMQ', () => {
  table(
    'rabbitmq',
    [
      ['SVC-17: certificates are not verified', 'verify_peer', 'verify_none', 'verification-absent'],
      [
        'SVC-17: no certificate',
        '{fail_if_no_peer_cert, true}',
        '{fail_if_no_peer_cert, false}',
        'verification-optional',
      ],
      [
        'requirement 74: a text for a switch',
        '{fail_if_no_peer_cert, true}',
        '{fail_if_no_peer_cert, "true"}',
        'string-boolean',
      ],
      ['SVC-02: sessions', '{reuse_sessions, false},', '', 'resumption'],
      ['REV-04: CRLs where there are some', '{crl_check, true}', '{crl_check, best_effort}', 'revocation-absent'],
      ['REV-04: no CRLs', '{crl_check, true},', '', 'revocation-absent'],
      ['CRLs from nowhere', /,\s*\{crl_cache.*/, '', 'revocation-absent', 'outage'],
      ['requirement 62: clear text', 'listeners.tcp = none', 'listeners.tcp.1 = 5672', 'clear-text'],
      ['clear text that nobody mentions', 'listeners.tcp = none', '', 'clear-text'],
      ['passwords', 'auth_mechanisms.1 = EXTERNAL', 'auth_mechanisms.1 = PLAIN', 'anybody-certified'],
    ],
    servicePlan(),
  )

  it('reads the options of rabbitmq.conf, too', () => {
    const options = ['verify = verify_peer', 'fail_if_no_peer_cert = true', 'reuse_sessions = false']
    const main = `listeners.tcp = none\nauth_mechanisms.1 = EXTERNAL\n${options.map((line) => `ssl_options.${line}\n`).join('')}`
    expect(codes('rabbitmq', { 'rabbitmq.conf': main })).toEqual(['revocation-absent'])
  })
})

describe('etcd', () => {
  const { start } = configure(serverKind('etcd'), servicePlan())
  const unit = `[Service]\nExecStart=${start.join(' ')}\n`

  it('is started so that the lint finds nothing', () => {
    expect(codes('etcd', { 'etcd.service': unit })).toEqual([])
  })

  it.each<[string, string | RegExp, string, readonly string[]]>([
    ['SVC-17: no certificate', ' --client-cert-auth', '', ['verification-absent']],
    ['SVC-17: no certificate, in a word', '--client-cert-auth', '--client-cert-auth=false', ['verification-absent']],
    ['SVC-17: members without a certificate', ' --peer-client-cert-auth', '', ['verification-absent']],
    ['REV-04: no CRL', / --client-crl-file \S+/, '', ['revocation-absent']],
    ['certificates of nobody', ' --data-dir', ' --auto-tls --data-dir', ['host-unchecked']],
    ['clear text', '--listen-client-urls https://', '--listen-client-urls http://', ['clear-text']],
    ['clear text for members', '--listen-peer-urls https://', '--listen-peer-urls http://', ['clear-text']],
  ])('finds %s', (_, before, after, expected) => {
    const changed = unit.replace(before, after)
    expect(changed).not.toBe(unit)
    expect(codes('etcd', { 'etcd.service': changed })).toEqual(expected)
  })

  it('reads its environment and its YAML', () => {
    const environment = 'ETCD_LISTEN_CLIENT_URLS=https://10.0.0.7:2379\nETCD_CLIENT_CRL_FILE=/x\n'
    expect(codes('etcd', { etcd: environment })).toEqual(['verification-absent'])
    const yaml = `listen-client-urls: https://10.0.0.7:2379
client-transport-security:
  client-cert-auth: "true"
peer-transport-security:
  client-cert-auth: false
`
    // Members are not listened for: theirs is nothing to find.
    expect(codes('etcd', { 'etcd.yaml': yaml }).toSorted()).toEqual(['revocation-absent', 'string-boolean'])
  })
})

describe('Kafka', () => {
  table(
    'kafka',
    [
      ['SVC-17: no certificate', 'ssl.client.auth=required', 'ssl.client.auth=none', 'verification-absent'],
      [
        'SVC-17: a certificate or none',
        'ssl.client.auth=required',
        'ssl.client.auth=requested',
        'verification-optional',
      ],
      ['SVC-17: nothing said of certificates', 'ssl.client.auth=required', '', 'verification-absent'],
      [
        'an empty word that takes the host check away',
        'ssl.client.auth',
        'ssl.endpoint.identification.algorithm=\nssl.client.auth',
        'host-unchecked',
      ],
      ['subjects that no rule is for', /(ssl.principal.mapping.rules=.*)/, '$1,DEFAULT', 'anybody-certified', 'note'],
      ['nobody who authorizes', /authorizer.class.name=.*/, '', 'anybody-certified'],
      ['everybody’s topics', 'if.no.acl.found=false', 'if.no.acl.found=true', 'anybody-certified'],
      ['an old version', 'ssl.enabled.protocols=TLSv1.3', 'ssl.enabled.protocols=TLSv1.1,TLSv1.3', 'weak-protocol'],
      ['clear text', 'SIGNET:SSL', 'SIGNET:PLAINTEXT', 'clear-text'],
    ],
    servicePlan(),
  )

  it('finds a client in clear text', () => {
    expect(codes('kafka', { 'client.properties': 'security.protocol=PLAINTEXT\n' })).toEqual(['clear-text'])
  })
})

describe('Pulsar', () => {
  table(
    'pulsar',
    [
      [
        'SVC-17: a certificate or none',
        /tlsRequireTrusted.*/,
        'tlsRequireTrustedClientCertOnConnect=false',
        'verification-optional',
      ],
      [
        'SVC-17: any certificate',
        'tlsAllowInsecureConnection=false',
        'tlsAllowInsecureConnection=true',
        'verification-absent',
      ],
      ['nobody who asks', 'authenticationEnabled=true', '', 'verification-absent'],
      ['nobody who authorizes', 'authorizationEnabled=true', 'authorizationEnabled=false', 'anybody-certified'],
      ['any broker', 'tlsHostnameVerificationEnabled=true', '', 'host-unchecked'],
      ['clear text', 'brokerServicePort=\n', 'brokerServicePort=6650\n', 'clear-text'],
    ],
    servicePlan(),
  )

  it('says that nobody has tried it', () => {
    const { facts } = serverKind('pulsar')
    expect(facts.version).toBe('documentation')
    expect(configure(serverKind('pulsar'), servicePlan()).notes.join()).toContain('not tried')
  })
})

describe('brokers', () => {
  const users = [
    { entity: 'compute-07', uri: 'spiffe://cloud.example/compute/compute-07', publish: [['a', 'b']], consume: [] },
    { entity: 'mallory-01', uri: 'spiffe://cloud.example/compute/mallory-01', publish: [['a', 'b']], consume: [] },
  ]

  it.each(['nats', 'mosquitto', 'rabbitmq', 'kafka'])(
    'requirement 53: %s knows only those who are admitted, and what they may',
    (name) => {
      const text = [...texts(name, servicePlan({ permissions: { users } })).values()].join('')
      expect(text).toContain('compute-07')
      expect(text).toMatch(/a[.\\/]+b/)
      expect(text).not.toContain('mallory-01')
    },
  )

  it.each(['nats', 'mosquitto', 'rabbitmq', 'kafka'])('%s is not configured for nobody', (name) => {
    expectCode('ERR_CONFIG_INVALID', () => configure(serverKind(name), servicePlan({ admitted: [] })))
  })
})

describe('services', () => {
  const services = SERVER_KINDS.filter(({ role, name }) => role === 'service' && name !== 'redis')

  it.each(services.map(({ name }) => name))('%s does no TLS on a Unix socket', (name) => {
    const listen = { socket: '/run/x/s', mode: 0o660, owner: 'root', group: 'root' }
    expectCode('ERR_CONFIG_INVALID', () => configure(serverKind(name), servicePlan({ listen })))
  })

  it.each(['postgresql', 'mariadb', 'mosquitto', 'rabbitmq', 'kafka', 'pulsar'])(
    '%s speaks TLS 1.2 only where that is allowed',
    (name) => {
      const text = (versions: ServerPlan['versions']): string =>
        [...texts(name, servicePlan({ versions })).values()].join('')
      expect(text('TLSv1.3')).not.toMatch(/tlsv1.2/i)
      expect(text('allow-TLSv1.2')).toMatch(/tlsv1.2/i)
    },
  )

  it.each(['nats', 'etcd'])('%s says that it speaks TLS 1.2 whatever is wanted', (name) => {
    expect(configure(serverKind(name), servicePlan()).notes.join()).toContain('TLS 1.2')
  })
})

describe('what is written for services', () => {
  it.each(['postgresql', 'mariadb', 'mosquitto', 'rabbitmq'])('REV-04: %s is given CRLs, and found without', (name) => {
    const all = texts(name)
    const bare = [...all].map(([file, text]) => [file, text.replaceAll(/^.*crl.*$/gim, '')])
    expect(codes(name, Object.fromEntries(all) as Record<string, string>)).toEqual([])
    expect(codes(name, Object.fromEntries(bare) as Record<string, string>)).toContain('revocation-absent')
  })

  it.each([
    ['postgresql', 'pg_service.conf', ['sslmode=verify-full', 'sslrootcert=', 'sslcert=', 'sslkey=', 'sslcrldir=']],
    ['mariadb', 'client.cnf', ['ssl_verify_server_cert = on', 'ssl_ca =', 'ssl_cert =', 'ssl_key =', 'ssl_crl =']],
    ['etcd', 'client.env', ['ETCDCTL_CACERT=', 'ETCDCTL_CERT=', 'ETCDCTL_KEY=', 'ETCDCTL_ENDPOINTS=https://']],
  ])('requirement 74: clients of %s verify the CA and the name, and show a certificate', (name, file, words) => {
    const found = configure(serverKind(name), servicePlan()).files.findLast(({ path }) => path.endsWith(file))
    for (const word of words) expect(found?.content).toContain(word)
    expect(found?.content).toContain('/etc/signet/tls/current/')
  })
})

describe('disconnectWords', () => {
  const who = { entity: 'compute-07', name: 'compute-07', serialNumber: '1f', issuer: '/O=Acme/CN=Issuing CA 1' }
  const place = { state: '/var/lib/x', port: 5432 }

  it('names the certificate where a server knows it, and the entity where not', () => {
    expect(disconnectWords(serverKind('postgresql').facts, place, who)?.at(-2)).toBe(
      "select pg_terminate_backend(pid) from pg_stat_ssl where client_serial = 31 and issuer_dn = '/O=Acme/CN=Issuing CA 1'",
    )
    expect(disconnectWords(serverKind('mariadb').facts, place, who)?.at(-1)).toBe("kill user 'compute-07'")
    expect(disconnectWords(serverKind('nginx').facts, place, who)).toBeUndefined()
  })

  it('takes nothing that could mean something else', () => {
    const { facts } = serverKind('postgresql')
    expectCode('ERR_CONFIG_INVALID', () => disconnectWords(facts, place, { ...who, issuer: "/CN=x' or '1' = '1" }))
    expectCode('ERR_CONFIG_INVALID', () => disconnectWords(facts, place, { ...who, serialNumber: '1 or 1' }))
  })
})

it('a comment says nothing, nor does a quoted sign of one', () => {
  expect(found('mariadb', servicePlan(), 'require_secure_transport = on', '# require_secure_transport = on')).toEqual([
    'hole clear-text',
  ])
  expect(codes('postgresql', { 'pg_hba.conf': 'hostssl "a#b" all all cert clientname=DN map=x # trust' })).toEqual([])
})
