import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors/index.js'
import { deltaName, encodeSiteIndex, MAX_SITE_DELTAS, parseSiteIndex, type SiteDelta } from '../../src/trust/index.js'
import { deltasFrom } from '../../src/trust/site.js'
import { expectCode } from '../support/expect-code.js'

const parse = (text: string) => parseSiteIndex(Buffer.from(text))

describe('latest.json', () => {
  it('says what was written', () => {
    const index = {
      sequence: 12,
      deltas: [
        [9, 11],
        [11, 12],
      ] as readonly SiteDelta[],
    }
    expect(parse(encodeSiteIndex(index))).toEqual(index)
    expect(index.deltas.map(deltaName)).toEqual(['deltas/9-11.p7', 'deltas/11-12.p7'])
  })

  const deltas = (count: number): string =>
    JSON.stringify(Array.from({ length: count }, (_, index) => [index, index + 1]))
  it.each<[string, string, ErrorCode]>([
    ['nothing', '', 'ERR_JSON_MALFORMED'],
    ['no object', '[]', 'ERR_JSON_MALFORMED'],
    ['an unknown key', '{"schema":1,"sequence":1,"deltas":[],"more":1}', 'ERR_JSON_MALFORMED'],
    ['a key twice', '{"schema":1,"sequence":1,"sequence":2,"deltas":[]}', 'ERR_JSON_MALFORMED'],
    ['no UTF-8', '\ud800', 'ERR_JSON_MALFORMED'],
    ['another schema', '{"schema":2,"sequence":1,"deltas":[]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['a negative number', '{"schema":1,"sequence":-1,"deltas":[]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['half a number', '{"schema":1,"sequence":1.5,"deltas":[]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['a number too high', '{"schema":1,"sequence":1e15,"deltas":[]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['a name', '{"schema":1,"sequence":2,"deltas":["../secret"]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['a delta of names', '{"schema":1,"sequence":2,"deltas":[["../a","b"]]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['a delta of three', '{"schema":1,"sequence":2,"deltas":[[1,2,3]]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['a delta that leads nowhere', '{"schema":1,"sequence":2,"deltas":[[2,2]]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['a delta that leads back', '{"schema":1,"sequence":2,"deltas":[[2,1]]}', 'ERR_TRUST_SITE_MALFORMED'],
    ['no list', '{"schema":1,"sequence":2,"deltas":{}}', 'ERR_TRUST_SITE_MALFORMED'],
    [
      'too many deltas',
      `{"schema":1,"sequence":2,"deltas":${deltas(MAX_SITE_DELTAS + 1)}}`,
      'ERR_TRUST_SITE_MALFORMED',
    ],
  ])('is refused with %s', (_, text, code) => {
    expectCode(code, () => parse(text))
  })
})

describe('deltasFrom', () => {
  it.each<[number, number, readonly SiteDelta[], readonly SiteDelta[] | undefined]>([
    [5, 5, [], []],
    [4, 5, [[4, 5]], [[4, 5]]],
    [
      3,
      5,
      [
        [3, 4],
        [4, 5],
      ],
      [
        [3, 4],
        [4, 5],
      ],
    ],
    [
      3,
      5,
      [
        [3, 4],
        [4, 5],
        [3, 5],
      ],
      [[3, 5]],
    ],
    [
      3,
      5,
      [
        [3, 6],
        [3, 4],
        [4, 5],
      ],
      [
        [3, 4],
        [4, 5],
      ],
    ],
    [
      2,
      5,
      [
        [3, 4],
        [4, 5],
      ],
      undefined,
    ],
    [3, 5, [[3, 4]], undefined],
    [7, 5, [[3, 4]], undefined],
  ])('from %i to %i by %j is %j', (held, sequence, deltas, way) => {
    expect(deltasFrom(held, { sequence, deltas })).toEqual(way)
  })
})
