// Loaded before a program that shall do without a network: whatever would use one ends the process, and says so.
import { syncBuiltinESMExports } from 'node:module'
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'
import { writeSync } from 'node:fs'

const refuse = (what) => () => {
  writeSync(2, `NETWORK: ${what}\n`)
  process.exit(99)
}

// Everything with TCP, TLS, HTTP or fetch in it ends here.
net.Socket.prototype.connect = refuse('connect')
net.Server.prototype.listen = refuse('listen')
dgram.createSocket = refuse('UDP')
for (const asking of [dns, dns.promises]) {
  for (const name of Object.keys(asking).filter((key) => /^(lookup|resolve|reverse)/.test(key)))
    asking[name] = refuse(`DNS ${name}`)
}
globalThis.fetch = refuse('fetch')
syncBuiltinESMExports()

if (process.argv.includes('--try-network')) {
  const { connect } = await import('node:tls')
  connect({ host: '127.0.0.1', port: 1 })
}
