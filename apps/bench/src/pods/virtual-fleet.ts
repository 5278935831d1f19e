/** A fleet in virtual time: queues that share a store in memory. Who is killed is cut off from the store; for the others that is the same. */
import { systemIds } from '@s3queue/storage'
import { recipients } from '../payloads.ts'
import { openCoordinatedQueue } from '../queues.ts'
import { createSeverable } from '../stores/severable.ts'
import type { World } from '../world.ts'
import { type Fleet, type FleetOptions, Moments } from './fleet.ts'

const CONCURRENCY = 4
/** Between the beginnings of two processes. */
const APART_MS = 1500

export async function virtualFleet(
  { store, clock, advance, run }: World,
  { workers, takeoverAfterMs, stuckBelow }: FleetOptions,
): Promise<Fleet> {
  const options = { name: `q-${systemIds.ulid()}`, takeoverAfterMs, runtime: { clock } }
  const starts = new Moments<number>()
  const promotions = new Moments<'promoted'>()
  const open = () => {
    const own = createSeverable(store)
    const { queue } = openCoordinatedQueue(own.store, options)
    queue.on('promoted', () => promotions.note('promoted', clock.monotonic()))
    return { queue, sever: () => own.sever() }
  }
  const startWorker = () => {
    const process = open()
    const worker = process.queue.process(
      ({ payload: { n } }, { signal }) => {
        starts.note(n, clock.monotonic())
        if (n >= stuckBelow) return
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      },
      { concurrency: CONCURRENCY },
    )
    return { ...process, worker }
  }
  const writer = startWorker()
  await run(promotions.when('promoted'))
  for (let i = 1; i < workers; i++) {
    await advance(APART_MS)
    startWorker()
  }
  await advance(APART_MS)
  const producer = open()
  return {
    enqueue: async (first, count) => void (await producer.queue.enqueueMany(recipients(count, first))),
    started: (n) => starts.when(n),
    async endWriter(how) {
      if (how === 'killed') writer.sever()
      else {
        await writer.worker.stop({ timeoutMs: 0 })
        await writer.queue.close()
      }
      return clock.monotonic()
    },
    nextWriter: () => promotions.next('promoted'),
    pass: advance,
    run,
    // Nothing of it is left when its clock is not turned any more.
    end: async () => {},
  }
}
