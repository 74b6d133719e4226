import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram } from '../src/cli/program.js'
import { processEnvironment } from '../src/cli/environment.js'
import { ERROR_CODES, EXIT_CODES } from '../src/errors/index.js'
import { matrixOf, matrixSvg, parsePolicy } from '../src/policy/index.js'

const README = readFileSync('README.md', 'utf8')

interface Step {
  readonly command: string
  readonly output: readonly string[]
}

/** The console block that follows a marker. */
function block(marker: string, text: string = README): string {
  const found = new RegExp(`<!-- ${marker} -->\\s+\`\`\`console\\n([^]*?)\`\`\``).exec(text)?.[1]
  if (found === undefined) throw new Error(`README has no block ${marker}`)
  return found
}

function steps(session: string): readonly Step[] {
  const found: { command: string; output: string[] }[] = []
  for (const line of session.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), output: [] })
    else found.at(-1)?.output.push(line)
  }
  return found
}

describe('README: the session at the top', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'signet-readme-'))
    mkdirSync(join(folder, 'bin'))
    writeFileSync(
      join(folder, 'bin/signet'),
      `#!/bin/sh\nexec "${process.execPath}" "${resolve('bin/signet.js')}" "$@"\n`,
    )
    chmodSync(join(folder, 'bin/signet'), 0o755)
  })

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('does what it shows, word for word', { timeout: 60_000 }, () => {
    const work = join(folder, 'work')
    mkdirSync(work)
    // One shell runs it all, so that what is exported stays; a mark after each command tells its output and exit code.
    const session = steps(block('session'))
    const script = session.map(({ command }) => `${command}\ncode=$?\necho "<<$code>>"\n(exit $code)`).join('\n')
    const { stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${script}`], {
      cwd: work,
      encoding: 'utf8',
      env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: folder },
    })
    const answers = stdout.split(/<<(\d+)>>\n/)
    session.forEach(({ command, output }, index) => {
      const answer = answers[2 * index] ?? ''
      const code = Number(answers[2 * index + 1])
      const isRefusal = output.some((line) => line.startsWith('signet: error:'))
      expect(code !== 0, `${command}\n${answer}`).toBe(isRefusal)
      for (const line of output.filter((item) => item !== '...')) expect(answer).toContain(line)
    })
    expect(session.length).toBeGreaterThan(10)
  })
})

describe('README: tables', () => {
  it('lists every command', () => {
    const rows = /<!-- commands -->([^]*?)\n\n[^|]/.exec(README)?.[1] ?? ''
    const listed = [...rows.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) => {
      const words = [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
      const [noun = ''] = (words[0] ?? '').split(' ')
      return words.map((word) => (word.includes(' ') || !words[0]?.includes(' ') ? word : `${noun} ${word}`))
    })
    const program = buildProgram(processEnvironment())
    const commands = program.commands.flatMap((command) =>
      command.commands.length === 0
        ? [command.name()]
        : command.commands.map((child) => `${command.name()} ${child.name()}`),
    )
    expect(listed.toSorted()).toEqual(commands.toSorted())
  })

  it('lists every exit code', () => {
    const rows = /<!-- exit codes -->([^]*?)\n\n[^|]/.exec(README)?.[1] ?? ''
    const codes = [...rows.matchAll(/^\| (\d+) +\| (\w+)/gm)].map(([, code, word]) => [word, Number(code)])
    expect(Object.fromEntries(codes.filter(([, code]) => code !== 0))).toEqual(EXIT_CODES)
  })

  it('names every file that it links to', () => {
    const links = [...README.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path)
    expect(links.length).toBeGreaterThan(5)
    for (const path of links) expect(() => readFileSync(path)).not.toThrow()
  })

  it('shows TypeScript that compiles', { timeout: 60_000 }, () => {
    const pages = ['README.md', 'docs/library.md', 'docs/brokers.md', 'docs/tls.md', 'docs/probe.md'].map((page) =>
      readFileSync(page, 'utf8'),
    )
    const blocks = pages.flatMap((page) => [...page.matchAll(/```ts\n([^]*?)```/g)].map(([, code = '']) => code))
    const folder = mkdtempSync(join(resolve('.'), '.readme-ts-'))
    try {
      blocks.forEach((code, index) => {
        const names = {
          directoryBytes: 'Uint8Array',
          pin: 'string',
          signature: 'Uint8Array',
          payload: 'Uint8Array',
          policy: "import('signet-pki').MessagePolicy",
          messages: "readonly import('signet-pki').IncomingMessage[]",
          accept: '(message: unknown) => void',
          report: '(error: unknown) => void',
        }
        const declared = Object.entries(names)
          .filter(([name]) => !new RegExp(`const ${name}\\b`).test(code))
          .map(([name, type]) => `declare const ${name}: ${type}\n`)
        const missing =
          code.includes('verifyMessage(') && !code.includes('verifyMessage }')
            ? "import { verifyMessage } from 'signet-pki'\n"
            : ''
        writeFileSync(join(folder, `block-${index}.ts`), `${missing}${declared.join('')}${code}\nexport {}\n`)
      })
      const options = {
        module: 'NodeNext',
        target: 'ES2024',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: ['node'],
      }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
      const compiler = resolve('node_modules/typescript/bin/tsc')
      const outcome = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })
      expect(outcome.stdout).toBe('')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('docs/errors.md', () => {
  it('is what the table of codes says: npm run docs', async () => {
    const { errorsPage } = await import('../src/cli/errors-page.js')
    expect(readFileSync('docs/errors.md', 'utf8')).toBe(errorsPage())
  })
})

describe('docs/nova-matrix.svg', () => {
  it('is what the policy of fixtures/nova says: npm run docs', () => {
    const policy = parsePolicy(readFileSync('fixtures/nova/policy.yaml', 'utf8'))
    expect(readFileSync('docs/nova-matrix.svg', 'utf8')).toBe(matrixSvg(matrixOf(policy)))
  })
})

describe('the table of codes', () => {
  it('has no code that nothing throws, or that no test provokes', () => {
    const textOf = (...folders: readonly string[]): string =>
      execFileSync('git', ['ls-files', ...folders], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .filter((path) => path !== 'src/errors/codes.ts')
        .map((path) => readFileSync(path, 'latin1'))
        .join('\n')
    const [program, tests] = [textOf('src', 'bin'), textOf('test', 'fixtures')]
    const codes = Object.keys(ERROR_CODES)
    expect(codes.filter((code) => !program.includes(`'${code}'`))).toEqual([])
    expect(codes.filter((code) => !tests.includes(code))).toEqual([])
  })
})

describe('the repository', () => {
  it('names no registry, and nothing outside of itself but the default of SIGNET_CORPORA', () => {
    const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')
    const offenders = tracked.filter((path) => {
      const text = readFileSync(path, 'latin1')
      const outside = text.replaceAll('../shared/corpora', '').includes(['..', 'shared', ''].join('/'))
      return outside || /registry\.npmjs|registry\.yarnpkg/.test(text)
    })
    expect(offenders.filter((path) => path !== 'test/readme.test.ts')).toEqual([])
  })
})
