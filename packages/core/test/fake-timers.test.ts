/** A queue within tests that fake the clock and the timers of their process, as `useFakeTimers` of vitest, jest and sinon does. */
import { createMemoryStore } from '@s3queue/storage-memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createQueue } from '../src/index.ts'

const TIMERS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const

afterEach(() => {
  vi.useRealTimers()
})

describe('a process with faked timers', () => {
  it('enqueues, handles, retries, and closes: no call waits for fake time', async () => {
    vi.useFakeTimers({ toFake: [...TIMERS, 'Date', 'performance', 'queueMicrotask'], now: 0 })
    const queue = createQueue<string>({ name: 'jobs', store: createMemoryStore(), backoff: { baseMs: 1 } })
    const { id } = await queue.enqueue('x')
    await queue.enqueueMany(['y'], { delayMs: 5 })
    queue.process(({ payload }, { attempt }) => {
      if (attempt === 1) throw new Error('once more')
      return payload
    })
    expect(await queue.waitFor(id)).toBe('x')
    expect(await queue.drain()).toMatchObject({ drained: true })
    await queue.close()
  }, 5000)
})
