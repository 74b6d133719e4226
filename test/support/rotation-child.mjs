// Rotates the issuing CA by the command line, from wherever a rotation is, until CA number GOAL issues alone; prints what
// it has done. Somebody will kill it.
//   node --import source-hook.mjs rotation-child.mjs HOME CREDENTIALS ROOT PASSPHRASE_FILE GOAL
import { writeSync } from 'node:fs'
import { main } from '../../src/cli/main.js'
import { processEnvironment } from '../../src/cli/environment.js'

const [, , home, credentials, root, passphrase, goal] = process.argv
const at = new Date(process.env['TEST_CLOCK'] ?? '')
const variables = { HOME: home, SIGNET_HOME: home, SIGNET_PASSPHRASE_FILE: passphrase, USER: 'alice' }

async function signet(...words) {
  const printed = []
  const sink = { write: (text) => printed.push(String(text)) > 0 }
  const environment = { ...processEnvironment(), stdout: sink, stderr: sink, variables, clock: { now: () => at } }
  const code = await main([...words, '--json'], environment)
  writeSync(1, `${words.slice(0, 2).join(' ')} ${code}\n`)
  if (code !== 0) throw new Error(`${words.join(' ')}: ${printed.join('')}`)
  return JSON.parse(printed.find((text) => text.startsWith('{')) ?? '{}')
}

const steps = {
  none: [['rotate', 'stage', '--root', root]],
  requested: [['rotate', 'stage', '--root', root]],
  staged: [
    ['rotate', 'deliver', '--credentials', credentials],
    ['rotate', 'acknowledge', '--all', '--credentials', credentials],
    ['rotate', 'reissue', '--out', credentials],
  ],
  reissuing: [
    ['rotate', 'reissue', '--out', credentials],
    ['rotate', 'cut-over', '--revoke'],
  ],
  'cut-over': [
    ['rotate', 'cut-over', '--revoke'],
    ['rotate', 'retire'],
  ],
}

for (;;) {
  const { state, issuingCas } = await signet('rotate', 'status')
  const issuing = issuingCas.find((ca) => ca.state === 'issuing')
  if (state === 'none' && issuing.number >= Number(goal)) break
  for (const words of steps[state]) await signet(...words)
}
// What a process left that died while it retired.
await signet('rotate', 'retire')
await signet('rotate', 'deliver', '--credentials', credentials)
writeSync(1, 'done\n')
