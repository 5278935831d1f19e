/** What the simulation uses of both packages: the core's queue over the mailbox transport. Mutants are bundled from here. */
import type { Queue, QueueOptions } from '@s3queue/core'
import { openShard, type ShardQueue } from '@s3queue/core/shard'
import type { TransportTimes } from '../../../../core/test/sim/run/profile.ts'
import type { SimPayload } from '../../../../core/test/sim/world/payload.ts'
import { createCoordinatedQueue, createMailboxTransport } from '../../../src/index.ts'

export { deadLetter, NotRetriable, retry, snooze } from '@s3queue/core'
export { createLinuxProcesses } from '../../../../storage/src/runtime/linux-processes.ts'

export function createQueue(
  options: QueueOptions,
  times?: TransportTimes,
  shards?: number,
): Queue<SimPayload> & Partial<Pick<ShardQueue<SimPayload>, 'stepDown'>> {
  if (shards !== undefined) return createCoordinatedQueue({ ...options, ...times, shards })
  return openShard({ ...options, transport: createMailboxTransport(times) })
}
