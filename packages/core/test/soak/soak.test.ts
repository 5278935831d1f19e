import { expect, it } from 'vitest'
import { growth } from './flat.ts'
import type { Sample } from './sample.ts'
import { runSoak } from './soak.ts'

it('nothing grows in eight days of traffic', { timeout: 120_000 }, async () => {
  const { samples, enqueued, ended } = await runSoak({ days: 8, burstsPerHour: 2, seed: 7, onDay: () => {} })
  expect(growth(samples.slice(2, 5), samples.slice(5))).toEqual([])
  const last = samples.at(-1)
  expect(last?.objects.inbox ?? 0).toBeLessThan(10)
  expect(last?.logLength).toBeLessThan(200)
  // Dead letters over the retention are forgotten; a redriven one is counted a second time when it dies again.
  expect(ended.completed + ended.dead).toBeLessThanOrEqual(enqueued)
  expect(ended.completed).toBe((enqueued * 9) / 11)
})

it('what grows is named', () => {
  const sample = (day: number, entries: number): Sample => ({
    ...{ day, objects: { log: 10 }, kilobytes: 5, logLength: 10, remembered: entries, heapMegabytes: 20 },
  })
  expect(growth([sample(1, 100)], [sample(2, 100)])).toEqual([])
  expect(growth([sample(1, 100)], [sample(2, 200)])).toEqual(['entries of the state: 100.0 → 200.0'])
})
