/** What the lint finds in configurations that signet writes, once somebody has changed them. */
import { expect, it } from 'vitest'
import {
  type ConfigFindingCode,
  configure,
  lintConfiguration,
  serverKind,
  type ServerPlan,
} from '../../src/servers/index.js'
import { planOf } from './plans.js'

/** Something that is changed in what signet writes, and what is found then. */
export type Row = readonly [
  claim: string,
  before: string | RegExp,
  after: string,
  code: ConfigFindingCode,
  severity?: string,
]

/** What is found after a change, and was not before. */
export function found(name: string, plan: ServerPlan, old: string | RegExp, after: string): readonly string[] {
  const kind = serverKind(name)
  let isChanged = false
  const { files } = configure(kind, plan)
  const texts = new Map(
    files.map(({ path, content }) => {
      const changed = content.replace(old, after)
      isChanged ||= changed !== content
      return [path, changed]
    }),
  )
  expect(isChanged, `there is no ${String(old)}`).toBe(true)
  const findings = lintConfiguration(kind, texts)
  for (const { file, line, message, hint } of findings) {
    expect(texts.has(file)).toBe(true)
    if (line !== undefined) expect(line).toBeLessThanOrEqual(texts.get(file)?.split('\n').length ?? 0)
    expect(message).not.toBe('')
    expect(hint).not.toBe('')
  }
  const before = lintConfiguration(kind, new Map(files.map(({ path, content }) => [path, content]))).map(
    ({ code }) => code,
  )
  return findings.filter(({ code }) => !before.includes(code)).map(({ code, severity }) => `${severity} ${code}`)
}

/** One test for each change. */
export function table(name: string, rows: readonly Row[], plan: ServerPlan = planOf()): void {
  for (const [claim, before, after, code, severity = 'hole'] of rows) {
    it(claim, () => {
      expect(found(name, plan, before, after)).toEqual([`${severity} ${code}`])
    })
  }
}
