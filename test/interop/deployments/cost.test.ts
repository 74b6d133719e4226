/** What the models of docs/deployments cost: that it can be measured. How much it is, is printed by `npm run bench`. */
import { expect, it } from 'vitest'
import { measureModels } from '../../../bench/models.ts'
import { temporaryFolder } from '../../support/temporary.js'
import { describeModel } from './bed.js'

describeModel('the cost of models', ['nginx', 'haproxy'], async () => {
  const results = await measureModels(temporaryFolder(), { rounds: 1, sliceMilliseconds: 20 })

  it('requirement 71: is measured for each, beside what cannot be avoided', () => {
    expect(results.map(({ model, skipped }) => [model, skipped])).toEqual(
      ['clear', 'direct', 'proxy-loopback', 'proxy-socket', 'passthrough', 're-encryption', 'inspection'].map(
        (model) => [model, undefined],
      ),
    )
    for (const { handshakesPerSecond, requestsPerSecond } of results) {
      expect(handshakesPerSecond).toBeGreaterThan(0)
      expect(requestsPerSecond).toBeGreaterThan(0)
    }
  })
})
