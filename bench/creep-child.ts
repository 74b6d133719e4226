/** `creep-child.ts TASK FOLDER COUNT [allocations]`: does it as often; or prints the bytes that one of them allocates. */
import { createPrivateKey, sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryKeyProvider } from '../dist/crypto/index.js'
import { createReplayMemory, signMessage, verifyMessage } from '../dist/message/index.js'
import { openTrustDirectory } from '../dist/trust/index.js'
import { parseCertificate } from '../dist/x509/index.js'
import { parseSignedData } from '../dist/cms/index.js'
import type { CreepTask } from './creep.ts'
import { readPieces } from './peers/pieces.ts'

const [task, folder = '', count = '0', what] = process.argv.slice(2)
const read = (name: string): Buffer => readFileSync(join(folder, name))
const header = JSON.parse(read('header.json').toString()) as { readonly pin: string; readonly at: string }
const at = new Date(header.at)
const messages = readPieces(read('messages.bin'))
const content = read('content.bin')
const privateKey = createPrivateKey({ key: read('signer-key.der'), format: 'der', type: 'pkcs8' })
const certificate = parseCertificate(read('signer.der'))
const signer = { key: new MemoryKeyProvider(privateKey), certificate }
const trust = openTrustDirectory(read('trust.p7'), { pin: header.pin, at, memory: 'allow-forgetting' })
const parts = messages.map((der) => parseSignedData(der).signerInfos[0])

const TASKS: Readonly<Record<CreepTask, () => (index: number) => unknown>> = {
  verifyMessage: () => {
    const rest = { maxAgeSeconds: 3600, replay: createReplayMemory(), at }
    const policy = {
      trust,
      destinations: ['bench'],
      senders: 'allow-any-trusted',
      types: ['bench.*'],
      ...rest,
    } as const
    return (index) => verifyMessage(messages[index] ?? Buffer.of(), content, policy)
  },
  'bare crypto.verify': () => (index) => {
    const part = parts[index]
    return verify(
      'sha256',
      part?.signedAttrsDer ?? content,
      certificate.publicKey.keyObject,
      part?.signature ?? content,
    )
  },
  signMessage: () => () => signMessage(content, signer, { type: 'bench.run', destination: 'bench', at }),
  'bare crypto.sign': () => () => sign('sha256', parts[0]?.signedAttrsDer ?? content, privateKey),
}

async function repeat(operation: (index: number) => unknown, times: number): Promise<void> {
  for (let index = 0; index < times; index++) await operation(index)
}

const prepare = TASKS[task as CreepTask]
const times = Number(count)
if (what !== 'allocations') await repeat(prepare(), times)
else {
  const samples: number[] = []
  for (let round = 0; round < 9; round++) {
    const operation = prepare()
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    // With room for all of it: nothing is collected meanwhile.
    await repeat(operation, times)
    samples.push((process.memoryUsage().heapUsed - before) / times)
  }
  console.log(Math.round(samples.toSorted((a, b) => a - b)[4] ?? 0))
}
