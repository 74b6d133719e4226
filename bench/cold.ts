/**
 * From a shell: one verification in a process of its own, and many in one (`signet verify --batch`), beside Node that does
 * nothing, the library in this process, and OpenSSL.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCredential } from '../dist/credential/index.js'
import { signMessage, verifyMessage } from '../dist/message/index.js'
import { openTrustDirectory } from '../dist/trust/index.js'
import type { Rows } from './context.ts'
import { type Contender, measure, type Row } from './harness.ts'

const SIGNET = 'bin/signet.js'
const ROUNDS = 25
const MESSAGES = 20_000
/** Of a deployment that `signet quickstart` made. */
const MESSAGE = { type: 'bench.run', destination: 'bench', lifetimeSeconds: 24 * 3600 } as const

export const COLD_ROWS: Rows = {
  'cold signet verify': ({ folder }, name) => coldVerify(name, folder),
  'batch of files': ({ folder }, name) => batch(name, folder, 'files'),
  'batch of lines': ({ folder }, name) => batch(name, folder, 'lines'),
}

/** Ratios are those of time to Node that does nothing: what is printed as `x × node` is how much faster Node alone is. */
async function coldVerify(name: string, folder: string): Promise<Row> {
  const { demo, words: verify } = coldCase(folder)
  const node = (label: string, words: readonly string[]): Contender => ({
    name: label,
    run: () => execFileSync(process.execPath, [...words], { cwd: demo, env: environment(demo) }),
  })
  const script = join(process.cwd(), SIGNET)
  return measure(
    name,
    node('signet', [script, ...verify]),
    [
      node('node -e 0', ['-e', '0']),
      node('signet --version', [script, '--version']),
      node('signet --help', [script, '--help']),
      ...openssl(demo),
    ],
    ROUNDS,
  )
}

/** A message of 1 KiB in a folder, and what verifies it there. */
export function coldCase(folder: string): { demo: string; words: string[]; variables: Record<string, string> } {
  const demo = deployment(folder)
  writeFileSync(
    join(demo, 'note.json'),
    `${JSON.stringify({ publisher_id: 'compute:compute-07', payload: 'x'.repeat(980) })}\n`,
  )
  const as = ['--as', 'credentials/compute-07/signer', '--type', 'bench.run', '--to', 'bench', '--lifetime', '1d']
  signet(demo, ['sign', 'note.json', ...as, '--force'])
  const files = ['--content', 'note.json', '--trust', 'trust.p7', '--bind', 'publisher_id == service:node']
  const words = ['verify', 'note.json.p7s', '--for', 'bench', ...files, '--max-age', '1d']
  return { demo, words, variables: environment(demo) }
}

/** As others verify: a detached signature, its certificate, the chain. CRLs are left out. */
function openssl(demo: string): readonly Contender[] {
  if (spawnSync('openssl', ['version']).error !== undefined) return []
  const signer = join(demo, 'credentials/compute-07/signer/current')
  const chain = join(demo, 'ca.pem')
  writeFileSync(
    chain,
    ['root.pem', 'issuing-ca.pem'].map((file) => readFileSync(join(demo, 'home', file), 'utf8')).join(''),
  )
  const words = `cms -verify -binary -inform DER -in note.json.p7s -content note.json -certfile ${signer}/cert.pem -CAfile ca.pem -purpose any -out /dev/null`
  const run = () => spawnSync('openssl', words.split(' '), { cwd: demo })
  // One that is too old for the algorithm says nothing of speed.
  return run().status === 0 ? [{ name: 'openssl cms -verify', run }] : []
}

/** Whole batches, from the start of the process to its end, beside the library over the same messages in memory. */
async function batch(name: string, folder: string, form: 'files' | 'lines'): Promise<Row> {
  const demo = deployment(folder)
  const credential = loadCredential(join(demo, 'credentials/compute-07/signer'))
  const content = Buffer.from(JSON.stringify({ publisher_id: 'compute:compute-07', payload: 'x'.repeat(980) }))
  const inbox = join(demo, 'inbox')
  mkdirSync(inbox, { recursive: true })
  const messages: Uint8Array[] = []
  let lines = ''
  for (let index = 0; index < MESSAGES; index++) {
    const { der } = await signMessage(content, credential, { ...MESSAGE, at: new Date() })
    messages.push(der)
    writeFileSync(join(inbox, `${index}.json`), content)
    writeFileSync(join(inbox, `${index}.json.p7s`), der)
    const signatureBase64 = Buffer.from(der).toString('base64')
    lines += `${JSON.stringify(form === 'files' ? { signature: `inbox/${index}.json.p7s`, content: `inbox/${index}.json` } : { signatureBase64, contentBase64: content.toString('base64') })}\n`
  }
  const list = join(demo, `${form}.ndjson`)
  writeFileSync(list, lines)
  const pin = openPin(demo)
  const trust = openTrustDirectory(readFileSync(join(demo, 'trust.p7')), {
    pin,
    at: new Date(),
    memory: 'allow-forgetting',
  })
  const policy = {
    trust,
    destinations: ['bench'],
    senders: 'allow-any-trusted',
    types: 'allow-any',
    maxAgeSeconds: 24 * 3600,
    replay: 'allow-unchecked',
  } as const
  const words = ['verify', '--batch', '--for', 'bench', '--trust', 'trust.p7', '--max-age', '1d']
  return measure(
    name,
    {
      name: 'signet verify --batch',
      operations: MESSAGES,
      run: () => {
        const input = openSync(list, 'r')
        const script = join(process.cwd(), SIGNET)
        const stdio = [input, 'ignore', 'ignore'] as const
        execFileSync(process.execPath, [script, ...words], { cwd: demo, env: environment(demo), stdio: [...stdio] })
        closeSync(input)
      },
    },
    [
      {
        name: 'the library',
        operations: MESSAGES,
        run: async () => {
          for (const der of messages) await verifyMessage(der, content, { ...policy, at: new Date() })
        },
      },
    ],
    3,
  )
}

function openPin(demo: string): string {
  const shown = signet(demo, ['cert', 'show', 'home/root.pem', '--json'])
  return (JSON.parse(shown) as { certificates: readonly { fingerprint: string }[] }).certificates[0]?.fingerprint ?? ''
}

let made: string | undefined

function deployment(folder: string): string {
  if (made === undefined) {
    made = join(folder, 'cold')
    execFileSync(process.execPath, [SIGNET, 'quickstart', made])
  }
  return made
}

function environment(demo: string): Record<string, string> {
  return {
    SIGNET_HOME: join(demo, 'home'),
    SIGNET_PASSPHRASE_FILE: join(demo, 'passphrase'),
    PATH: process.env['PATH'] ?? '',
  }
}

function signet(demo: string, words: readonly string[]): string {
  return execFileSync(process.execPath, [join(process.cwd(), SIGNET), ...words], {
    cwd: demo,
    env: environment(demo),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
