/**
 * SMTP and IMAP: whether mail may be sent, or a login be tried. Neither says for whom a client is taken.
 *
 * @module probe/ask-mail (floor 7.3)
 */
import { type Answer, type Asking, askedForMore, letIn, refused } from './answer.js'
import type { Talk } from './talk.js'

export interface MailReply {
  readonly code: number
  readonly text: string
}

/** A reply of SMTP, of one line or several (RFC 5321 §4.2.1). */
export async function mailReply(talk: Talk): Promise<MailReply> {
  const line = await talk.lineLike(/^\d{3}(?: |$)/)
  return { code: Number(line.slice(0, 3)), text: line.slice(4) }
}

/** In clear text a server that wants TLS greets all the same, and refuses a sender. */
export async function askSmtp(talk: Talk, { channel }: Asking): Promise<Answer> {
  const words = ['EHLO probe.invalid', 'MAIL FROM:<>']
  if (channel !== 'tls-after-prelude') words.unshift('')
  for (const word of words) {
    if (word !== '') talk.write(`${word}\r\n`)
    const { code, text } = await mailReply(talk)
    if (code === 530 && /auth/i.test(text) && channel !== 'clear') return askedForMore(`${code} ${text}`)
    if (code >= 400) return refused(`${code} ${text}`)
  }
  talk.write('RSET\r\nQUIT\r\n')
  return letIn('mail may be sent')
}

/** Before a login there is nothing to be had: where one may be tried, the certificate was good enough. */
export async function askImap(talk: Talk, { channel }: Asking): Promise<Answer> {
  const greeting = channel === 'tls-after-prelude' ? '' : await talk.lineLike(/^\* (?:OK|PREAUTH|BYE)/)
  if (greeting.startsWith('* BYE')) return refused(greeting.slice(2))
  talk.write('a2 CAPABILITY\r\n')
  const capabilities = await talk.lineLike(/^(?:\* CAPABILITY|a2 )/)
  if (capabilities.startsWith('a2 ')) return refused(capabilities.slice(3))
  if (greeting.startsWith('* PREAUTH')) return letIn('logged in by the connection')
  if (/ LOGINDISABLED( |$)/.test(capabilities)) return refused('no login here: LOGINDISABLED')
  return askedForMore('a login may be tried')
}
