/**
 * `npm run conformance [-- --json FILE] [-- --only SUITE]`: how signet does in the test suites of strangers.
 *
 * Node strips the types of what is imported, but looks for `x.js` where `x.ts` is: nothing has to be built before.
 *
 * @module test/conformance/main
 */
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL !== undefined) {
      const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (!url.pathname.includes('/node_modules/') && existsSync(url)) return { url: url.href, shortCircuit: true }
    }
    return next(specifier, context)
  },
})

// Imported only now, so that the hook is there.
const { runCommand } = await import('./command.js')
process.exitCode = 1
process.exitCode = await runCommand(process.argv.slice(2))
