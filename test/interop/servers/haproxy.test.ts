/** HAProxy on loopback, with the files that signet writes for it. */
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { httpServer, serveBackend } from './http.js'
import { reloadWith, tryServer } from './trial.js'

const kind = serverKind('haproxy')

await tryServer({
  kind,
  programs: ['haproxy'],
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const configuration = configure(kind, {
      credential: world.credential,
      directory: world.folder,
      state: world.state('haproxy'),
      listen: { address: '127.0.0.1', port },
      backend: { kind: 'loopback', port: await serveBackend() },
      admitted: world.admitted,
      user: 'haproxy',
      group: 'haproxy',
      versions: 'TLSv1.3',
    })
    world.install(configuration.files)
    const [program = '', ...words] = configuration.start
    await startServer({ program, words, ready: /Loading success/ })
    return { ...httpServer(port), reload: () => reloadWith(configuration) }
  },
})
