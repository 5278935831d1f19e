import { createIds, seededRandom } from '@s3queue/storage'
import { expect, it } from 'vitest'
import { createWorld } from './support.ts'

it('C12 a handler whose claim ran out is told to stop before the next attempt, also where timers are late', async () => {
  const world = createWorld()
  let lateMs = 0
  // Time passes in one turn of the event loop, in which no timer fires.
  const clock = { ...world.clock, monotonic: () => world.clock.monotonic() + lateMs }
  const runtime = { clock, random: seededRandom(1), ids: createIds(clock, seededRandom(1)) }
  const queue = world.open<string>({ runtime, visibilityTimeoutMs: 1000 })
  const first = Promise.withResolvers<AbortSignal>()
  const second = Promise.withResolvers<boolean>()
  queue.process(
    async ({ payload }, { attempt, signal }) => {
      if (payload === 'other') return
      if (attempt > 1) return second.resolve((await first.promise).aborted)
      first.resolve(signal)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await second.promise
    },
    { concurrency: 2, autoExtend: false },
  )
  await world.run(queue.enqueue('slow'))
  await world.run(first.promise)
  lateMs = 1001
  await world.run(queue.enqueue('other'))
  expect(await world.run(second.promise)).toBe(true)
  await world.run(queue.close())
})
