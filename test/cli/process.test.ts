/** Real processes: what only `bin/signet.js` and the operating system decide. Needs a build, as `npm test` makes it. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../support/temporary.js'

vi.setConfig({ testTimeout: 60_000 })

const SIGNET = fileURLToPath(new URL('../../bin/signet.js', import.meta.url))
const OLD_NODE = '/usr/bin/node'
const hasOldNode = existsSync(OLD_NODE) && /^v(\d|1\d|2[0-3])\./.test(run(OLD_NODE, ['--version']).stdout)
const hasPty = spawnSync('script', ['--version']).error === undefined
/** Nothing that a test looks for in output may occur by chance. */
const PASSPHRASE = 'canary-Zq8fT2wLx5-passphrase'

const folder = temporaryFolder()

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly env?: Record<string, string>
  readonly cwd?: string
  readonly input?: string
}

/** The environment of a process: nothing of whoever runs the tests. */
function environment(home: string, more: Record<string, string> = {}): Record<string, string> {
  return { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home, ...more }
}

function run(program: string, words: readonly string[], { env, cwd = '/', input = '' }: Options = {}): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    env: env ?? environment('/nonexistent'),
    cwd,
    input,
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (error !== undefined) throw error
  return { code: status, stdout, stderr }
}

function signet(words: readonly string[], options: Options = {}): Ran {
  return run(process.execPath, [SIGNET, ...words], options)
}

/** A line of a shell, in which `signet` is this program. Words after it are $1, $2 … */
function shell(line: string, options: Options = {}, node: string = process.execPath): Ran {
  return run('bash', ['-c', `signet() { "${node}" "${SIGNET}" "$@"; }; ${line}`], options)
}

function newFolder(name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  writeFileSync(join(path, 'passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 })
  return path
}

function variables(home: string): Record<string, string> {
  return environment(home, { SIGNET_HOME: join(home, 'home'), SIGNET_PASSPHRASE_FILE: join(home, 'passphrase') })
}

describe('the whole job, as an operator does it', () => {
  const place = newFolder('operator')
  const options = { env: variables(place), cwd: place }
  writeFileSync(join(place, 'note.json'), '{"publisher_id": "compute:compute-07"}\n')
  writeFileSync(
    join(place, 'hsm.mjs'),
    `import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { appendFileSync, readFileSync, readdirSync } from 'node:fs'
const [path, verb] = process.argv.slice(2)
const parent = readFileSync('/proc/' + process.ppid + '/cmdline', 'utf8')
appendFileSync(path + '.log', JSON.stringify([process.argv, process.env, parent]) + '\\n')
const key = createPrivateKey(readFileSync(path))
process.stdout.write(verb === 'public-key' ? createPublicKey(key).export({ type: 'spki', format: 'pem' })
  : sign('sha256', readFileSync(0), key).toString('base64'))
`,
  )
  const job: readonly (readonly [line: string, code: number])[] = [
    ['openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out hsm.key', 0],
    ['signet init --domain cloud.example --root-out root-offline --issuing-key-command "node hsm.mjs hsm.key"', 0],
    ['signet --home other init --domain other.example --json', 0],
    ['signet role add compute_node', 0],
    [
      'signet entity add compute-07 --kind node --service compute --role compute_node --dns compute-07.cloud.example',
      0,
    ],
    ['signet issue compute-07 --out compute-07 --json', 0],
    ['signet trust publish --out trust.p7', 0],
    ['signet sign note.json --as compute-07/signer --type notify.test --to notifications', 0],
    ['signet verify note.json.p7s --content note.json --for notifications --trust trust.p7 --replay-store seen.db', 0],
    ['signet verify note.json.p7s --content note.json --for notifications --trust trust.p7 --replay-store seen.db', 6],
    ['signet verify note.json.p7s --content note.json --for others --trust trust.p7 --json', 5],
    ['signet cert show compute-07/tls/current/key.pem', 3],
    ['signet cert show passphrase', 3],
    ['signet cms inspect compute-07/tls/current/key.pem --json', 3],
    ['signet cms sign note.json --cert compute-07/tls/current/cert.pem --key passphrase', 3],
    ['signet --home other issue nobody --out x --json', 7],
    ['signet --home other issue nobody --passphrase-file note.json --out x', 8],
    ['signet renew compute-07 --out compute-07', 0],
    ['signet audit export --out log.ndjson', 0],
    ['signet revoke compute-07 --reason keyCompromise', 0],
    ['signet trust publish --out trust.p7', 0],
    ['signet verify note.json.p7s --content note.json --for notifications --trust trust.p7', 4],
    ['signet crl publish --out crls.pem --root root-offline', 0],
    ['signet nonsense', 2],
  ]
  const printed: string[] = []

  it.each(job)('%s: ends with %i', (line, code) => {
    const result = shell(line, options)
    printed.push(result.stdout, result.stderr)
    expect([result.code, result.stderr]).toEqual([code, code === 0 ? '' : expect.stringMatching(/^signet: error: /m)])
  })

  it('the canary: no secret is in any output, file, argument or environment, but where it belongs', () => {
    const files = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter(
      (name) => lstatSync(join(place, name)).isFile() && !name.includes('/current/'),
    )
    const keys = files.filter((name) => basename(name) === 'key.pem' || name === 'hsm.key')
    expect(keys).toHaveLength(5)
    // What servers read in one piece lies beside its key.
    const belongs = (name: string, key: string): boolean =>
      name === key || (basename(name) === 'combined.pem' && dirname(name) === dirname(key))
    expect(files.filter((name) => basename(name) === 'combined.pem')).toHaveLength(2)
    const bodies = keys.map((name) => readFileSync(join(place, name), 'latin1').split('\n')[1] ?? '')
    for (const body of bodies) expect(body.length).toBeGreaterThan(50)
    const secrets = [PASSPHRASE, ...bodies]
    for (const text of printed) for (const secret of secrets) expect(text).not.toContain(secret)
    for (const name of files) {
      const content = readFileSync(join(place, name), 'latin1')
      if (name !== 'passphrase') expect([name, content.includes(PASSPHRASE)]).toEqual([name, false])
      for (const [index, body] of bodies.entries())
        if (!belongs(name, keys[index] ?? '')) expect([name, content.includes(body)]).toEqual([name, false])
      // Key material in another dress: raw, or in hexadecimal.
      for (const key of keys) {
        const raw = Buffer.from(readFileSync(join(place, key), 'latin1').replace(/-----.*-----|\n/g, ''), 'base64')
        const scalar = raw.subarray(36, 68)
        if (belongs(name, key)) continue
        for (const form of [scalar.toString('latin1'), scalar.toString('hex'), scalar.toString('base64')])
          expect([name, content.includes(form)]).toEqual([name, false])
      }
    }
    // The program that keeps the key saw arguments and environment of itself, and arguments of its parent.
    const seen = readFileSync(join(place, 'hsm.key.log'), 'utf8')
    expect(seen).toContain('signet.js')
    expect(seen).not.toContain('SIGNET_')
  })

  it('every private key is encrypted or its owner’s alone', () => {
    for (const name of readdirSync(place, { recursive: true, encoding: 'utf8' })) {
      if (!/(?:key|combined)\.pem$/.test(name) || !lstatSync(join(place, name)).isFile()) continue
      expect([name, lstatSync(join(place, name)).mode & 0o077]).toEqual([name, 0])
      const encrypted = readFileSync(join(place, name), 'utf8').startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----')
      expect([name, encrypted]).toEqual([name, !['key.pem', 'combined.pem'].includes(basename(name))])
    }
  })
})

describe('streams', () => {
  const place = newFolder('streams')
  const options = { env: variables(place), cwd: place }
  expect(signet(['init', '--domain', 'cloud.example'], options)).toMatchObject({ code: 0 })

  it.each(['entity list', 'audit verify --json', 'completion bash', '--help', 'cert list --json'])(
    'CMS-02: signet %s: a reader that went away is no success',
    (line) => {
      expect(shell(`signet ${line} | true; exit \${PIPESTATUS[0]}`, options).code).not.toBe(0)
    },
  )

  it('CMS-02: a full device is no success', () => {
    expect(shell('signet entity list > /dev/full', options).code).toBe(8)
  })

  it('the exit code arrives where nobody hears the error', () => {
    expect(shell('signet entity show nobody 2>&1 | true; exit ${PIPESTATUS[0]}', options).code).toBe(7)
    expect(shell('signet entity show nobody 2> /dev/full', options).code).toBe(7)
    expect(shell('signet entity show nobody 2>&-', options).code).toBe(7)
    expect(shell('signet entity show nobody >&- 2>&- <&-', options).code).toBe(7)
  })

  it('long output arrives whole through a pipe', () => {
    const { stdout } = shell('signet completion bash | cat', options)
    expect(stdout).toMatch(/complete -F _signet signet\n$/)
    expect(JSON.parse(shell('signet completion zsh --json | cat', options).stdout)).toMatchObject({ ok: true })
  })

  it('a silent standard input is not waited for', async () => {
    const child = spawn(process.execPath, [SIGNET, 'trust', 'publish', '--out', 'trust.p7'], {
      cwd: place,
      env: environment(place, { SIGNET_HOME: join(place, 'home') }),
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()))
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect([code, stderr]).toEqual([2, expect.stringContaining('[ERR_PASSPHRASE_REQUIRED]')])
    child.stdin.destroy()
  })

  it.each([
    ['a file descriptor', '--passphrase-fd 3 3< passphrase', 0],
    ['standard input', '--passphrase-fd 0 < passphrase', 0],
    ['a pipe', '--passphrase-file <(cat passphrase)', 0],
    ['a descriptor that is not open', '--passphrase-fd 9', 2],
    ['a word', '--passphrase-fd three', 2],
    ['a file without end', '--passphrase-file /dev/zero', 2],
    ['a folder', '--passphrase-file home', 8],
    ['nothing', '--passphrase-file /dev/null', 2],
  ])('a passphrase from %s', (_, words, code) => {
    const env = environment(place, { SIGNET_HOME: join(place, 'home') })
    const result = shell(`signet trust publish --out trust.p7 ${words}`, { env, cwd: place })
    expect([result.code, result.stderr]).toEqual([code, code === 0 ? '' : expect.stringContaining('signet: error: ')])
  })

  it('a file without end is refused', () => {
    expect(shell('signet cms inspect - < /dev/zero', options)).toMatchObject({ code: 9 })
    expect(shell('signet cert show /dev/zero', options)).toMatchObject({ code: 8 })
    expect(shell('mkfifo fifo; signet cert show fifo', options)).toMatchObject({ code: 8 })
  })

  it.skipIf(!hasPty)('a terminal is asked, and does not show what is typed', () => {
    const env = environment(place, { SIGNET_HOME: join(place, 'home') })
    const command = `"${process.execPath}" "${SIGNET}" trust publish --out pty.p7`
    const result = shell(
      `(sleep 1.5; printf '%s\\r' '${PASSPHRASE}'; sleep 1.5) | script -qec '${command}' /dev/null`,
      {
        env,
        cwd: place,
      },
    )
    expect(result.stdout).toContain('passphrase of the authority: ')
    expect(result.stdout).toContain('receivers pin')
    expect(result.code).toBe(0)
    // The terminal itself echoes what comes before it is asked; a prompt that is there echoes nothing.
    expect(result.stdout.slice(result.stdout.indexOf('authority: '))).not.toContain(PASSPHRASE)
  })
})

describe('surroundings', () => {
  const modes = (place: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(place, { recursive: true, encoding: 'utf8' })
        .map((name) => [name.replace(/[0-9a-f]{40}/, 'SERIAL'), lstatSync(join(place, name)).mode.toString(8)] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )

  it('the umask decides nothing', () => {
    const [open, closed] = ['000', '077'].map((umask) => {
      const place = newFolder(`umask-${umask}`)
      const options = { env: environment(place), cwd: place }
      expect(shell(`umask ${umask}; signet quickstart demo`, options)).toMatchObject({ code: 0 })
      const env = variables(join(place, 'demo'))
      const again = [
        'renew compute-07 --out credentials/compute-07',
        'audit export --out log.ndjson',
        'verify message.json.p7s --content message.json --for notifications --trust trust.p7 --trust-memory m.json --out o',
      ]
      for (const line of again) {
        const result = shell(`umask ${umask}; signet ${line}`, { env, cwd: join(place, 'demo') })
        expect([line, result.code, result.stderr]).toEqual([line, 0, ''])
      }
      return modes(join(place, 'demo'))
    })
    expect(open).toEqual(closed)
    expect(Object.values(open ?? {}).filter((mode) => /[2367].?$/.test(mode) && !mode.startsWith('120'))).toEqual([])
    expect(open).toMatchObject({ 'seen.db': '100600', 'm.json': '100600', home: '40700', 'home/store.db': '100600' })
  })

  it('without HOME nothing is guessed', () => {
    const env = { PATH: environment('/')['PATH'] ?? '' }
    const result = signet(['entity', 'list'], { env })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain('name it with --home or SIGNET_HOME')
    expect(signet(['entity', 'list'], { env: { ...env, HOME: '' } }).code).toBe(2)
    expect(signet(['--version'], { env }).code).toBe(0)
  })

  it('a hostile environment changes no word', () => {
    const place = newFolder('hostile')
    const env = {
      ...variables(place),
      TZ: 'Pacific/Kiritimati',
      LC_ALL: 'tr_TR.UTF-8',
      COLUMNS: '1',
      FORCE_COLOR: '3',
      CLICOLOR_FORCE: '1',
      TMPDIR: '/nonexistent',
      OPENSSL_CONF: '/nonexistent',
      NODE_ENV: 'development',
      SIGNET_JSON: '1',
      PATH: '',
    }
    const init = signet(['init', '--domain', 'cloud.example', '--json'], { env, cwd: place })
    expect([init.code, init.stderr]).toEqual([0, ''])
    expect(init.stdout).toMatch(/^\{"schema":1,"ok":true.*\}\n$/)
    expect(signet(['entity', 'add', 'idle-01', '--kind', 'node', '--service', 'IDLE'], { env, cwd: place }).code).toBe(
      0,
    )
    const issued = signet(['issue', 'idle-01', '--json'], { env, cwd: place })
    expect(issued.stdout).toMatch(/"notAfter":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z"/)
    const help = signet(['verify', '--help'], { env })
    expect(help.code).toBe(0)
    expect(`${help.stdout}${help.stderr}`).not.toContain('\u001b')
  })

  it('a folder that is gone, or may not be entered, is a refusal', () => {
    const place = newFolder('gone')
    const result = shell('mkdir x; cd x; rmdir ../x; signet entity list', { env: variables(place), cwd: place })
    expect(result.code).not.toBe(0)
  })
})

describe.skipIf(!hasOldNode)('an older Node hands over', () => {
  const place = newFolder('old-node')
  const options = { env: variables(place), cwd: place }
  const old = (line: string): Ran => shell(line, options, OLD_NODE)

  it('output, input and exit codes arrive', () => {
    expect(old('signet --version')).toEqual(signet(['--version']))
    expect(old('signet nonsense')).toMatchObject({ code: 2, stdout: '' })
    expect(old('signet entity list --json').code).toBe(7)
    expect(old('signet init --domain cloud.example').code).toBe(0)
    expect(old('signet entity list | true; exit ${PIPESTATUS[0]}').code).not.toBe(0)
    expect(old('signet cert show - < home/root.pem')).toMatchObject({ code: 0, stderr: '' })
    expect(old('signet entity add "a b" --kind node')).toMatchObject({ code: 5 })
  })

  it.each(['--passphrase-fd 3', '--passphrase-fd=3'])('so does a passphrase: %s', (words) => {
    const line = `unset SIGNET_PASSPHRASE_FILE; signet trust publish --out trust.p7 ${words}`
    expect(old(`${line} 3< passphrase`)).toMatchObject({ code: 0, stderr: '' })
    expect(old(line).code).toBe(2)
  })
})
