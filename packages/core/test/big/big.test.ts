import { describe, expect, it } from 'vitest'
import { measureRecovery, measureStall } from './rows.ts'

/** A node that holds nothing has some 10 MiB; the limits leave room for that and for garbage, not for twice the messages. */
describe('a big backlog', { timeout: 60_000 }, () => {
  it('of single messages is recovered from a snapshot in little heap', async () => {
    const row = { shape: 'single', count: 200_000, source: 'snapshot', heapLimitMiB: 90 } as const
    expect((await measureRecovery(row)).failures).toEqual([])
  })

  it('of single messages is recovered from the log in little heap', async () => {
    const row = { shape: 'single', count: 200_000, source: 'log', heapLimitMiB: 90 } as const
    expect((await measureRecovery(row)).failures).toEqual([])
  })

  it('in batches costs next to nothing', async () => {
    const row = { shape: 'batches-256', count: 200_000, source: 'log', heapLimitMiB: 30 } as const
    expect((await measureRecovery(row)).failures).toEqual([])
  })

  it.each(['snapshot', 'log'] as const)(
    'of dead letters with long failures is opened in little heap from the %s',
    async (source) => {
      const row = { shape: 'dead', count: 20_000, source, heapLimitMiB: 60 } as const
      expect((await measureRecovery(row)).failures).toEqual([])
    },
  )

  it.each(['snapshot', 'log'] as const)(
    'of dead letters whose failures have stacks, causes and logs is opened in little heap from the %s',
    async (source) => {
      const row = { shape: 'details', count: 5_000, source, heapLimitMiB: 45 } as const
      expect((await measureRecovery(row)).failures).toEqual([])
    },
  )

  it.each(['snapshot', 'log'] as const)('of large results is opened in little heap from the %s', async (source) => {
    const row = { shape: 'results', count: 2_000, source, heapLimitMiB: 60 } as const
    expect((await measureRecovery(row)).failures).toEqual([])
  })

  it('is made into a snapshot while commits go on', async () => {
    expect((await measureStall('single', 200_000, 20_000)).failures).toEqual([])
  })
})
