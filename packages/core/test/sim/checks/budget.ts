/** A queue in which nothing happens costs little: signs of life of its writer, looks at them by others, reads of the bell, and looks into the inbox. */
import { must } from '../world/violation.ts'
import type { World } from '../world/world.ts'

const IDLE_MS = 20_000
/** The writer and each process that watches it closely read the bell this often where the store answers at once, and do not where the store notifies them. */
const BELL_POLL_MS = 200
/** What may still be under way from before: the backing off of the looks into the inbox, the last commits. */
const AFTERMATH = 30

/** `idleRequests`: how many there may be for reasons of which the core does not know. */
export async function assertIdleIsCheap(
  world: World,
  processes: number,
  idleRequests: (world: World, processes: number, ms: number) => number = () => 0,
): Promise<void> {
  const { takeoverAfterMs, maxPollMs, notifies = false } = world.profile
  const before = world.tally.requests
  await world.sleep(IDLE_MS)
  const requests = world.tally.requests - before
  const looks = IDLE_MS / maxPollMs
  // Where the store notifies, each renewal is read by all.
  const signs = ((notifies ? 6 : 3) * IDLE_MS) / takeoverAfterMs
  const rings = IDLE_MS / (notifies ? Math.max(BELL_POLL_MS, maxPollMs) : BELL_POLL_MS)
  const { size } = world.shards
  const budget =
    size * AFTERMATH + 2 * (size * (looks + processes * (signs + rings)) + idleRequests(world, processes, IDLE_MS))
  must(
    requests <= budget,
    `${processes} idle processes made ${requests} requests in ${IDLE_MS} ms, more than ${Math.round(budget)}`,
  )
}
