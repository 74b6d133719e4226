/**
 * The command line as the process that it is: where the bundle begins.
 *
 * @module cli/start (floor 8)
 */
import { processEnvironment } from './environment.js'
import { main } from './main.js'

export { main }

/** Run the words of this process. */
export function start(): void {
  // Until main says otherwise, nothing has succeeded.
  process.exitCode = 1
  const environment = processEnvironment()
  void main(process.argv.slice(2), environment).then((code) => {
    process.exitCode = code
    // At once, where nobody has to be waited for: taking Node apart takes a millisecond.
    if (environment.stdout.isWritten && environment.stderr.isWritten) process.exit()
  })
}
