// Writes what of fixtures/deployments and docs/deployments is generated, from each deployment.yaml: the configurations, and
// the pictures. Part of `npm run docs`; test/channels/models.test.ts holds them.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { channelsSvg, configureDeployment, parseDeployment, planChannels } from '../dist/channels/index.js'

const fixtures = fileURLToPath(new URL('../fixtures/deployments', import.meta.url))
const docs = fileURLToPath(new URL('../docs/deployments', import.meta.url))

mkdirSync(docs, { recursive: true })
for (const model of readdirSync(fixtures)) {
  const deployment = parseDeployment(readFileSync(join(fixtures, model, 'deployment.yaml'), 'utf8'))
  const generated = join(fixtures, model, 'generated')
  rmSync(generated, { recursive: true, force: true })
  for (const { endpoint, configuration } of configureDeployment(deployment)) {
    for (const { path, content } of configuration.files) {
      mkdirSync(dirname(join(generated, endpoint, path)), { recursive: true })
      writeFileSync(join(generated, endpoint, path), content)
    }
  }
  writeFileSync(join(docs, `${model}.svg`), channelsSvg(planChannels(deployment), deployment))
}
