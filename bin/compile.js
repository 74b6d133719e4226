// Puts beside each part of the bundle the functions that a run of it compiles, so that the next run need not: a whole
// small deployment is made, and a message of it verified. Run by the Node that will run the command line.
'use strict'
const { execFileSync } = require('node:child_process')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { loader } = require('./signet.js')

const VERIFY = [
  'verify',
  'message.json.p7s',
  '--content',
  'message.json',
  '--for',
  'notifications',
  '--trust',
  'trust.p7',
]
const BIND = ['--bind', 'publisher_id == service:node']
const SIGN = ['sign', 'message.json', '--as', 'credentials/compute-07/signer', '--type', 'a.b', '--to', 'c', '--force']

/** Each in a process of its own: functions that another has compiled would be kept, too, and take time to load. */
const STEPS = {
  prepare: async (demo) => run(loader(), demo, join(demo, '..'), [['quickstart', 'demo']]),
  // What many wait for, and no more.
  first: async (demo) => {
    const loaded = loader()
    await run(loaded, demo, demo, [[...VERIFY, ...BIND]])
    keep(loaded, (name) => name === 'signet.cjs')
  },
  rest: async (demo) => {
    const loaded = loader()
    await run(loaded, demo, demo, [SIGN, ['--help']])
    await run(loaded, demo, demo, [['cms', 'verify', 'home/root.pem']], 3)
    keep(loaded, (name) => name !== 'signet.cjs')
  },
}

function main() {
  const folder = mkdtempSync(join(tmpdir(), 'signet-build-'))
  try {
    for (const step of Object.keys(STEPS)) {
      execFileSync(process.execPath, [__filename, step, join(folder, 'demo')], {
        stdio: ['ignore', 'inherit', 'inherit'],
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function run({ load }, demo, directory, lines, expected = 0) {
  for (const words of lines) {
    let text = ''
    const output = { write: (piece) => ((text += piece), true), once: () => undefined }
    const code = await load('signet.cjs').main(words, {
      stdin: process.stdin,
      stdout: output,
      stderr: output,
      variables: { SIGNET_HOME: join(demo, 'home'), SIGNET_PASSPHRASE_FILE: join(demo, 'passphrase') },
      directory,
      clock: { now: () => new Date() },
    })
    if (code !== expected) throw new Error(`signet ${words.join(' ')} ended with ${code}: ${text}`)
  }
}

function keep({ scripts }, isWanted) {
  for (const [name, script] of scripts) {
    if (isWanted(name)) writeFileSync(join(__dirname, '../dist', `${name}.cache`), script.createCachedData())
  }
}

const [step, demo] = process.argv.slice(2)
if (step === undefined) main()
else void STEPS[step](demo)
