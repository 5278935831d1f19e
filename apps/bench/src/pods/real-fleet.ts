/** A fleet of real processes. */
import { sleep, systemClock, systemIds } from '@s3queue/storage'
import type { StoreLocation } from '../stores/location.ts'
import { type Fleet, type FleetOptions, Moments } from './fleet.ts'
import { Pod } from './pod.ts'

const CONCURRENCY = 4

export async function startFleet(
  location: StoreLocation,
  { workers, takeoverAfterMs, stuckBelow }: FleetOptions,
): Promise<Fleet> {
  const setup = { kind: 'store', location, queue: `q-${systemIds.ulid()}`, options: { takeoverAfterMs } } as const
  const all: Pod[] = []
  const starts = new Moments<number>()
  const promotions = new Moments<'promoted'>()
  const start = async (): Promise<Pod> => {
    const pod = await Pod.start(setup)
    all.push(pod)
    pod.onReport((report) => {
      if (report.kind === 'promoted') promotions.note('promoted', report.at)
      if (report.kind === 'started') for (const n of report.numbers) starts.note(n, report.at)
    })
    return pod
  }
  const end = async (): Promise<void> => {
    await Promise.all(all.map((pod) => pod.kill()))
  }
  try {
    const [producer, writer, ...others] = (await Promise.all(Array.from({ length: workers + 1 }, start))) as [
      Pod,
      Pod,
      ...Pod[],
    ]
    const work = { kind: 'work', concurrency: CONCURRENCY, handlerMs: 0, stuckBelow } as const
    await writer.ask(work, 'promoted')
    for (const pod of others) pod.order(work)
    return {
      enqueue: async (first, count) =>
        void (await producer.ask({ kind: 'enqueue', first, count, batch: count }, 'enqueued')),
      started: (n) => starts.when(n),
      async endWriter(how) {
        if (how === 'closed') return (await writer.ask({ kind: 'close' }, 'closed')).at
        const at = systemClock.now()
        await writer.kill()
        return at
      },
      nextWriter: () => promotions.next('promoted'),
      pass: (ms) => sleep(systemClock, ms),
      run: (work) => work,
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}
