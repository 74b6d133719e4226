/** A client of Redis that is just enough for tests: RESP2 over a socket file, one command after the other. */
import { createConnection, type Socket } from 'node:net'
import type { RedisSend } from '../../src/message/index.js'

export interface RedisConnection {
  readonly send: RedisSend
  readonly close: () => void
}

/** Connect to a socket file. A connection that ends fails what was asked. */
export function connectRedis(path: string): RedisConnection {
  const waiting: { resolve: (reply: unknown) => void; reject: (error: Error) => void }[] = []
  let buffered: Buffer = Buffer.alloc(0)
  const socket: Socket = createConnection(path)
  const fail = (error?: Error): void => {
    for (const { reject } of waiting.splice(0)) reject(error ?? new Error('the connection ended'))
  }
  socket.on('error', fail)
  socket.on('close', () => fail())
  socket.on('data', (data) => {
    buffered = Buffer.concat([buffered, data])
    for (let read = readReply(buffered, 0); read !== undefined; read = readReply(buffered, 0)) {
      buffered = buffered.subarray(read.end)
      const next = waiting.shift()
      if (read.reply instanceof Error) next?.reject(read.reply)
      else next?.resolve(read.reply)
    }
  })
  return {
    send: (...words) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) {
          reject(new Error('the connection is closed'))
          return
        }
        waiting.push({ resolve, reject })
        socket.write(
          `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
        )
      }),
    close: () => {
      socket.destroy()
    },
  }
}

interface Read {
  readonly reply: unknown
  readonly end: number
}

function readReply(bytes: Buffer, start: number): Read | undefined {
  const line = bytes.indexOf('\r\n', start)
  if (line === -1) return undefined
  const rest = bytes.toString('utf8', start + 1, line)
  const end = line + 2
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+':
      return { reply: rest, end }
    case '-':
      return { reply: new Error(rest), end }
    case ':':
      return { reply: Number(rest), end }
    case '$': {
      const length = Number(rest)
      if (length === -1) return { reply: null, end }
      if (bytes.length < end + length + 2) return undefined
      return { reply: bytes.toString('utf8', end, end + length), end: end + length + 2 }
    }
    default:
      return readList(bytes, Number(rest), end)
  }
}

function readList(bytes: Buffer, count: number, start: number): Read | undefined {
  const items: unknown[] = []
  let end = start
  for (let index = 0; index < count; index++) {
    const read = readReply(bytes, end)
    if (read === undefined) return undefined
    items.push(read.reply)
    end = read.end
  }
  return { reply: items, end }
}
