/** Measurements on a queue that has been idle for some seconds. */
import { sleep, systemClock, systemRandom } from '@s3queue/storage'
import { WorkFleet } from '../../pods/work-fleet.ts'
import type { ManyPlace } from './sides.ts'
import { StartTimes } from './start-times.ts'

const IDLE_MS = 5000
/** Processes poll at intervals: a trial may begin anywhere in between. */
const JITTER_MS = 3000
/** Fleets that are measured at the same time: they are idle, so they hardly disturb one another. */
const FLEETS = 3
const WARM_UP = 3

export interface IdleFleet {
  readonly fleet: WorkFleet
  readonly starts: StartTimes
}

interface IdlePlan {
  readonly workers: number
  readonly trials: number
  /** Is done before each idle time. */
  readonly prepare?: (fleet: WorkFleet) => Promise<unknown>
}

/**
 * Runs `trial` a number of times, each after an idle time of 5 to 8 s, in three fleets of `workers` processes. Each fleet has handled some
 * messages before. Resolves to the results of all trials.
 */
export async function idleTrials<T>(
  { open, quick, progress }: ManyPlace,
  { workers, trials, prepare = async () => {} }: IdlePlan,
  trial: (fleet: IdleFleet) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  const inOneFleet = async (): Promise<void> => {
    const order = { kind: 'work', concurrency: 4, handlerMs: 0 } as const
    const fleet = await WorkFleet.start(open(), [order, ...Array.from({ length: workers - 1 }, () => order)])
    const starts = new StartTimes(fleet.workers)
    for (let n = 0; n < WARM_UP; n++) await starts.of((await fleet.enqueue(1)).first)
    for (let n = 0; n < (quick ? 1 : trials / FLEETS); n++) {
      await prepare(fleet)
      await sleep(systemClock, quick ? 0 : IDLE_MS + JITTER_MS * systemRandom.next())
      results.push(await trial({ fleet, starts }))
      progress(`${results.length} of ${quick ? 1 : trials}`)
    }
    await fleet.end()
  }
  await Promise.all(Array.from({ length: quick ? 1 : FLEETS }, inOneFleet))
  return results
}
