/**
 * Listening on a Unix socket whose owner and mode are said, not left to the umask.
 *
 * @module tls/unix-socket (floor 7)
 */
import { chmodSync, chownSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { StateError, StoreError } from '../errors/index.js'
import { lookAt } from '../files/index.js'
import { refusalOf } from './refusal.js'

export interface SocketPlace {
  readonly path: string
  /** Who may connect at all, before any certificate: `0o600` the owner, `0o660` the group, too. */
  readonly mode: number
  /** Default: the user who runs this. */
  readonly uid?: number
  /** Default: their group. */
  readonly gid?: number
}

/**
 * Listen on a Unix socket. It is made for its owner alone, and opened to others, if at all, once it has its owner and mode.
 *
 * A socket that a dead process left is taken away; anything else of that name stays.
 *
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS` where there is something else, or somebody listens
 * @throws {@link StoreError} `ERR_TLS_CONNECTION` where it cannot be made
 */
export async function listenOnSocket(server: Server, { path, mode, uid, gid }: SocketPlace): Promise<void> {
  await removeDead(path)
  // The socket is bound within this call, so nothing else of this process is made with this mask.
  const mask = process.umask(0o177)
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
  })
  try {
    server.listen({ path })
  } finally {
    process.umask(mask)
  }
  try {
    await listening
    if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? process.geteuid?.() ?? -1, gid ?? -1)
    chmodSync(path, mode)
  } catch (cause) {
    server.close()
    throw new StoreError('ERR_TLS_CONNECTION', `cannot listen on ${path}: ${refusalOf(cause).message}`, {
      details: { path },
      cause,
    })
  }
}

async function removeDead(path: string): Promise<void> {
  const stats = lookAt(path)
  if (stats === undefined) return
  if (stats.isSocket() && !(await isAnswered(path))) {
    rmSync(path)
    return
  }
  throw new StateError('ERR_OUTPUT_EXISTS', `${path} is there already`, {
    details: { path },
    hint: stats.isSocket() ? 'somebody listens there' : 'it is no socket: name another path',
  })
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path })
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
}
