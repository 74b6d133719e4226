import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { prepareDeployment, runStory, splitWords } from '../support/testscript.js'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../support/temporary.js'

const STORIES = fileURLToPath(new URL('../../fixtures/cli/', import.meta.url))
const prepared = await prepareDeployment()

describe('stories', () => {
  for (const name of readdirSync(STORIES).sort()) {
    it(name.replace(/\.txt$/, ''), { timeout: 60_000 }, async () => {
      await runStory(join(STORIES, name), prepared)
    })
  }
})

describe('the language of stories', () => {
  const folder = temporaryFolder()
  const story = (text: string): string => {
    const path = join(folder, 'story.txt')
    writeFileSync(path, text)
    return path
  }

  it('splits words at spaces, keeps quoted ones whole, and replaces variables outside of quotes', () => {
    const variables = new Map([['A', 'x']])
    expect(splitWords("a $A 'b $A' c'd 'e 'it''s'", variables)).toEqual(['a', 'x', 'b $A', 'cd e', "it's"])
    expect(() => splitWords('$B', variables)).toThrow('$B')
    expect(() => splitWords("a 'b", variables)).toThrow('quote')
  })

  it.each([
    ['# comment\n\nsignet nonsense', /^story\.txt:3: signet nonsense\nit failed/],
    ['! signet --version', /^story\.txt:1: .*\nit succeeded/],
    ['signet --version\ncode 1', /:2: code 1\nthe exit code is 0/],
    ['signet --version\nstdout ^9', /:2:/],
    ['signet --version\n! stdout ^0', /:2:/],
    ['exists nothing', /:1:/],
    ['nonsense', /:1: .*\nthere is no directive/],
    ['! code 3', /does not go with/],
    ['json ok == true', /nothing was run yet/],
  ])('names file and line of what does not hold: %j', async (text, message) => {
    await expect(runStory(story(text), prepared)).rejects.toThrow(message)
  })

  it('gives a story its files, and its own clock', async () => {
    await runStory(
      story('clock +1d\ngrep ^one f/g\ncmp f/g h\n! cmp f/g i\n-- f/g --\none\n-- h --\none\n-- i --\ntwo'),
      prepared,
    )
  })
})
