/** After the last snapshot nothing is left in the store that nobody needs. */
import { placeOf } from '../truth/keys.ts'
import { must } from '../world/violation.ts'
import type { World } from '../world/world.ts'

export function assertObjectsAreTidy(world: World): void {
  const { objects, history } = world
  const { model, baseSlot, slots, ghosts } = history
  let snapshots = 0
  for (const key of objects.snapshot().keys()) {
    const place = placeOf(key)
    must(place.kind !== 'inbox', `${key} is left in the inbox`)
    if (place.kind === 'payloads') assertPayloadNeeded(world, key)
    if (place.kind === 'snapshots') snapshots++
    if (place.kind !== 'log' || place.slot > baseSlot || slots[place.slot - 1]?.kind === 'fence') continue
    must(
      model.needs(place.slot) || ghosts.has(place.slot),
      `slot ${place.slot} is left below the base at ${baseSlot}, though nobody needs its payloads`,
    )
  }
  must(snapshots <= 1, `${snapshots} snapshots are left`)
}

/** A process that crashed before it enqueued what it had written leaves its payload, and so does one whose write landed late: nobody knows of either. */
function assertPayloadNeeded({ history }: World, key: string): void {
  const { model, ghostPayloads } = history
  const isOrphan = !model.usedPayloadKeys.has(key) || ghostPayloads.has(key)
  must(isOrphan || model.needs(key), `${key} is left, though its message is at its end`)
}
