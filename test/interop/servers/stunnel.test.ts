/** stunnel on loopback, with the file that signet writes for it. Only its log says whom it let in. */
import { setTimeout } from 'node:timers/promises'
import { configure, serverKind } from '../../../src/servers/index.js'
import { freePorts, startServer } from '../brokers/server.js'
import { ask, httpServer, serveBackend } from './http.js'
import { reloadWith, tryServer } from './trial.js'

const kind = serverKind('stunnel')

await tryServer({
  kind,
  programs: ['stunnel4'],
  group: 'stunnel4',
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const configuration = configure(kind, {
      credential: world.credential,
      directory: world.folder,
      state: world.state('stunnel4'),
      listen: { address: '127.0.0.1', port },
      backend: { kind: 'loopback', port: await serveBackend() },
      admitted: world.admitted,
      user: 'stunnel4',
      group: 'stunnel4',
      versions: 'TLSv1.3',
    })
    world.install(configuration.files)
    const [program = '', ...words] = configuration.start
    const { log } = await startServer({ program, words, ready: /Configuration successful/ })
    return {
      ...httpServer(port),
      whoAmI: async (client, session) => {
        const before = log().length
        const answer = await ask(port, client, { session })
        if ('refused' in answer) return answer
        const name = (): string | undefined => /CERT: Host name "([^"]*)" matched/.exec(log().slice(before))?.[1]
        // The log comes by another way than the answer.
        for (let look = 0; look < 100 && name() === undefined; look++) await setTimeout(20)
        return { identity: name() ?? 'somebody of whom its log says nothing' }
      },
      reload: () => reloadWith(configuration),
    }
  },
})
