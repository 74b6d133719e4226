/**
 * The smallest question of each protocol whose answer shows that somebody was let in.
 *
 * @module probe/ask (floor 7.3)
 */
import { type Answer, type Ask, type Asking, letIn, refused } from './answer.js'
import { askAmqp, askMqtt, askNats, askRedis } from './ask-brokers.js'
import { askHttp, type Header } from './ask-http.js'
import { askLdap } from './ask-ldap.js'
import { askImap, askSmtp } from './ask-mail.js'
import { askMysql } from './ask-mysql.js'
import { askPostgres } from './ask-postgres.js'
import { type Talk, TalkEnded } from './talk.js'
import type { QuestionName } from './target.js'

/**
 * Nothing is asked: a server that refuses says so or goes away; one that does neither until the time is up keeps the
 * connection. Without TLS that says nothing.
 */
const askNothing: Ask = async (talk, { channel }) => {
  try {
    await talk.octets(1)
    return letIn('the server speaks')
  } catch (error) {
    if (error instanceof TalkEnded && error.kind === 'silent' && channel !== 'clear') {
      return letIn('the connection stays, though nothing is said')
    }
    throw error
  }
}

const ASKS: Readonly<Record<Exclude<QuestionName, 'http'>, Ask>> = {
  redis: askRedis,
  postgres: askPostgres,
  mysql: askMysql,
  nats: askNats,
  mqtt: askMqtt,
  amqp: askAmqp,
  smtp: askSmtp,
  imap: askImap,
  ldap: askLdap,
  raw: askNothing,
}

/**
 * Ask.
 *
 * @param headers - HTTP: sent besides.
 * @throws {@link TalkEnded}
 */
export async function ask(talk: Talk, asking: Asking, headers?: readonly Header[]): Promise<Answer> {
  const { protocol } = asking.question
  try {
    return await (protocol === 'http' ? askHttp(headers) : ASKS[protocol])(talk, asking)
  } catch (error) {
    // Lengths that point beyond what there is.
    if (error instanceof RangeError) return refused('an answer that is none of the protocol')
    throw error
  }
}
