/**
 * What is said in clear text before a TLS handshake, in the protocols that begin without one.
 *
 * @module probe/prelude (floor 7.3)
 */
import { encodeContextPrimitive, encodeInteger, encodeSequence, encodeValue } from '../asn1/index.js'
import { mysqlPacket, mysqlSslRequest, readMysqlPacket } from './ask-mysql.js'
import { readLdapMessage, resultCodeOf } from './ask-ldap.js'
import { mailReply } from './ask-mail.js'
import { NoTlsOffered, type Talk } from './talk.js'
import type { PreludeName } from './target.js'

/**
 * Lead a conversation to where the TLS handshake begins.
 *
 * @throws {@link NoTlsOffered} where the server says no
 * @throws {@link TalkEnded}
 */
export async function speakPrelude(name: PreludeName, talk: Talk): Promise<void> {
  await SPEAK[name](talk)
}

/** RFC 4511 §4.14.1. */
const LDAP_START_TLS = '1.3.6.1.4.1.1466.20037'

const SPEAK: Readonly<Record<PreludeName, (talk: Talk) => Promise<void>>> = {
  // PostgreSQL, Frontend/Backend Protocol §55.2.10: SSLRequest, answered by one octet.
  postgres: async (talk) => {
    talk.write(Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f))
    const answer = (await talk.octets(1)).toString('latin1')
    if (answer !== 'S') throw new NoTlsOffered('the server has no TLS: it answered the SSLRequest with no')
  },
  mysql: async (talk) => {
    talk.write(mysqlPacket(1, mysqlSslRequest((await readMysqlPacket(talk)).payload)))
  },
  // The server speaks first, and its INFO says whether TLS comes next.
  nats: async (talk) => {
    const info = await talk.lineLike(/^INFO /)
    if (!/"tls_(?:required|available)":\s*true/.test(info))
      throw new NoTlsOffered('the INFO of the server offers no TLS')
  },
  // RFC 3207.
  smtp: async (talk) => {
    await expectCode(talk, 220)
    talk.write('EHLO probe.invalid\r\n')
    await expectCode(talk, 250)
    talk.write('STARTTLS\r\n')
    await expectCode(talk, 220)
  },
  // RFC 3501 §6.2.1.
  imap: async (talk) => {
    await talk.lineLike(/^\* (?:OK|PREAUTH)/)
    talk.write('a1 STARTTLS\r\n')
    const answer = await talk.lineLike(/^a1 /)
    if (!answer.startsWith('a1 OK')) throw new NoTlsOffered(answer.slice(3))
  },
  ldap: async (talk) => {
    const request = encodeValue(0x77, encodeContextPrimitive(0, Buffer.from(LDAP_START_TLS)))
    talk.write(encodeSequence(encodeInteger(1), request))
    const code = resultCodeOf(await readLdapMessage(talk))
    if (code !== 0) throw new NoTlsOffered(`the server answered StartTLS with the result ${String(code)}`)
  },
}

async function expectCode(talk: Talk, wanted: number): Promise<void> {
  const { code, text } = await mailReply(talk)
  if (code !== wanted) throw new NoTlsOffered(`${code} ${text}`)
}
