/** After the last snapshot nothing is left in the store that nobody needs. */
import { type Located, placeOf } from '../truth/keys.ts'
import type { Shard } from '../world/shard.ts'
import { must } from '../world/violation.ts'
import type { World } from '../world/world.ts'

export function assertObjectsAreTidy({ objects, shards }: World): void {
  const snapshots = new Map<number, number>()
  for (const key of objects.snapshot().keys()) {
    const place = placeOf(key)
    if (place.kind === 'shards') continue
    if (place.kind === 'snapshots') snapshots.set(place.shard, (snapshots.get(place.shard) ?? 0) + 1)
    assertNeeded(shards.at(place.shard), place, key)
  }
  for (const [shard, count] of snapshots) must(count <= 1, `${count} snapshots of shard ${shard} are left`)
}

function assertNeeded(shard: Shard, place: Located, key: string): void {
  const { model, baseSlot, slots, ghosts } = shard.history
  must(place.kind !== 'inbox', `${key} is left in the inbox`)
  if (place.kind === 'payloads') assertPayloadNeeded(shard, key)
  if (place.kind !== 'log' || place.slot > baseSlot || slots[place.slot - 1]?.kind === 'fence') return
  must(
    model.needs(place.slot) || model.mayNeed(place.slot) || ghosts.has(place.slot),
    `${key} is left below the base at ${baseSlot}, though no message needs what is in it`,
  )
}

/** A process that crashed before it enqueued what it had written leaves its payload, and so does one whose write landed late: nobody knows of either. */
function assertPayloadNeeded({ history }: Shard, key: string): void {
  const { model, ghostPayloads } = history
  const isOrphan = !model.usedPayloadKeys.has(key) || ghostPayloads.has(key)
  must(isOrphan || model.needs(key), `${key} is left, though its message is at its end`)
}
