#!/usr/bin/env node
// Writes what of docs/ is generated: the page of error codes, the pictures of nova's policy and of deployments, the tables of
// docs/kite.md, docs/sizes.md, docs/servers.md. Run it after a build; test/readme.test.ts, test/cli/*-page.test.ts and
// test/channels/models.test.ts hold them to their sources. Sizes are measured on nova's own notifications: without them,
// docs/sizes.md stays as it is.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kitePage } from '../dist/cli/comparison-page.js'
import { errorsPage } from '../dist/cli/errors-page.js'
import { serversPage } from '../dist/cli/servers-page.js'
import { sizesPage } from '../dist/cli/sizes-page.js'
import { compareKite, measureSizes, readSample, rpcSamples, sizesSvg } from '../dist/compare/index.js'
import { matrixOf, matrixSvg, parsePolicy } from '../dist/policy/index.js'

await import('./write-deployments.mjs')

const page = (name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
const policy = parsePolicy(readFileSync(new URL('../fixtures/nova/policy.yaml', import.meta.url), 'utf8'))
writeFileSync(page('errors.md'), errorsPage())
writeFileSync(page('nova-matrix.svg'), matrixSvg(matrixOf(policy)))
const at = new Date('2027-01-01T00:00:00Z')
const comparison = await compareKite({ at, rounds: 0 })
writeFileSync(page('kite.md'), kitePage(readFileSync(page('kite.md'), 'utf8'), comparison))

const outcomes = JSON.parse(readFileSync(new URL('../test/interop/servers/outcomes.json', import.meta.url), 'utf8'))
writeFileSync(page('servers.md'), serversPage(readFileSync(page('servers.md'), 'utf8'), outcomes))

const samples = join(resolve(process.env.SIGNET_CORPORA || '../shared/corpora'), 'openstack/nova-notification-samples')
if (existsSync(samples)) {
  const requests = rpcSamples()
  const notifications = readdirSync(samples)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) =>
      readSample(readFileSync(join(samples, file)), file, { type: 'notify', destination: 'notifications', at }),
    )
  const sizes = {
    all: await measureSizes([...notifications, ...requests], { at }),
    notifications: await measureSizes(notifications, { at, algorithms: ['p256'] }),
    requests: await measureSizes(requests, { at, algorithms: ['p256'] }),
  }
  writeFileSync(page('sizes.md'), sizesPage(readFileSync(page('sizes.md'), 'utf8'), sizes))
  writeFileSync(page('sizes.svg'), sizesSvg(sizes.all))
} else {
  console.warn(`docs/sizes.md is left as it is: no notifications at ${samples} (SIGNET_CORPORA)`)
}
