/**
 * RabbitMQ's definitions: users, permissions, and the exchanges, queues and bindings between them.
 *
 * @module brokers/rabbitmq-definitions (floor 7.1)
 */
import {
  bindingKey,
  bindingKeyExpression,
  literal,
  nameExpression,
  NOTHING,
  routingKeyExpression,
} from './amqp-pattern.js'
import { type BrokerPermissions, type BrokerUser, commonPattern, compareTexts } from './permissions.js'

/** What `definitions.json` holds, in RabbitMQ's own words. */
export interface Definitions {
  readonly users: readonly object[]
  readonly vhosts: readonly object[]
  readonly permissions: readonly object[]
  readonly topic_permissions: readonly object[]
  readonly exchanges: readonly object[]
  readonly queues: readonly object[]
  readonly bindings: readonly object[]
}

/** The exchange that an entity publishes to. Ids have no colon, and so no id can make it the name of something else. */
function outbox(entity: string): string {
  return `out:${entity}`
}

/** The queue that an entity consumes from. */
function inbox(entity: string): string {
  return `in:${entity}`
}

/**
 * Everybody has an exchange to publish to and a queue to consume from, and the bindings between them are exactly what
 * the permissions have in common. Nobody may declare or bind anything.
 *
 * RabbitMQ 3.10 compares only the routing key with topic permissions, not the keys in the headers CC and BCC (4.0 does:
 * rabbitmq-server pull request 12553), nor the key of a dead letter. Here neither leads further than the bindings do.
 */
export function outboxDefinitions({ users }: BrokerPermissions, vhost: string): Definitions {
  const publishers = users.filter(isPublisher)
  const consumers = users.filter(isConsumer)
  return {
    ...accounts(users, vhost),
    permissions: users.map((user) => ({
      ...{ user: user.uri, vhost, configure: NOTHING },
      write: isPublisher(user) ? nameExpression([literal(outbox(user.entity))]) : NOTHING,
      read: isConsumer(user) ? nameExpression([literal(inbox(user.entity))]) : NOTHING,
    })),
    // Without a row for an exchange, everything may be published to it.
    topic_permissions: publishers.map(({ entity, uri, publish }) => ({
      ...{ user: uri, vhost, exchange: outbox(entity) },
      ...{ write: routingKeyExpression(publish), read: NOTHING },
    })),
    exchanges: publishers.map(({ entity }) => topicExchange(outbox(entity), vhost)),
    queues: consumers.map(({ entity }) => ({
      ...{ name: inbox(entity), vhost, durable: true, auto_delete: false, arguments: {} },
    })),
    bindings: publishers.flatMap((publisher) => consumers.flatMap((consumer) => bindings(publisher, consumer, vhost))),
  }
}

/**
 * One exchange for all. Clients declare queues that are their own by name, and bind them to what they may consume.
 *
 * Who may publish anything can send anything here: by CC and BCC, or as a dead letter of a queue that it declares.
 */
export function sharedDefinitions({ users }: BrokerPermissions, vhost: string, exchange: string): Definitions {
  return {
    ...accounts(users, vhost),
    permissions: users.map((user) => {
      const queues = isConsumer(user) ? [`${literal(inbox(user.entity))}(?::.*)?`] : []
      const ifAny = (is: boolean): string => nameExpression(is ? [...queues, literal(exchange)] : queues)
      return {
        ...{ user: user.uri, vhost, configure: nameExpression(queues) },
        ...{ write: ifAny(isPublisher(user)), read: ifAny(isConsumer(user)) },
      }
    }),
    topic_permissions: users.map(({ uri, publish, consume }) => ({
      ...{ user: uri, vhost, exchange },
      ...{ write: routingKeyExpression(publish), read: bindingKeyExpression(consume) },
    })),
    exchanges: [topicExchange(exchange, vhost)],
    queues: [],
    bindings: [],
  }
}

function accounts(users: readonly BrokerUser[], vhost: string): Pick<Definitions, 'users' | 'vhosts'> {
  // An empty hash is no password at all: nobody logs in with one, whatever mechanisms are switched on later.
  return { users: users.map(({ uri }) => ({ name: uri, password_hash: '', tags: [] })), vhosts: [{ name: vhost }] }
}

function topicExchange(name: string, vhost: string): object {
  return { name, vhost, type: 'topic', durable: true, auto_delete: false, internal: false, arguments: {} }
}

function bindings(publisher: BrokerUser, consumer: BrokerUser, vhost: string): object[] {
  const common = publisher.publish.flatMap((sent) => consumer.consume.map((taken) => commonPattern(sent, taken)))
  const keys = new Set(common.flatMap((pattern) => (pattern === undefined ? [] : [bindingKey(pattern)])))
  return [...keys].sort(compareTexts).map((key) => ({
    ...{ source: outbox(publisher.entity), vhost, destination: inbox(consumer.entity), destination_type: 'queue' },
    ...{ routing_key: key, arguments: {} },
  }))
}

function isPublisher({ publish }: BrokerUser): boolean {
  return publish.length > 0
}

function isConsumer({ consume }: BrokerUser): boolean {
  return consume.length > 0
}
