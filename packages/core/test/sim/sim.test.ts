import { describe, expect, it } from 'vitest'
import { runCampaign } from './command/campaign.ts'
import { describeProgress } from './command/progress.ts'
import { describeFailure } from './command/report.ts'
import { CORE } from './run/core-subject.ts'
import { runSeed } from './run/run-seed.ts'
import { WEATHER_NAMES, WEATHERS } from './run/weather.ts'

const SEEDS = 60

describe('the whole core in simulated worlds', () => {
  it(`keeps its promises in ${SEEDS} of them`, { timeout: 120_000 }, async () => {
    const startedAt = performance.now()
    const result = await runCampaign({ subject: CORE, from: 1, seeds: SEEDS })
    console.log(describeProgress(result, performance.now() - startedAt))
    const [failure] = result.failures
    if (failure !== undefined) expect.fail(await describeFailure(failure, CORE))
    // A campaign in which nothing happens proves nothing.
    const { takeOvers, crashes, pauses, partitions, faults, expiries, snapshots, collected, stats, ends } = result.tally
    const seen = { takeOvers, crashes, pauses, partitions, faults, expiries, snapshots, collected, stats }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(SEEDS)
    // Few wait for an end until they are told of it: their process is stopped before, or the message is taken back.
    expect(ends, 'ends').toBeGreaterThan(SEEDS / 2)
  })

  it.each(WEATHER_NAMES)('keeps them where the weather is %s', { timeout: 60_000 }, async (weather) => {
    const { failures } = await runCampaign({ subject: CORE, from: 1, seeds: SEEDS / 4, weather: WEATHERS[weather] })
    const [failure] = failures
    if (failure !== undefined)
      expect.fail(await describeFailure(failure, CORE, WEATHERS[weather], ` --weather ${weather}`))
  })

  it('does the same in every run of a seed', { timeout: 30_000 }, async () => {
    const trace = async (seed: number): Promise<string[]> => {
      const lines: string[] = []
      await runSeed(seed, CORE, { trace: (line) => void lines.push(line) })
      return lines
    }
    const [once, again] = [await trace(7), await trace(7)]
    expect(once.length).toBeGreaterThan(1_000)
    expect(again).toEqual(once)
  })
})
