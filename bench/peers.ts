/** Strangers, found where they are installed: bench/peers/README.md says how. Who is not there is named, with the reason. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type ResidentOptions, type Resident, startResident } from './resident.ts'

export type Task = 'verify' | 'verify-chain' | 'verify-crls' | 'sign' | 'issue'

/** A program and its words; or why there is none. */
type Found = { readonly program: string; readonly words: readonly string[] } | string

interface Peer {
  readonly tasks: readonly Task[]
  /** Finds it, and builds it into a folder. */
  readonly find: (folder: string) => Found
  readonly warmUpMilliseconds?: number
}

const SOURCES = resolve('bench/peers')
const CHAIN = ['verify', 'verify-chain', 'sign'] as const

export const PEERS: Readonly<Record<string, Peer>> = {
  libcrypto: { tasks: ['verify', 'verify-chain', 'verify-crls', 'sign'], find: libcrypto },
  pkijs: { tasks: CHAIN, find: () => javascript('pkijs', resolve('.')) },
  // It compiles what runs often, and goes on doing so for seconds.
  'Bouncy Castle': { tasks: CHAIN, find: bouncyCastle, warmUpMilliseconds: 5000 },
  'Go pkcs7': { tasks: CHAIN, find: goPkcs7 },
  'PyCA cryptography': { tasks: ['verify', 'sign'], find: pyca },
  'node-forge': { tasks: ['verify', 'sign'], find: nodeForge },
  jose: { tasks: ['verify', 'sign'], find: () => javascript('jose', resolve('.')) },
  cfssl: { tasks: ['issue'], find: (builds) => goIssuer(builds, 'cfssl') },
  'step-ca': { tasks: ['issue'], find: (builds) => goIssuer(builds, 'step-ca') },
  'step-ca, with its database': { tasks: ['issue'], find: (builds) => goIssuer(builds, 'step-ca-database') },
}

/** What is said of a task behind the name of who does it. */
const WORDS: Readonly<Record<Task, string>> = {
  verify: ', signature only',
  'verify-chain': ', with chain',
  'verify-crls': ', with chain and CRLs',
  sign: '',
  issue: '',
}

export interface Started {
  readonly residents: readonly Resident[]
  readonly skipped: Readonly<Record<string, string>>
}

/** Start everybody who can do some of these tasks over the files of a folder. */
export async function startPeers(
  tasks: readonly Task[],
  files: string,
  builds: string,
  which: RegExp,
): Promise<Started> {
  const residents: Resident[] = []
  const skipped: Record<string, string> = {}
  for (const [peer, { tasks: known, find, warmUpMilliseconds }] of Object.entries(PEERS)) {
    if (!which.test(peer)) continue
    const found = once(peer, () => find(builds))
    for (const task of tasks.filter((wanted) => known.includes(wanted))) {
      const name = `${peer}${peer === 'jose' ? '' : WORDS[task]}`
      const started = typeof found === 'string' ? found : await startResident(wordsFor(found, task, files, name))
      if (typeof started === 'string') skipped[name] = started
      else residents.push({ ...started, ...(warmUpMilliseconds === undefined ? {} : { warmUpMilliseconds }) })
    }
  }
  return { residents, skipped }
}

function wordsFor(
  { program, words }: Exclude<Found, string>,
  task: Task,
  files: string,
  name: string,
): ResidentOptions {
  return { name, program, words: words.map((word) => (word === '{task}' ? task : word === '{files}' ? files : word)) }
}

const builtBefore = new Map<string, Found>()

/** Built once for all rows. */
function once(peer: string, find: () => Found): Found {
  const before = builtBefore.get(peer)
  if (before !== undefined) return before
  let found: Found
  try {
    found = find()
  } catch (error) {
    const text = error instanceof Error ? ((error as Error & { stderr?: Buffer }).stderr?.toString() ?? '') : ''
    const message = text.trim() === '' ? String(error) : text
    found = `not to be built: ${message.trim().split('\n')[0] ?? ''}`
  }
  builtBefore.set(peer, found)
  return found
}

const TASK_AND_FILES = ['{task}', '{files}'] as const

function libcrypto(builds: string): Found {
  if (!isProgram('cc', '--version')) return 'not installed: cc'
  // Another version than the one of the system: SIGNET_OPENSSL names the folder with its include and lib.
  const other = process.env['SIGNET_OPENSSL'] ?? ''
  const folders = ['lib64', 'lib'].map((name) => join(other, name)).filter((name) => existsSync(name))
  const flags =
    other === '' ? [] : [`-I${other}/include`, ...folders.flatMap((name) => [`-L${name}`, `-Wl,-rpath,${name}`])]
  if (other === '' && !existsSync('/usr/include/openssl/cms.h')) return 'not installed: libssl-dev'
  const program = join(builds, 'libcrypto')
  build('cc', ['-O2', ...flags, '-o', program, join(SOURCES, 'libcrypto.c'), ...flags, '-lcrypto'])
  return { program, words: TASK_AND_FILES }
}

function goPkcs7(builds: string): Found {
  if (!isProgram('go', 'version')) return 'not installed: go'
  const program = join(builds, 'go-pkcs7')
  build('go', ['build', '-o', program, '.'], join(SOURCES, 'go'))
  return { program, words: TASK_AND_FILES }
}

function goIssuer(builds: string, task: string): Found {
  if (!isProgram('go', 'version')) return 'not installed: go'
  const program = join(builds, 'issuers')
  if (!existsSync(program)) build('go', ['build', '-o', program, '.'], join(SOURCES, 'issuers'))
  const database = join(builds, `${task}-database`)
  mkdirSync(database, { recursive: true })
  return { program, words: [task, database] }
}

function bouncyCastle(builds: string): Found {
  if (!isProgram('javac', '-version')) return 'not installed: javac'
  for (const folder of [join(peersFolder(), 'bouncy-castle'), '/usr/share/java']) {
    const files = existsSync(folder) ? readdirSync(folder) : []
    const jars = ['bcprov', 'bcutil', 'bcpkix'].map((name) =>
      files.find((file) => file.startsWith(name) && file.endsWith('.jar')),
    )
    if (jars.includes(undefined)) continue
    const path = jars.map((jar) => join(folder, jar ?? '')).join(':')
    const classes = join(builds, 'classes')
    mkdirSync(classes, { recursive: true })
    build('javac', ['-cp', path, '-d', classes, join(SOURCES, 'BouncyCastle.java')])
    return { program: 'java', words: ['-cp', `${path}:${classes}`, 'BouncyCastle', ...TASK_AND_FILES] }
  }
  return 'not installed: libbcpkix-java'
}

function pyca(): Found {
  const own = ['pyca/bin/python', 'keystone/bin/python'].map((name) => join(peersFolder(), name))
  const program = [...own, '/usr/bin/python3'].find(
    (python) => (python.startsWith('/usr') || existsSync(python)) && isProgram(python, '-c', 'import cryptography'),
  )
  if (program === undefined) return 'not installed: python3-cryptography'
  return { program, words: [join(SOURCES, 'pyca.py'), ...TASK_AND_FILES] }
}

function nodeForge(): Found {
  const modules = join(peersFolder(), 'node')
  if (!existsSync(join(modules, 'node_modules/node-forge'))) return 'not installed: node-forge'
  return javascript('node-forge', modules)
}

function javascript(library: string, modules: string): Found {
  if (!existsSync(join(modules, 'node_modules', library))) return `not installed: ${library}`
  return { program: process.execPath, words: [join(SOURCES, 'javascript.ts'), library, ...TASK_AND_FILES, modules] }
}

function peersFolder(): string {
  const peers = process.env['SIGNET_PEERS'] ?? ''
  return peers === '' ? join(homedir(), '.cache/signet-peers') : peers
}

function isProgram(program: string, ...words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function build(program: string, words: readonly string[], cwd?: string): void {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'], ...(cwd === undefined ? {} : { cwd }) })
}
