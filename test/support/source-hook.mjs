// Lets a child process run src without building it: `x.js` is `x.ts` there. Node strips the types.
import { existsSync } from 'node:fs'
import { flushCompileCache, registerHooks } from 'node:module'

const SOURCE = new URL('../../src/', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL !== undefined) {
      const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (url.href.startsWith(SOURCE) && existsSync(url)) return { url: url.href, shortCircuit: true }
    }
    return next(specifier, context)
  },
})

// Who is killed writes no cache at its end.
setTimeout(flushCompileCache, 300).unref()
