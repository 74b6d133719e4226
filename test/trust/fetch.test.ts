import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import {
  encodeSiteIndex,
  type FetchTrustOptions,
  fetchTrust,
  openTrustCache,
  type TrustCache,
} from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeSender, makeWorld, type World } from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'
import { History, type Publication } from './histories.js'

const folder = temporaryFolder()
let world: World
let publications: readonly Publication[]
/** What the site hands out, by path; a function answers by itself. */
const site = new Map<string, string | Uint8Array | ((response: ServerResponse) => void)>()
const asked: string[] = []
let headers: IncomingMessage['headers'] = {}
let server: Server
let url = ''

beforeAll(async () => {
  world = await makeWorld()
  const history = new History(world)
  const senders = ['a', 'b', 'c', 'd'].map((node) => makeSender(world, { node }))
  const made: Publication[] = []
  for (let count = 1; count <= 4; count++) made.push(await history.publish(senders.slice(0, count)))
  publications = made
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    headers = request.headers
    const content = site.get(request.url ?? '')
    if (typeof content === 'function') content(response)
    else response.writeHead(content === undefined ? 404 : 200).end(content)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/trust/`
})
afterAll(() => void server.close())

/** A site that has the publications up to this number, with the delta from each to the next. */
async function serve(newest: number, deltas: 'all' | 'none' = 'all'): Promise<void> {
  const steps = Array.from({ length: deltas === 'all' ? newest - 1 : 0 }, (_, index) => [index + 1, index + 2] as const)
  site.set('/trust/trust.p7', publications[newest - 1]?.der ?? '')
  site.set('/trust/latest.json', encodeSiteIndex({ sequence: newest, deltas: steps }))
  for (const [base, result] of steps) {
    const [from, to] = [publications[base - 1], publications[result - 1]] as [Publication, Publication]
    site.set(`/trust/deltas/${base}-${result}.p7`, await new History(world).delta(from, to))
  }
}

beforeEach(async () => {
  site.clear()
  await serve(4)
  asked.length = 0
})

let caches = 0
const clock = { now: () => addSeconds(NOW, HOUR) }
const newCache = async (newest = 0): Promise<TrustCache> => {
  const cache = openTrustCache(join(folder, `${caches++}.p7`), { pin: world.root.certificate.fingerprint, clock })
  if (newest > 0) await cache.update(publications[newest - 1]?.der ?? new Uint8Array())
  asked.length = 0
  return cache
}
const fetched = async (cache: TrustCache, source = url, options: FetchTrustOptions = {}) => {
  const { changed, deltas, directory } = await fetchTrust(cache, source, options)
  return [changed, deltas, directory.sequence]
}
const refused = (code: ErrorCode, cache: TrustCache, source = url, options: FetchTrustOptions = {}) =>
  expectCodeAsync(code, () => fetchTrust(cache, source, options))

describe('fetchTrust: a site', () => {
  it('hands out the whole directory to who has none', async () => {
    expect(await fetched(await newCache())).toEqual(['directory', 0, 4])
    expect(asked).toEqual(['/trust/latest.json', '/trust/trust.p7'])
  })

  it('hands out the deltas to who has an older one, and what comes of them is what was published', async () => {
    const cache = await newCache(2)
    expect(await fetched(cache)).toEqual(['delta', 2, 4])
    expect(asked).toEqual(['/trust/latest.json', '/trust/deltas/2-3.p7', '/trust/deltas/3-4.p7'])
    expect(Buffer.compare(readFileSync(cache.path), publications[3]?.der ?? Buffer.of())).toBe(0)
  })

  it('is asked for one small file where there is nothing new', async () => {
    expect(await fetched(await newCache(4))).toEqual(['nothing', 0, 4])
    expect(asked).toEqual(['/trust/latest.json'])
  })

  it.each<[string, () => void | Promise<void>]>([
    ['is missing', () => void site.delete('/trust/deltas/3-4.p7')],
    ['is another', () => void site.set('/trust/deltas/3-4.p7', site.get('/trust/deltas/1-2.p7') ?? '')],
    ['is rubbish', () => void site.set('/trust/deltas/2-3.p7', 'rubbish')],
    [
      'is the whole directory of somebody else',
      async () => void site.set('/trust/deltas/3-4.p7', (await new History(await makeWorld('other')).publish([])).der),
    ],
    ['is not named', () => serve(4, 'none')],
  ])('falls back to the whole directory where a delta %s', async (_, change) => {
    await change()
    expect((await fetched(await newCache(2))).slice(1)).toEqual([0, 4])
    expect(asked.at(-1)).toBe('/trust/trust.p7')
  })

  it('puts right a cache that is broken', async () => {
    const cache = await newCache(4)
    writeFileSync(cache.path, 'broken')
    expect(await fetched(cache)).toEqual(['directory', 0, 4])
  })

  it('requirement 21: refuses to go back, whether the index says so or not', async () => {
    const cache = await newCache(3)
    await serve(2)
    await refused('ERR_TRUST_DIRECTORY_ROLLBACK', cache)
    expect(asked).toEqual(['/trust/latest.json'])
    site.set('/trust/latest.json', encodeSiteIndex({ sequence: 9, deltas: [] }))
    await refused('ERR_TRUST_DIRECTORY_ROLLBACK', cache)
    expect(cache.directory().sequence).toBe(3)
  })

  it('refuses a fork, and asks for no other document', async () => {
    const other = new History(world)
    const [a, b] = [await other.publish([]), await other.publish([])]
    site.set('/trust/deltas/1-2.p7', await other.delta(a, b))
    await refused('ERR_TRUST_DIRECTORY_FORK', await newCache(1))
    expect(asked.at(-1)).toBe('/trust/deltas/1-2.p7')
  })

  it('does not pass for new what is past its end: nothing new is not enough', async () => {
    const late = openTrustCache((await newCache(4)).path, {
      pin: world.root.certificate.fingerprint,
      clock: { now: () => addSeconds(NOW, 2 * DAY) },
    })
    await refused('ERR_TRUST_DIRECTORY_EXPIRED', late)
  })

  it('refuses an index that says nothing, or too much', async () => {
    site.set('/trust/latest.json', '{}')
    await refused('ERR_JSON_MALFORMED', await newCache())
    site.set('/trust/latest.json', '{"schema":1,"sequence":"4","deltas":[]}')
    await refused('ERR_TRUST_SITE_MALFORMED', await newCache())
    site.set('/trust/latest.json', ' '.repeat(70_000))
    await refused('ERR_LIMIT_EXCEEDED', await newCache())
  })
})

describe('fetchTrust: one document, a folder, a file', () => {
  it('takes what is at a URL that is no site: a directory, a delta', async () => {
    const cache = await newCache()
    expect(await fetched(cache, `${url}trust.p7`)).toEqual(['directory', 0, 4])
    expect(asked).toEqual(['/trust/trust.p7'])
    expect(await fetched(await newCache(3), `${url}deltas/3-4.p7`)).toEqual(['delta', 0, 4])
  })

  it('takes a folder for a site, and a file for a document', async () => {
    const place = join(folder, 'site')
    mkdirSync(join(place, 'deltas'), { recursive: true })
    for (const [name, content] of site)
      if (typeof content !== 'function') writeFileSync(join(folder, name.replace('/trust', 'site')), content)
    expect(await fetched(await newCache(1), place)).toEqual(['delta', 3, 4])
    expect(await fetched(await newCache(), join(place, 'trust.p7'))).toEqual(['directory', 0, 4])
    await refused('ERR_FILE_READ', await newCache(), join(folder, 'nowhere'))
  })
})

describe('fetchTrust: requirement 45: no first use without a pin', () => {
  it('makes no request without one', () => {
    for (const [pin, code] of [
      ['', 'ERR_TRUST_NO_PIN'],
      ['first use', 'ERR_SERIAL_MALFORMED'],
    ] as const) {
      expectCode(code, () => openTrustCache(join(folder, 'no-pin.p7'), { pin, clock }))
    }
    expect(asked).toEqual([])
  })

  it('believes nobody who has another root, whatever else is right', async () => {
    const impostor = await makeWorld('impostor')
    site.set('/trust/trust.p7', (await new History(impostor).publish([], { sequence: 4 })).der)
    await refused('ERR_TRUST_PIN_MISMATCH', await newCache())
  })
})

describe('fetchTrust: servers that do otherwise', () => {
  const answer = (reply: (response: ServerResponse) => void): void => void site.set('/trust/trust.p7', reply)

  it.each([301, 302, 303, 307, 308])('refuses a redirect: %i', async (status) => {
    site.set('/elsewhere', publications[3]?.der ?? '')
    answer((response) => response.writeHead(status, { location: '/elsewhere' }).end())
    const error = await refused('ERR_TRUST_FETCH', await newCache())
    expect(error.hint).toContain('redirects are not followed')
    expect(asked).not.toContain('/elsewhere')
  })

  it.each([204, 206, 304, 401, 404, 500])('refuses the answer %i', async (status) => {
    answer((response) => response.writeHead(status).end())
    expect((await refused('ERR_TRUST_FETCH', await newCache())).message).toContain(String(status))
  })

  it('refuses a body that ends too soon', async () => {
    answer((response) => {
      response.writeHead(200, { 'content-length': 10_000 })
      response.write('half', () => response.destroy())
    })
    await refused('ERR_TRUST_FETCH', await newCache())
  })

  it('waits no longer than it was told, for the answer or for its end', async () => {
    answer(() => undefined)
    expect((await refused('ERR_TRUST_FETCH', await newCache(), url, { timeoutMilliseconds: 100 })).message).toContain(
      '100 ms',
    )
    answer((response) => void response.writeHead(200).write('a beginning'))
    expect((await refused('ERR_TRUST_FETCH', await newCache(), url, { timeoutMilliseconds: 100 })).message).toContain(
      '100 ms',
    )
  })

  it('refuses where nobody listens, and what is no URL of a server', async () => {
    await refused('ERR_TRUST_FETCH', await newCache(), 'http://127.0.0.1:1/trust.p7')
    await refused('ERR_CONFIG_INVALID', await newCache(), 'http://')
    const error = await refused('ERR_CONFIG_INVALID', await newCache(), url.replace('://', '://me:hunter2@'))
    expect(JSON.stringify(error)).not.toContain('hunter2')
    expect(asked).toEqual([])
  })

  it('says nothing about who asks', async () => {
    await fetched(await newCache())
    expect(Object.keys(headers).sort()).toEqual(['accept-encoding', 'connection', 'host'])
  })
})
