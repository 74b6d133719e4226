import { describe, expect, it } from 'vitest'
import { exportKafka } from '../../src/brokers/kafka.js'
import { type BrokerUser, subjectOf, subjectText } from '../../src/brokers/index.js'
import { expectCode } from '../support/expect-code.js'
import { contentOf, SMALL, user } from './universe.js'

const COMPUTE = user('compute-07', ['scheduler.rpc.update', 'scheduler.report.**'], ['compute.compute-07.rpc.**'])

describe('exportKafka', () => {
  it('writes ACLs on whole names and on prefixes, and a group for who consumes', () => {
    const { files } = exportKafka({ users: [COMPUTE, user('api.v2', ['scheduler.rpc.select'], [])] })
    expect(contentOf(files, 'signet-acls.txt')).toBe(
      [
        '--add --allow-principal User:api.v2 --operation Write --operation Describe --topic scheduler.rpc.select --resource-pattern-type literal',
        '--add --allow-principal User:compute-07 --operation Write --operation Describe --topic scheduler.report. --resource-pattern-type prefixed',
        '--add --allow-principal User:compute-07 --operation Write --operation Describe --topic scheduler.rpc.update --resource-pattern-type literal',
        '--add --allow-principal User:compute-07 --operation Read --operation Describe --topic compute.compute-07.rpc. --resource-pattern-type prefixed',
        '--add --allow-principal User:compute-07 --operation Read --group compute-07 --resource-pattern-type literal',
        '',
      ].join('\n'),
    )
  })

  it('writes properties without anything that lets in by default', () => {
    const { files } = exportKafka({ users: [COMPUTE] }, { brokers: ['kafka-2', 'kafka-1'] })
    const lines = contentOf(files, 'signet.properties').split('\n')
    expect(lines).toContain('ssl.client.auth=required')
    expect(lines).toContain('allow.everyone.if.no.acl.found=false')
    expect(lines).toContain('super.users=User:kafka-1;User:kafka-2')
    expect(lines).toContain(
      'ssl.principal.mapping.rules=' +
        'RULE:^CN=([A-Za-z0-9_-]+),OU=[A-Za-z0-9._-]+,O=cloud[.]example$/$1/,' +
        'RULE:^CN=id ([A-Za-z0-9_-]+(?:[.][A-Za-z0-9_-]+)+),OU=[A-Za-z0-9._-]+,O=cloud[.]example$/$1/',
    )
    expect(lines.join('\n')).not.toMatch(/DEFAULT|\\/)
  })

  it.each([
    ['one segment in the middle', 'a.*.b'],
    ['one segment at the end', 'a.*'],
    ['everything', '**'],
    ['a colon', 'a.b:c'],
    ["Kafka's own topics", '__consumer_offsets.x'],
    ['a name that is too long', `a.${'b'.repeat(250)}`],
  ])('refuses a pattern with %s instead of widening it', (_what, text) => {
    const [publish, consume] = [user('a', [text], []), user('a', [], [text])]
    expect(expectCode('ERR_BROKER_PATTERN', () => exportKafka({ users: [publish] })).hint).toBeDefined()
    expectCode('ERR_BROKER_PATTERN', () => exportKafka({ users: [consume] }))
  })

  it('refuses the wildcard of the small example, and the name of nobody', () => {
    expectCode('ERR_BROKER_PATTERN', () => exportKafka(SMALL))
    expectCode('ERR_BROKER_NAME', () => exportKafka({ users: [user('ANONYMOUS', [], [])] }))
    expectCode('ERR_BROKER_NAME', () => exportKafka({ users: [COMPUTE] }, { brokers: ['a;User:compute-07'] }))
  })

  describe('ssl.principal.mapping.rules', () => {
    /** As Kafka reads them: the first rule that matches the whole name. */
    function principal(subject: string): string | undefined {
      const { files } = exportKafka({ users: [COMPUTE] })
      const [, rules = ''] = /^ssl\.principal\.mapping\.rules=(.*)$/m.exec(contentOf(files, 'signet.properties')) ?? []
      for (const [, expression = ''] of rules.matchAll(/RULE:((?:\\.|[^\\/])*)\/\$1\/(?:,|$)/g)) {
        const found = new RegExp(expression).exec(subject)
        if (found !== null) return found[1]
      }
      return undefined
    }

    it.each(['compute-07', 'api.v2', 'a.b.c-d_e', 'x'])('lead from the subject of %s to its id', (id) => {
      const entity: BrokerUser = user(id, [], [])
      expect(principal(subjectText(subjectOf(entity)))).toBe(id)
    })

    it.each([
      'CN=id compute-07,OU=compute,O=cloud.example',
      'CN=api.v2,OU=compute,O=cloud.example',
      'CN=compute-07,OU=compute,O=cloudxexample',
      'CN=compute-07,OU=compute,O=cloud.example,C=DE',
      'CN=compute-07,O=cloud.example',
      'CN=signet issuing CA,O=cloud.example',
    ])('lead from %s to nobody', (subject) => {
      expect(principal(subject)).toBeUndefined()
    })
  })
})
