// A receiver in a process of its own: remembers one message and waits to be killed, or races for many.
import { openReplayFile } from '../../dist/message/index.js'

const [path = '', mode = '', keyText = '{}'] = process.argv.slice(2)
const store = openReplayFile(path)
const now = new Date('2027-01-01T00:00:00Z')
const until = new Date('2027-01-01T00:06:00Z')

if (mode === 'hold') {
  const { signer, destination, messageId } = JSON.parse(keyText)
  const fresh = await store.remember({ signer, destination, messageId: Buffer.from(messageId, 'hex') }, until, now)
  process.stdout.write(fresh ? 'accepted' : 'refused')
  setInterval(() => undefined, 1000)
} else {
  process.stdout.write('ready')
  process.stdin.once('data', async () => {
    const accepted = []
    for (let index = 0; index < 40; index++) {
      const messageId = Buffer.alloc(8, index)
      if (await store.remember({ signer: 'a', destination: 'b', messageId }, until, now)) accepted.push(index)
    }
    process.stdout.write(JSON.stringify(accepted), () => process.exit(0))
  })
}
