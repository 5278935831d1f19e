import { describe, expect, it } from 'vitest'
import { runCampaign } from '../../../core/test/sim/command/campaign.ts'
import { describeProgress } from '../../../core/test/sim/command/progress.ts'
import { describeFailure } from '../../../core/test/sim/command/report.ts'
import { runSeed } from '../../../core/test/sim/run/run-seed.ts'
import { PODS } from './run/pods.ts'
import { WEATHERS } from './run/weather.ts'

describe('many processes on one queue in simulated worlds', () => {
  it.each([
    [3, 20],
    [8, 6],
    [50, 1],
  ])('%i of them keep the promises in %i worlds', { timeout: 120_000 }, async (processes, seeds) => {
    const startedAt = performance.now()
    const result = await runCampaign({ subject: PODS, from: 1, seeds, weather: { processes } })
    console.log(describeProgress(result, performance.now() - startedAt))
    const [failure] = result.failures
    if (failure !== undefined) expect.fail(await describeFailure(failure, PODS, { processes }, ` --pods ${processes}`))
    expect(result.tally.handled).toBeGreaterThan(10 * seeds)
  })

  it.each(Object.keys(WEATHERS))('keep them where the weather is %s', { timeout: 60_000 }, async (name) => {
    const weather = WEATHERS[name]
    const { failures } = await runCampaign({ subject: PODS, from: 1, seeds: 12, weather })
    const [failure] = failures
    if (failure !== undefined) expect.fail(await describeFailure(failure, PODS, weather, ` --weather ${name}`))
  })

  it('do the same in every run of a seed', { timeout: 30_000 }, async () => {
    const trace = async (): Promise<string[]> => {
      const lines: string[] = []
      await runSeed(2, PODS, { weather: { processes: 4 }, trace: (line) => void lines.push(line) })
      return lines
    }
    const [once, again] = [await trace(), await trace()]
    expect(once.length).toBeGreaterThan(1_000)
    expect(again).toEqual(once)
  })
})
