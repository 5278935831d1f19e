import { describe, expect, it } from 'vitest'
import { runCampaign } from '../../../core/test/sim/command/campaign.ts'
import { describeProgress } from '../../../core/test/sim/command/progress.ts'
import { describeFailure } from '../../../core/test/sim/command/report.ts'
import { runSeed } from '../../../core/test/sim/run/run-seed.ts'
import { PODS } from './run/pods.ts'
import { WEATHERS } from './run/weather.ts'

const { crowd, ...SMALLER } = WEATHERS

describe('many processes on one queue in simulated worlds', () => {
  it.each([
    { processes: 3, seeds: 20, weather: { processes: 3 }, options: '--pods 3' },
    { processes: 8, seeds: 8, weather: { processes: 8 }, options: '--pods 8' },
    { processes: 50, seeds: 1, weather: crowd, options: '--weather crowd' },
  ])('$processes of them keep the promises', { timeout: 120_000 }, async ({ seeds, weather, options }) => {
    const startedAt = performance.now()
    const result = await runCampaign({ subject: PODS, from: 1, seeds, weather })
    console.log(describeProgress(result, performance.now() - startedAt))
    const [failure] = result.failures
    if (failure !== undefined) expect.fail(await describeFailure(failure, PODS, weather, ` ${options}`))
    const { handled, crashes, pauses, partitions, clockJumps, driftingClocks, takeOvers } = result.tally
    const { tickets, expiries, releases, revocations } = result.tally
    expect(handled).toBeGreaterThan(10 * seeds)
    // A campaign in which nothing happens proves nothing. Where the weather does not see to it, some of it is rare.
    const often = { crashes, pauses, partitions, driftingClocks, takeOvers, tickets, expiries, releases }
    const seen = weather === crowd ? { ...often, clockJumps, revocations } : often
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(0)
  })

  it.each(Object.keys(SMALLER))('keep them where the weather is %s', { timeout: 120_000 }, async (name) => {
    const weather = WEATHERS[name]
    const { failures, tally } = await runCampaign({ subject: PODS, from: 1, seeds: 6, weather })
    const [failure] = failures
    if (failure !== undefined) expect.fail(await describeFailure(failure, PODS, weather, ` --weather ${name}`))
    // Written down by whoever is first, and raised at least now and then.
    if (weather?.shards !== undefined) expect(tally.raises, 'raises').toBeGreaterThan(6 + 3)
  })

  it('do the same in every run of a seed', { timeout: 30_000 }, async () => {
    const trace = async (): Promise<string[]> => {
      const lines: string[] = []
      await runSeed(2, PODS, { weather: { processes: 4 }, trace: (line) => void lines.push(line) })
      return lines
    }
    // One place calls both, as what handlers throw has the stack of its caller.
    const runs: string[][] = []
    for (let run = 0; run < 2; run++) runs.push(await trace())
    const [once = [], again] = runs
    expect(once.length).toBeGreaterThan(1_000)
    expect(again).toEqual(once)
  })
})
