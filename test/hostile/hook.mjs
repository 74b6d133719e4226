// Lets a child process run src and test without building them: where there is no `x.js`, it is `x.ts`. Node strips the types.
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'

const ROOTS = ['../../src/', '../'].map((folder) => new URL(folder, import.meta.url).href)

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL !== undefined) {
      const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (ROOTS.some((root) => url.href.startsWith(root)) && existsSync(url)) {
        return { url: url.href, shortCircuit: true }
      }
    }
    return next(specifier, context)
  },
})
