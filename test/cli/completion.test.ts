import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import type { CliEnvironment } from '../../src/cli/environment.js'
import { buildProgram } from '../../src/cli/program.js'
import { runCli } from '../support/deployment.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
const installed = (shell: string): boolean => spawnSync(shell, ['--version']).error === undefined

async function script(shell: string): Promise<string> {
  const { code, stdout } = await runCli(['completion', shell])
  expect(code).toBe(0)
  const path = join(folder, `completion.${shell}`)
  writeFileSync(path, stdout)
  return path
}

const program = buildProgram({} as CliEnvironment)
const groups = (command: Command, path: string): readonly (readonly [path: string, command: Command])[] => [
  [path, command],
  ...command.commands.flatMap((child) => groups(child, `${path} ${child.name()}`)),
]
const everyCommand = groups(program, 'signet')

describe.skipIf(!installed('bash'))('bash', async () => {
  const path = await script('bash')
  /** What bash offers after these words, the last of them unfinished. */
  const complete = (line: string): readonly string[] => {
    const words = line.split(' ')
    const { stdout, stderr } = spawnSync(
      'bash',
      [
        '--norc',
        '-uc',
        `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _signet; printf '%s\\n' "\${COMPREPLY[@]}"`,
        path,
        ...words,
      ],
      { encoding: 'utf8', cwd: folder },
    )
    expect(stderr).toBe('')
    return stdout.split('\n').filter((word) => word !== '')
  }

  it('registers itself', () => {
    const { stdout } = spawnSync('bash', ['--norc', '-c', 'source "$0"; complete -p signet', path], {
      encoding: 'utf8',
    })
    expect(stdout.trim()).toBe('complete -F _signet signet')
  })

  it.each([
    ['signet ent', ['entity']],
    ['signet ver', ['verify']],
    ['signet qu', ['quickstart', 'quarantine']],
    ['signet c', ['crl', 'cert', 'config', 'cms', 'compare', 'completion']],
    ['signet --ver', ['--version']],
    ['signet entity re', ['release', 'retire']],
    ['signet --json entity qu', ['quarantine']],
    ['signet entity add x --sc', ['--scope']],
    ['signet cms verify --se', ['--second-opinion']],
    ['signet verify --for', ['--for', '--force']],
    ['signet crl publish --out x --ro', ['--root', '--root-passphrase-file']],
    ['signet sign completion.b', ['completion.bash']],
    ['signet verify nothing-of-this-name', []],
    // A word of one command that is a command elsewhere does not lead there.
    ['signet issue list --csr', ['--csr']],
  ])('%s', (line, offered) => {
    expect(complete(line)).toEqual(offered)
  })

  it('knows every command and option', () => {
    for (const [words, command] of everyCommand) {
      const wanted = [
        ...command.commands.map((child) => child.name()),
        ...command.options.flatMap((option) => option.long ?? []),
      ]
      expect([words, complete(`${words} `)]).toEqual([words, expect.arrayContaining(wanted)])
    }
  })
})

describe.each(['zsh', 'fish'])('%s', (shell) => {
  it('has every command and option', async () => {
    const { stdout } = await runCli(['completion', shell])
    for (const [, command] of everyCommand) {
      for (const option of command.options) expect(stdout).toContain((option.long ?? '').replace(/^--/, ''))
      for (const child of command.commands) expect(stdout).toContain(child.name())
    }
  })

  it.skipIf(!installed(shell))('is well-formed', async () => {
    const { status, stderr } = spawnSync(shell, ['-n', await script(shell)], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })
})
