import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary.js'
import { makeTlsPki, REGISTRY } from '../support/tls-pki.js'
import { later } from './meeting.js'

it('docs/tls.md: the example does what it says', { timeout: 30_000 }, async () => {
  const pki = await makeTlsPki()
  const [, code = ''] = /```ts\n([^]*?)```/.exec(readFileSync('docs/tls.md', 'utf8')) ?? []
  const folder = temporaryFolder()
  for (const entity of ['api-01', 'compute-07']) {
    const place = join(folder, entity, 'tls')
    mkdirSync(dirname(place))
    symlinkSync(pki.deliver(pki.leaf(entity)), place)
  }
  writeFileSync(join(folder, 'mapping.yaml'), pki.mappingText)
  writeFileSync(join(folder, 'registry.yaml'), REGISTRY)
  const script = code
    .replaceAll('/etc/signet/', `${folder}/`)
    .replaceAll('8443', String(await freePort()))
    .replaceAll('api-01.cloud.example', 'localhost')
    .replaceAll(
      /'signet-pki\/(\w+)'/g,
      (_, name: string) => `'${pathToFileURL(resolve('src', name, 'index.ts')).href}'`,
    )
  expect(script).not.toContain('signet-pki')
  const path = join(folder, 'example.ts')
  writeFileSync(path, script)
  const hook = pathToFileURL(resolve('test/support/source-hook.mjs')).href
  const child = spawn(process.execPath, ['--import', hook, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  later(() => end(child))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (data: string) => (output += data))
  await expect.poll(() => output, { timeout: 20_000 }).toBe('200 hello compute-07\n')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill()
  await once(child, 'close')
}
