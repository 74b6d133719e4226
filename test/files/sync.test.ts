import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { syncPaths, syncTree, syncTrees } from '../../src/files/index.js'
import { temporaryFolder } from '../support/temporary.js'

describe('waiting for the disk', () => {
  it('takes whole trees, and follows no link', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'a', 'b'), { recursive: true })
    for (const name of ['1', 'a/2', 'a/b/3']) writeFileSync(join(folder, name), name)
    symlinkSync('nowhere', join(folder, 'a', 'link'))
    syncTree(folder)
    await syncTrees([join(folder, 'a'), folder])
    await syncTrees([])
  })

  it('fails when one of many fails', async () => {
    const folder = temporaryFolder()
    const paths = Array.from({ length: 100 }, (_, index) => join(folder, String(index)))
    for (const path of paths.slice(1)) writeFileSync(path, '')
    await expect(syncPaths(paths)).rejects.toThrow('ENOENT')
    expect(() => {
      syncTree(join(folder, '0'))
    }).toThrow('ENOENT')
  })
})
