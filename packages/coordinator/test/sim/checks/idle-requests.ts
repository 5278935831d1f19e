/** What many processes on one queue cost while there is nothing to do, beside what each costs alone. */

import { placeOf } from '../../../../core/test/sim/truth/keys.ts'
import type { World } from '../../../../core/test/sim/world/world.ts'

/** Idle workers give signs so much more seldom. */
const IDLE_FACTOR = 18
/** A worker looks at least so often into its mailbox within a visibility timeout, and a light sleeper this often on a store that answers at once. */
const LOOKS_PER_TIMEOUT = 3
const LIGHT_POLL_MS = 200
/** How often each process looks whether there are more shards. */
const ROUNDS_PER_COUNT = 6

export function idleRequests({ profile, objects, shards }: World, processes: number, ms: number): number {
  const { visibilityTimeoutMs, maxPollMs, transport } = profile
  if (transport === undefined) return 0
  const { heartbeatIntervalMs } = transport
  const signs = [...objects.snapshot().keys()].filter((key) => placeOf(key).kind === 'workers')
  const looks = ms / Math.min(maxPollMs, visibilityTimeoutMs / LOOKS_PER_TIMEOUT, LIGHT_POLL_MS)
  const rounds = ms / heartbeatIntervalMs
  // Each worker looks and gives signs; the writer reads those that are due, and lists and publishes now and then.
  const all = shards.size * (processes * (looks + rounds / IDLE_FACTOR) + rounds) + rounds * signs.length
  return profile.shards === undefined ? all : all + (processes * rounds) / ROUNDS_PER_COUNT
}
