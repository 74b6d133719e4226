import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from './support/temporary.js'

/** The npm that started us; its script runs on any Node. */
const NPM = process.env['npm_execpath'] ?? '/usr/lib/node_modules/npm/bin/npm-cli.js'

/** A Node that is older than ours, where the machine has one. */
const OLD_NODE = ['/usr/bin/node', '/usr/local/bin/node'].find(
  (path) =>
    existsSync(path) && Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1]) < 24,
)

const run = (words: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, [...words], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

describe.skipIf(!existsSync(NPM))('npm pack', () => {
  it('gives a package that installs elsewhere, runs, and can be imported', { timeout: 120_000 }, () => {
    const folder = temporaryFolder()
    // What was built is what is packed: the scripts, which would build again under the feet of other tests, stay out.
    run([NPM, 'pack', '--ignore-scripts', '--pack-destination', folder], resolve('.'))
    const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
    execFileSync('tar', ['-xzf', tarball], { cwd: folder })
    const packed = join(folder, 'package')
    expect(readdirSync(packed).toSorted()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'bin', 'dist', 'fixtures', 'package.json'].toSorted(),
    )

    // Installed as npm lays it out, with the dependencies of this checkout standing in for a download.
    const elsewhere = join(folder, 'elsewhere')
    const place = join(elsewhere, 'node_modules/signet-pki')
    mkdirSync(dirname(place), { recursive: true })
    symlinkSync(packed, place)
    for (const dependency of [
      '@peculiar',
      'asn1js',
      'commander',
      'kysely',
      'pkijs',
      'reflect-metadata',
      'yaml',
      'tslib',
      'pvtsutils',
      'tsyringe',
      'webcrypto-core',
      'bytestreamjs',
      'pvutils',
    ]) {
      const source = resolve('node_modules', dependency)
      mkdirSync(join(packed, 'node_modules'), { recursive: true })
      if (existsSync(source)) symlinkSync(source, join(packed, 'node_modules', dependency))
    }
    expect(run([join(place, 'bin/signet.js'), '--version'], elsewhere)).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(run([join(place, 'bin/signet.js'), 'quickstart', 'demo'], elsewhere)).toContain('verdict      verified')
    // Installed without the Node that a checkout brings along, on one that is too old: one clear sentence.
    if (OLD_NODE !== undefined) {
      const { status, stderr } = spawnSync(OLD_NODE, [join(place, 'bin/signet.js'), '--version'], { encoding: 'utf8' })
      expect(stderr).toMatch(
        /^signet: error: signet needs Node\.js 24 or newer.*\[ERR_RUNTIME_UNSUPPORTED\]\nsignet: hint: /,
      )
      expect(status).toBe(2)
    }
    writeFileSync(
      join(elsewhere, 'use.mjs'),
      "import { verifyMessage } from 'signet-pki'\nimport { SignetError } from 'signet-pki/errors'\nimport { signData } from 'signet-pki/cms'\nconsole.log(typeof verifyMessage, typeof SignetError, typeof signData)\n",
    )
    expect(run(['use.mjs'], elsewhere)).toBe('function function function\n')
  })
})
