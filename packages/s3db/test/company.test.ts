import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { describe, expect, it } from 'vitest'
import { Company } from '../src/company.ts'

/** Writes that take `tookMs` each, begun together, and when each of them went on. */
async function went(clock: ManualClock, company: Company, tookMs: readonly number[]): Promise<number[]> {
  const startedAt = clock.monotonic()
  const going = tookMs.map(async (ms, i) => {
    const write = (): Promise<number> => new Promise((resolve) => clock.setTimer(ms, () => resolve(i)))
    expect(await company.write(write, () => true)).toBe(i)
    return clock.monotonic() - startedAt
  })
  return clock.runUntil(Promise.all(going))
}

describe('enqueues under way together', () => {
  it('go on together once the last of them has its record', async () => {
    const clock = createManualClock()
    const company = new Company(clock)
    expect(await went(clock, company, [30, 20, 25, 38])).toEqual([38, 38, 38, 38])
    expect(clock.pendingTimers).toBe(0)
  })

  it('who is alone waits for nothing, now and later', async () => {
    const clock = createManualClock()
    const company = new Company(clock)
    expect([await went(clock, company, [30]), await went(clock, company, [5])]).toEqual([[30], [5]])
    expect(clock.pendingTimers).toBe(0)
  })

  it('nobody waits longer than its own record took, and who is there by then goes along', async () => {
    const clock = createManualClock()
    expect(await went(clock, new Company(clock), [10, 15, 50])).toEqual([20, 20, 50])
  })

  it('nor longer than a quarter of a second', async () => {
    const clock = createManualClock()
    expect(await went(clock, new Company(clock), [300, 1000])).toEqual([550, 1000])
  })

  it('a record that is refused keeps nobody waiting, nor does one that is there', async () => {
    const clock = createManualClock()
    const company = new Company(clock)
    const refused = company
      .write(
        () =>
          new Promise((_, reject) =>
            clock.setTimer(12, () => {
              reject(new Error('refused'))
            }),
          ),
        () => true,
      )
      .catch((error: Error) => error.message)
    const known = company.write(
      () => new Promise((resolve) => clock.setTimer(11, () => resolve('known'))),
      () => false,
    )
    expect(await went(clock, company, [10])).toEqual([12])
    expect(await Promise.all([refused, known])).toEqual(['refused', 'known'])
  })
})
