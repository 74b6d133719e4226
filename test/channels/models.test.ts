import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { channelsSvg, configureDeployment, parseDeployment, planChannels } from '../../src/channels/index.js'
import { lintConfiguration, serverKind } from '../../src/servers/index.js'

const FIXTURES = 'fixtures/deployments'
const DOCS = 'docs/deployments'
const models = readdirSync(FIXTURES)

describe.each(models)('the model %s', (model) => {
  const folder = join(FIXTURES, model)
  const deployment = parseDeployment(readFileSync(join(folder, 'deployment.yaml'), 'utf8'))
  const plan = planChannels(deployment)

  it('has no hole, and nobody is locked out', () => {
    expect(plan.findings).toEqual([])
  })

  it('requirement 72: has a page, with the picture that the command draws', () => {
    const page = readFileSync(join(DOCS, `${model}.md`), 'utf8')
    expect(page).toContain(`](${model}.svg)`)
    expect(page).toContain(`fixtures/deployments/${model}`)
    expect(page).toContain(`test/interop/deployments/${model}.test.ts`)
    expect(readFileSync(join(DOCS, `${model}.svg`), 'utf8')).toBe(channelsSvg(plan, deployment))
    expect(readFileSync(join(DOCS, 'README.md'), 'utf8')).toContain(`](${model}.md)`)
  })

  it('requirement 73: is set up and tried on the real programs by a test', () => {
    const test = readFileSync(`test/interop/deployments/${model}.test.ts`, 'utf8')
    expect(test).toContain(`makeBed('${model}'`)
    expect(test).toMatch(/it\(\s*'requirement \d+: /)
  })

  it('is written without what the check of configurations would find', () => {
    for (const { kind, configuration } of configureDeployment(deployment)) {
      const texts = new Map(configuration.files.map(({ path, content }) => [path, content]))
      expect(lintConfiguration(serverKind(kind), texts)).toEqual([])
    }
  })

  it('requirement 72: has the files that are generated for it (npm run docs)', () => {
    const generated = configureDeployment(deployment).flatMap(({ endpoint, configuration: { files } }) =>
      files.map(({ path, content }) => [join(endpoint, path), content] as const),
    )
    expect(generated.length).toBeGreaterThan(0)
    for (const [path, content] of generated) {
      expect(readFileSync(join(folder, 'generated', path), 'utf8'), path).toBe(content)
    }
    const there = readdirSync(join(folder, 'generated'), { recursive: true, withFileTypes: true })
    expect(there.filter((entry) => entry.isFile())).toHaveLength(generated.length)
  })
})
