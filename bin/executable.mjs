// Makes of Node and the bundle one file that runs where no Node is: `node bin/executable.mjs [FILE]`, after a build. The
// format is Node's own (https://nodejs.org/api/single-executable-applications.html); it is for the system that makes it.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'postject'

/** Where Node looks whether something was put in; assigned by Node. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = resolve(process.argv[2] ?? join(root, 'dist/signet'))
const folder = mkdtempSync(join(tmpdir(), 'signet-executable-'))
try {
  const names = readdirSync(join(root, 'dist')).filter((name) => /\.cjs(\.cache)?$/.test(name))
  if (names.length === 0) throw new Error('there is no bundle: npm run build')
  const launcher = readFileSync(join(root, 'bin/signet.js'), 'utf8').replace(/^#!.*/, '')
  writeFileSync(
    join(folder, 'main.cjs'),
    `const { getRawAsset } = require('node:sea')
const launcher = { exports: {} }
;(function (module, __dirname) {${launcher}
})(launcher, '')
launcher.exports
  .loader({
    source: (name) => Buffer.from(getRawAsset(name)).latin1Slice(),
    cache: (name) => (ASSETS.includes(name + '.cache') ? Buffer.from(getRawAsset(name + '.cache')) : undefined),
  })
  .load('signet.cjs')
  .start()
`.replace('ASSETS', JSON.stringify(names)),
  )
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      main: join(folder, 'main.cjs'),
      output: join(folder, 'blob'),
      assets: Object.fromEntries(names.map((name) => [name, join(root, 'dist', name)])),
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
    }),
  )
  execFileSync(process.execPath, ['--experimental-sea-config', join(folder, 'config.json')], { stdio: 'ignore' })
  rmSync(target, { force: true })
  copyFileSync(process.execPath, target)
  await inject(target, 'NODE_SEA_BLOB', readFileSync(join(folder, 'blob')), { sentinelFuse: FUSE })
  chmodSync(target, 0o755)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
