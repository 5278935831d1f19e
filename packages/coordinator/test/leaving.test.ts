import { seededRandom, sleep, withLatency } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, withoutWatch } from './support.ts'

const COUNT = 200

/** Three processes whose workers come and go all the time, so that the writing moves among them while tickets are on their way. */
async function churn(seed: number): Promise<{ readonly tookMs: number; readonly attempts: readonly number[] }> {
  const world = createWorld()
  const { clock, run } = world
  const ms = 5
  const store = withLatency(withoutWatch(world.store), { clock, getMs: ms, putMs: ms, listMs: ms, deleteMs: ms })
  const random = seededRandom(seed)
  const attempts: number[] = []
  const done = new Set<number>()
  const queues = [1, 2, 3].map(() => world.open<number>({}, {}, store).queue)
  const process = (queue: (typeof queues)[number], concurrency: number) =>
    queue.process(
      async ({ payload }, { attempt }) => {
        attempts.push(attempt)
        await sleep(clock, 30)
        done.add(payload)
      },
      { concurrency },
    )
  const producer = world.open<number>({}, {}, store).queue
  await run(producer.enqueueMany(Array.from({ length: COUNT }, (_, n) => n)))
  const startedAt = clock.monotonic()
  await run(
    Promise.all(
      queues.map(async (queue) => {
        while (clock.monotonic() - startedAt < 4000) {
          const worker = process(queue, 2)
          await sleep(clock, 250 * random.next())
          await worker.stop()
        }
      }),
    ),
  )
  const [last] = queues
  if (last !== undefined) process(last, 10)
  while (done.size < COUNT) await world.pass(50)
  return { tookMs: clock.monotonic() - startedAt, attempts }
}

describe('workers that come and go while the writer changes', () => {
  it.each([1, 2, 3, 4, 5, 6])('leave no message behind until its visibility timeout: run %i', async (seed) => {
    const { tookMs, attempts } = await churn(seed)
    // Claims that no worker ever got would take 30 s.
    expect(tookMs).toBeLessThan(10_000)
    expect(attempts.filter((attempt) => attempt > 1)).toEqual([])
  })
})
