/** A pool whose threads a test can end. */
import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { SignaturePool } from '../../src/crypto/index.js'

export async function poolOf(
  threads: number,
): Promise<{ readonly own: SignaturePool; readonly workers: readonly Worker[] }> {
  const workers: Worker[] = []
  const started = (worker: Worker): void => void workers.push(worker)
  process.on('worker', started)
  const own = new SignaturePool({ threads })
  // Node tells of them a little later.
  await setImmediate()
  process.off('worker', started)
  if (workers.length !== threads) throw new Error('the pool has not started its threads')
  return { own, workers }
}
