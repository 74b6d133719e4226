/**
 * Files of the program itself.
 *
 * @module files/beside (floor 0)
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The file of this name beside a module, to start a thread from; none where the whole program is one file.
 *
 * @param module - Its `import.meta.url`.
 */
export function fileBeside(module: string, name: string): URL | undefined {
  const file = new URL(name, module)
  return file.protocol === 'file:' && existsSync(fileURLToPath(file)) ? file : undefined
}
