/**
 * Stories: text files that say what an operator types and what must come of it. Each runs in a folder of its own,
 * against `main()` in this process, on a clock of its own.
 *
 * ```
 * # A comment. Words are split at spaces; 'single quotes' group; $NAME is a variable of the story.
 * home                                copy a deployment that was made once: see prepareDeployment
 * env NAME=value                      a variable, for $NAME and for the commands; `env NAME=` takes it away
 * clock +31d                          advance the clock of the story; -1h sets it back
 * stdin FILE                          what the next command reads
 * signet words …                      must end with 0; `! signet …` must not
 * openssl words …                     likewise, without a shell
 * code 4                              the exit code of the last command
 * stdout 'regex'   stderr 'regex'     its output; lines are matched one by one with ^ and $
 * json a.b.0 == value                 the last --json output; also !=, and `json a.b ~ 'regex'`
 * save NAME a.b.0                     keep a value of it in $NAME
 * exists F   cmp A B   mode 0600 F   grep 'regex' F
 * cp A B   rm F   mkdir D   empty D   write F 'text'   chmod 0644 F   symlink LINK TARGET   sqlite DB 'statement'
 * sparse F 80000000                   a file of so many bytes that takes no room
 *
 * -- name --
 * The files that the story starts with.
 * ```
 *
 * `!` turns round `signet`, `openssl`, `stdout`, `stderr`, `exists`, `cmp` and `grep`. `$WORK` is the folder.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { addSeconds, parseDuration } from '../../src/time/index.js'
import { makeDeployment, runCli } from './deployment.js'

/** When stories begin, and when the deployment of `home` was made. */
export const STORY_START = new Date('2027-01-04T09:00:00Z')

/**
 * Make the deployment that `home` copies: `home`, `root-offline`, `passphrase`, `credentials/ID/{tls,signer}` for
 * `compute-07`, `conductor-01` and `broker-01`, `crls.pem`, `trust.p7`, and `note.json`, signed by compute-07 for
 * `notifications` into `note.json.p7s`.
 *
 * @returns Its folder. Call it once per test file, outside of hooks.
 */
export async function prepareDeployment(): Promise<string> {
  const cloud = await makeDeployment({ clock: { now: () => STORY_START } })
  await cloud.publishTrust()
  cloud.write('note.json', '{"publisher_id": "compute:compute-07", "event_type": "instance.create.end"}\n')
  await cloud.signet(
    'sign note.json --as credentials/compute-07/signer --type notify.instance.create.end --to notifications',
  )
  return cloud.folder
}

/** Copy a file or folder with its links and modes; cpSync gives folders the default mode. */
export function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true })
  if (!lstatSync(from).isDirectory()) return
  chmodSync(to, lstatSync(from).mode & 0o777)
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) chmodSync(join(to, relative(from, path)), lstatSync(path).mode & 0o777)
  }
}

interface Line {
  readonly number: number
  readonly text: string
}

interface Ending {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Run the story of a file.
 *
 * @param prepared - What {@link prepareDeployment} made, for `home`.
 * @throws An error that names file and line of what did not hold.
 */
export async function runStory(file: string, prepared: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'signet-story-'))
  const { lines, files } = parseStory(readFileSync(file, 'utf8'))
  try {
    for (const [name, content] of files) {
      const path = join(folder, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
    }
    const story = new Story(folder, prepared)
    for (const line of lines) {
      try {
        await story.run(line.text)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new Error(`${basename(file)}:${line.number}: ${line.text}\n${reason}\n${story.lastOutput}`, {
          cause: error,
        })
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Take a story apart: its lines, and the files after `-- name --`. */
export function parseStory(text: string): { readonly lines: readonly Line[]; readonly files: Map<string, string> } {
  const lines: Line[] = []
  const files = new Map<string, string>()
  let name: string | undefined
  for (const [index, raw] of text.replace(/\n$/, '').split('\n').entries()) {
    name = /^-- (.+) --$/.exec(raw)?.[1] ?? name
    if (/^-- .+ --$/.test(raw)) files.set(name ?? '', '')
    else if (name !== undefined) files.set(name, `${files.get(name) ?? ''}${raw}\n`)
    else if (raw.trim() !== '' && !raw.startsWith('#')) lines.push({ number: index + 1, text: raw.trim() })
  }
  return { lines, files }
}

class Story {
  readonly #folder: string
  readonly #prepared: string
  readonly #variables = new Map<string, string>()
  #now = STORY_START
  #stdin: Buffer | undefined
  #last: Ending | undefined

  constructor(folder: string, prepared: string) {
    this.#folder = folder
    this.#prepared = prepared
    this.#variables.set('WORK', folder)
    this.#variables.set('HOME', folder)
  }

  /** What the last command printed, for whoever looks for what went wrong. */
  get lastOutput(): string {
    return this.#last === undefined
      ? ''
      : `last command ended with ${this.#last.code}\nstdout: ${this.#last.stdout}stderr: ${this.#last.stderr}`
  }

  async run(line: string): Promise<void> {
    const words = splitWords(line, this.#variables)
    const negated = words[0] === '!'
    const [verb = '', ...rest] = negated ? words.slice(1) : words
    const [first = '', second = ''] = rest
    switch (verb) {
      case 'signet':
        return this.#signet(rest, negated)
      case 'openssl':
        this.#openssl(rest, negated)
        return
      case 'stdout':
      case 'stderr':
        holds(new RegExp(first, 'm').test(this.#ending[verb]) !== negated, `${verb} does not fit`)
        return
      case 'exists':
        holds((lstatSync(this.#path(first), { throwIfNoEntry: false }) !== undefined) !== negated, 'not so')
        return
      case 'cmp':
        holds(this.#read(first).equals(this.#read(second)) !== negated, 'not so')
        return
      case 'grep':
        holds(new RegExp(first, 'm').test(this.#read(second).toString('utf8')) !== negated, 'not so')
        return
      default:
        holds(!negated, `! does not go with ${verb}`)
        this.#plain(verb, rest, first, second)
    }
  }

  /** What cannot be turned round. */
  #plain(verb: string, rest: readonly string[], first: string, second: string): void {
    switch (verb) {
      case 'home':
        this.#home()
        return
      case 'env':
        this.#set(first)
        return
      case 'clock':
        this.#advance(first)
        return
      case 'stdin':
        this.#stdin = this.#read(first)
        return
      case 'code':
        holds(this.#ending.code === Number(first), `the exit code is ${this.#ending.code}`)
        return
      case 'json':
        this.#checkJson(first, second, rest[2] ?? '')
        return
      case 'save':
        this.#variables.set(first, textOf(this.#jsonAt(second)))
        return
      case 'mode':
        holds(octal(lstatSync(this.#path(second)).mode) === first, octal(lstatSync(this.#path(second)).mode))
        return
      case 'cp':
        copyFolder(this.#path(first), this.#path(second))
        return
      case 'rm':
        holds(existsSync(this.#path(first)), 'there is nothing to remove')
        rmSync(this.#path(first), { recursive: true })
        return
      case 'mkdir':
        mkdirSync(this.#path(first), { recursive: true })
        return
      case 'empty':
        holds(readdirSync(this.#path(first)).length === 0, readdirSync(this.#path(first)).join(' '))
        return
      case 'sparse':
        writeFileSync(this.#path(first), '')
        truncateSync(this.#path(first), Number(second))
        return
      case 'write':
        writeFileSync(this.#path(first), second.replace(/\\n/g, '\n'))
        return
      case 'chmod':
        chmodSync(this.#path(second), Number.parseInt(first, 8))
        return
      case 'symlink':
        symlinkSync(second, this.#path(first))
        return
      case 'sqlite':
        this.#sqlite(first, second)
        return
      default:
        throw new Error(`there is no directive ${JSON.stringify(verb)}`)
    }
  }

  async #signet(words: readonly string[], negated: boolean): Promise<void> {
    const stdin = this.#stdin
    this.#stdin = undefined
    const now = this.#now
    this.#last = await runCli(words, {
      directory: this.#folder,
      variables: Object.fromEntries(this.#variables),
      clock: { now: () => now },
      ...(stdin === undefined ? {} : { stdin }),
    })
    holds((this.#last.code !== 0) === negated, negated ? 'it succeeded' : 'it failed')
  }

  #openssl(words: readonly string[], negated: boolean): void {
    try {
      const stdout = execFileSync('openssl', words, { cwd: this.#folder, encoding: 'utf8', stdio: 'pipe' })
      this.#last = { code: 0, stdout, stderr: '' }
    } catch (error) {
      const { status, stdout, stderr } = error as { status?: number; stdout?: string; stderr?: string }
      if (status === undefined) throw error
      this.#last = { code: status, stdout: stdout ?? '', stderr: stderr ?? '' }
    }
    holds((this.#last.code !== 0) === negated, negated ? 'it succeeded' : 'it failed')
  }

  #home(): void {
    copyFolder(this.#prepared, this.#folder)
    this.#variables.set('SIGNET_HOME', join(this.#folder, 'home'))
    this.#variables.set('SIGNET_PASSPHRASE_FILE', join(this.#folder, 'passphrase'))
  }

  #set(assignment: string): void {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(assignment) ?? []
    if (name === undefined || value === undefined) throw new Error('write env NAME=value')
    if (value === '') this.#variables.delete(name)
    else this.#variables.set(name, value)
  }

  #advance(text: string): void {
    const [, sign, duration] = /^([+-])(\w+)$/.exec(text) ?? []
    if (duration === undefined) throw new Error('write clock +31d')
    this.#now = addSeconds(this.#now, (sign === '-' ? -1 : 1) * parseDuration(duration))
  }

  #checkJson(path: string, operator: string, wanted: string): void {
    const found = textOf(this.#jsonAt(path))
    const fits: Record<string, boolean> = {
      '==': found === wanted,
      '!=': found !== wanted,
      '~': operator === '~' && new RegExp(wanted, 'm').test(found),
    }
    if (fits[operator] === undefined) throw new Error('write json path == value, != value or ~ regex')
    holds(fits[operator], `${path} is ${found}`)
  }

  #jsonAt(path: string): unknown {
    let value: unknown = JSON.parse(this.#ending.stdout)
    for (const key of path.split('.')) {
      value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
    }
    return value
  }

  #sqlite(file: string, statement: string): void {
    const database = new DatabaseSync(this.#path(file))
    try {
      database.exec(statement)
    } finally {
      database.close()
    }
  }

  get #ending(): Ending {
    if (this.#last === undefined) throw new Error('nothing was run yet')
    return this.#last
  }

  #path(name: string): string {
    return resolve(this.#folder, name)
  }

  #read(name: string): Buffer {
    return readFileSync(this.#path(name))
  }
}

/** Split at spaces; single quotes group and protect, a doubled one inside stands for itself; $NAME is replaced outside. */
export function splitWords(line: string, variables: ReadonlyMap<string, string>): readonly string[] {
  const words: string[] = []
  let rest = line
  while (rest !== '') {
    let word = ''
    while (rest !== '' && !rest.startsWith(' ')) {
      const quoted = /^'((?:[^']|'')*)'/.exec(rest)
      const plain = /^[^' ]+/.exec(rest)
      if (quoted?.[1] !== undefined) word += quoted[1].replaceAll("''", "'")
      else if (plain === null) throw new Error('a quote is not closed')
      else word += plain[0].replace(/\$(\w+)/g, (_, name: string) => expand(name, variables))
      rest = rest.slice((quoted ?? plain)?.[0].length)
    }
    words.push(word)
    rest = rest.trimStart()
  }
  return words
}

function expand(name: string, variables: ReadonlyMap<string, string>): string {
  const value = variables.get(name)
  if (value === undefined) throw new Error(`there is no variable $${name}`)
  return value
}

/** As a story writes it: texts bare, everything else in JSON. */
function textOf(value: unknown): string {
  return value === undefined ? 'undefined' : typeof value === 'string' ? value : JSON.stringify(value)
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}

function holds(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}
