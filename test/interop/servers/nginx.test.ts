/** nginx on loopback, with the file that signet writes for it. */
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { httpServer, serveBackend } from './http.js'
import { reloadWith, tryServer } from './trial.js'

const kind = serverKind('nginx')

await tryServer({
  kind,
  programs: ['nginx'],
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const configuration = configure(kind, {
      credential: world.credential,
      directory: world.folder,
      state: world.state('www-data'),
      listen: { address: '127.0.0.1', port },
      backend: { kind: 'loopback', port: await serveBackend() },
      admitted: world.admitted,
      user: 'www-data',
      group: 'www-data',
      versions: 'TLSv1.3',
    })
    world.install(configuration.files)
    const [program = '', ...words] = configuration.start
    await startServer({ program, words, ready: /start worker process/ })
    return { ...httpServer(port), reload: () => reloadWith(configuration) }
  },
})
