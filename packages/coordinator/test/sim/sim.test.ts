import * as core from '@s3queue/core'
import { describe, expect, it } from 'vitest'
import { runCampaign } from '../../../core/test/sim/command/campaign.ts'
import { describeProgress } from '../../../core/test/sim/command/progress.ts'
import * as coordinator from '../../src/index.ts'
import { withMailboxes } from './pods.ts'
import { manyPods, POD_WEATHER_NAMES, POD_WEATHERS } from './weather.ts'

const pods = withMailboxes({ ...core, ...coordinator })

describe('pods in simulated worlds', () => {
  it.each([
    [3, 25],
    [8, 8],
    [50, 1],
  ])('%i of them keep the promises in %i worlds', { timeout: 120_000 }, async (count, seeds) => {
    const startedAt = performance.now()
    const result = await runCampaign({ core: pods, from: 1, seeds, weather: manyPods(count) })
    console.log(describeProgress(result, performance.now() - startedAt))
    const [failure] = result.failures
    expect(failure?.violation, `seed ${failure?.seed}`).toBeUndefined()
    expect(result.tally.handled).toBeGreaterThan(10 * seeds)
  })

  it.each(POD_WEATHER_NAMES)('keep them where the weather is %s', { timeout: 60_000 }, async (weather) => {
    const { failures } = await runCampaign({ core: pods, from: 1, seeds: 12, weather: POD_WEATHERS[weather] })
    const [failure] = failures
    expect(failure?.violation, `seed ${failure?.seed}`).toBeUndefined()
  })
})
