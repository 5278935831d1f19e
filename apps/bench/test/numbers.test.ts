import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { startCountingAllocations } from '../src/allocations.ts'
import { measureRow } from '../src/measure.ts'
import { number } from '../src/report/table.ts'
import type { Place, Row } from '../src/row.ts'
import { median, quantile } from '../src/sample.ts'

describe('numbers out of numbers', () => {
  it('finds quantiles by the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(quantile(hundred, 0.5)).toBe(50)
    expect(quantile(hundred, 0.99)).toBe(99)
    expect(quantile([7], 0.99)).toBe(7)
    expect(quantile([], 0.5)).toBeNaN()
  })

  it('finds the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
  })

  it.each([
    [123_456.7, '123,457'],
    [99.94, '99.9'],
    [2.5, '2.5'],
    [0.01234, '0.0123'],
    [0, '0'],
  ])('prints %d as %s', (value, text) => {
    expect(number(value)).toBe(text)
  })
})

describe('allocations', () => {
  it('counts what was collected again like what was kept', () => {
    const count = startCountingAllocations()
    const kept: object[] = []
    for (let i = 0; i < 1_000_000; i++) kept[i % 1000] = { i }
    // One field and three words of V8's own.
    expect(count() / 1_000_000).toBeGreaterThanOrEqual(32)
    expect(kept).toHaveLength(1000)
  })

  it('finds next to nothing where nothing happens', () => {
    const count = startCountingAllocations()
    expect(count()).toBeLessThan(100_000)
  })
})

describe('a row', () => {
  const place: Place = {
    storeName: 'memory',
    store: createMemoryStore(),
    location: undefined,
    quick: false,
    progress: () => {},
  }
  const rowOf = (samples: readonly number[], target?: Row['metrics'][string]['target']): Row => {
    const left = [...samples]
    return {
      name: 'test',
      about: '',
      stores: ['memory'],
      metrics: { found: { label: 'found', unit: 'ms', target }, never: { label: 'never', unit: 'ms' } },
      begin: () => async () => ({ found: left.shift(), never: undefined }),
    }
  }

  it('throws the warm-up away and gives the middle of the rest', async () => {
    const { metrics } = await measureRow(rowOf([1000, 3, 1, 2]), place, 3)
    expect(metrics).toEqual([
      { metric: 'found', label: 'found', unit: 'ms', samples: [3, 1, 2], median: 2, min: 1, max: 3 },
    ])
  })

  it.each([
    ['at most', 2, true],
    ['at most', 1.9, false],
    ['at least', 2, true],
    ['at least', 2.1, false],
  ] as const)('holds the middle against a target: %s %d', async (bound, value, met) => {
    const { metrics } = await measureRow(rowOf([0, 9, 2, 1], { bound, value }), place, 3)
    expect(metrics[0]?.target).toEqual({ bound, value, every: false, met })
  })

  it.each([
    [9, true],
    [8.9, false],
  ])('holds every repetition against a promise: at most %d', async (value, met) => {
    const { metrics } = await measureRow(rowOf([0, 9, 2, 1], { bound: 'at most', value, every: true }), place, 3)
    expect(metrics[0]?.target?.met).toBe(met)
  })

  it('has no target on other stores, or in a quick run', async () => {
    const target = { bound: 'at most', value: 1, stores: ['minio'] } as const
    const other = await measureRow(rowOf([1, 1], target), place, 1)
    expect(other.metrics[0]?.target).toBeUndefined()
    const quick = await measureRow(rowOf([1], { bound: 'at most', value: 1 }), { ...place, quick: true }, 1)
    expect(quick.metrics[0]?.target).toBeUndefined()
  })
})
