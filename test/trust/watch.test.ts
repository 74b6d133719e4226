import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { addSeconds, HOUR } from '../../src/time/index.js'
import { openTrustCache, type TrustCache, watchTrustCache } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { makeSender, makeWorld, type World } from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'
import { History, type Publication } from './histories.js'

const folder = temporaryFolder()
let world: World
let publications: readonly [Publication, Publication]
beforeAll(async () => {
  world = await makeWorld()
  const history = new History(world)
  publications = [await history.publish([makeSender(world, { node: 'a' })]), await history.publish([])]
})

const open = (path: string): TrustCache =>
  openTrustCache(path, { pin: world.root.certificate.fingerprint, clock: { now: () => addSeconds(NOW, HOUR) } })

const watchers: { close(): void }[] = []
afterEach(() => watchers.splice(0).forEach((watcher) => watcher.close()))

function watched(name: string) {
  mkdirSync(join(folder, name))
  const path = join(folder, name, 'trust.p7')
  const told: (number | string)[] = []
  watchers.push(
    watchTrustCache(open(path), {
      changed: ({ sequence }) => told.push(sequence),
      refused: ({ code }) => told.push(code),
    }),
  )
  return { path, told }
}

describe('watchTrustCache', () => {
  it('tells of each newer directory that somebody else brings, once', async () => {
    const { path, told } = watched('newer')
    const writer = open(path)
    await writer.update(publications[0].der)
    await expect.poll(() => told).toEqual([1])
    await writer.update(publications[0].der)
    await writer.update(publications[1].der)
    await expect.poll(() => told).toEqual([1, 2])
  })

  it('tells why a file is refused', async () => {
    const { path, told } = watched('refused')
    await open(path).update(publications[1].der)
    await expect.poll(() => told).toEqual([2])
    writeFileSync(path, publications[0].der)
    await expect.poll(() => told).toContain('ERR_TRUST_DIRECTORY_ROLLBACK')
  })

  it('is silent once it is closed', async () => {
    const { path, told } = watched('closed')
    watchers.splice(0).forEach((watcher) => watcher.close())
    const { path: other, told: toldOther } = watched('open')
    await open(path).update(publications[0].der)
    await open(other).update(publications[0].der)
    await expect.poll(() => toldOther).toEqual([1])
    expect(told).toEqual([])
  })

  it('refuses a folder that is not there', () => {
    expectCode('ERR_FILE_READ', () =>
      watchTrustCache(open(join(folder, 'nowhere', 'trust.p7')), { changed: () => undefined }),
    )
  })
})
