import { describe, expect, it } from 'vitest'
import { measureVersions } from './measure.ts'

const HOUR_MS = 3_600_000
const DAY_S = 86_400

describe('versions of one key in a bucket with versioning', () => {
  it('the lease of an idle queue gets 7,200 a day, and no other key more than 500', async () => {
    const { writer, ...others } = await measureVersions(Number.POSITIVE_INFINITY, 2 * HOUR_MS)
    // One renewal in 12 s: 0.4 of `takeoverAfterMs`.
    expect(writer).toBeGreaterThan(0.95 * (DAY_S / 12))
    expect(writer).toBeLessThanOrEqual(DAY_S / 12)
    expect(Math.max(...Object.values(others))).toBeLessThanOrEqual(500)
  })

  it('the lease of a busy queue gets at most one a second', async () => {
    const { writer } = await measureVersions(1000, HOUR_MS / 12)
    expect(writer).toBeGreaterThan(0.9 * DAY_S)
    expect(writer).toBeLessThanOrEqual(DAY_S)
  })
})
