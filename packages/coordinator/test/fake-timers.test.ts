/** A shared queue within tests that fake the clock and the timers of their process. */
import { createMemoryStore } from '@s3queue/storage-memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCoordinatedQueue } from '../src/index.ts'

const TIMERS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const

afterEach(() => {
  vi.useRealTimers()
})

describe('two processes with faked timers', () => {
  it.each([1, 2])(
    'enqueue, handle and close with %d shards: no call waits for fake time',
    async (shards) => {
      vi.useFakeTimers({ toFake: [...TIMERS, 'Date', 'performance', 'queueMicrotask'], now: 0 })
      const store = createMemoryStore()
      const producer = createCoordinatedQueue<number>({ name: 'jobs', store, shards })
      const worker = createCoordinatedQueue<number>({ name: 'jobs', store, shards })
      worker.process(({ payload }) => 2 * payload)
      const { id } = await producer.enqueue(21)
      expect(await worker.waitFor(id)).toBe(42)
      await Promise.all([producer.close(), worker.close()])
    },
    15_000,
  )
})
