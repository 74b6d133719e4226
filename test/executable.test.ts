/** One file that needs no Node: made of what was built, as `npm run build:exe` makes it. Needs a build, as `npm test` makes it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from './support/temporary.js'

const folder = temporaryFolder()
const program = join(folder, 'signet')

/** Why none can be made here. */
function whyNot(): string | undefined {
  if (process.config.variables['single_executable_application' as never] !== true)
    return 'this Node cannot carry a program'
  if (!existsSync(resolve('node_modules/postject'))) return 'postject is not installed: npm ci'
  return undefined
}

const reason = whyNot()
if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason)

/** Run it where there is no Node, and nothing else either. */
function run(words: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: '', HOME: folder, ...variables },
  })
  if (error !== undefined) throw error
  return { code: status, stdout, stderr }
}

describe.skipIf(reason !== undefined)(`the single executable${reason === undefined ? '' : ` (${reason})`}`, () => {
  it('does the whole job without Node, and refuses as ever', { timeout: 120_000 }, () => {
    execFileSync(process.execPath, [resolve('bin/executable.mjs'), program], { stdio: 'ignore' })
    expect(run(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(run(['--help']).stdout).toContain('Usage: signet')
    expect(run(['quickstart', 'demo']).stdout).toContain('verdict      verified')

    const demo = { SIGNET_HOME: join(folder, 'demo/home'), SIGNET_PASSPHRASE_FILE: join(folder, 'demo/passphrase') }
    const verify = 'verify demo/message.json.p7s --for notifications --trust demo/trust.p7 --content'.split(' ')
    expect(run([...verify, 'demo/message.json'], demo)).toMatchObject({ code: 0, stderr: '' })
    const refused = run([...verify, 'demo/deployment.yaml', '--json'], demo)
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      4,
      { error: { code: 'ERR_CMS_DIGEST_MISMATCH' } },
    ])
    // What is loaded only when it is needed is there, too: YAML, other people's libraries.
    expect(run(['identity', 'lint'], demo).code).toBe(0)
    const certificate = 'demo/credentials/compute-07/tls/current/cert.pem'
    expect(run(['cert', 'verify', certificate, '--second-opinion'], demo)).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(folder).toSorted()).toEqual(['demo', 'signet'])
  })
})
