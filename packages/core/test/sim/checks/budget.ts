/** A queue in which nothing happens costs little: signs of life of its writer, looks at them by others, and looks into the inbox. */
import { must } from '../world/violation.ts'
import type { World } from '../world/world.ts'

const IDLE_MS = 20_000
/** What may still be under way from before: the backing off of the looks into the inbox, the last commits. */
const AFTERMATH = 30
/** Of one worker, and looks at them, while it is idle. */
const SIGNS_OF_WORKERS = 20

export async function assertIdleIsCheap(world: World, processes: number): Promise<void> {
  const { takeoverAfterMs, maxPollMs, visibilityTimeoutMs } = world.profile
  const before = world.tally.requests
  await world.sleep(IDLE_MS)
  const requests = world.tally.requests - before
  const looks = IDLE_MS / maxPollMs
  const signs = (3 * IDLE_MS) / takeoverAfterMs
  // With a transport, each worker looks into its mailbox as often, and the writer at the worker's signs.
  const glances = IDLE_MS / Math.min(maxPollMs, visibilityTimeoutMs / 3)
  const mailboxes = world.core.isShared === true ? processes * (glances + SIGNS_OF_WORKERS) : 0
  const budget = AFTERMATH + 2 * (looks + processes * signs + mailboxes)
  must(
    requests <= budget,
    `${processes} idle processes made ${requests} requests in ${IDLE_MS} ms, more than ${Math.round(budget)}`,
  )
}
