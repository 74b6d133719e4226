/** The proxy on this library that signet writes, in a process of its own. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { httpServer, serveBackend } from './http.js'
import { reloadWith, tryServer } from './trial.js'

const kind = serverKind('node')

await tryServer({
  kind,
  programs: [],
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const configuration = configure(kind, {
      credential: world.credential,
      directory: world.folder,
      state: world.state('root'),
      listen: { address: '127.0.0.1', port },
      backend: { kind: 'loopback', port: await serveBackend() },
      admitted: world.admitted,
      user: 'root',
      group: 'root',
      versions: 'TLSv1.3',
    })
    world.install(configuration.files)
    // As npm install would: the package as it is built.
    mkdirSync(join(world.folder, 'node_modules'))
    symlinkSync(resolve('.'), join(world.folder, 'node_modules/signet-pki'))
    const [, ...words] = configuration.start
    await startServer({ program: process.execPath, words, ready: /^ready$/m })
    return { ...httpServer(port), reload: () => reloadWith(configuration) }
  },
})
