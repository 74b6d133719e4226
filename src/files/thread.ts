/**
 * Threads that run a file of the program.
 *
 * @module files/thread (floor 0)
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * The file of this name beside a module, to start a thread from; none where the whole program is one file.
 *
 * @param module - Its `import.meta.url`.
 */
export function fileBeside(module: string, name: string): URL | undefined {
  const file = new URL(name, module)
  return file.protocol === 'file:' && existsSync(fileURLToPath(file)) ? file : undefined
}

/** What whoever starts a thread hears of it. One that fails ends, too. */
export interface ThreadListeners<T> {
  readonly message: (message: T) => void
  readonly error: (cause: unknown) => void
  readonly exit?: () => void
}

/** Start a thread. It keeps the process alive only while somebody says so: `ref`. */
export function startThread<T>(file: URL, listeners: ThreadListeners<T>, options?: WorkerOptions): Worker {
  // Flags of this program that name what it runs are none of the thread's.
  const worker = new Worker(file, { ...options, execArgv: [] })
  for (const [event, listener] of Object.entries(listeners)) worker.on(event, listener as (value: unknown) => void)
  // After it is listened to, which would undo it.
  worker.unref()
  return worker
}
