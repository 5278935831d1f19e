import type { createLinuxProcesses } from '../../../../storage/src/runtime/linux-processes.ts'
import type { Queue, QueueOptions } from '../../../src/index.ts'
import type { ShardQueue } from '../../../src/shard/index.ts'
import type { SimPayload } from '../world/payload.ts'
import type { TransportTimes } from './profile.ts'

type Outcomes = Pick<typeof import('../../../src/index.ts'), 'NotRetriable' | 'snooze' | 'retry' | 'deadLetter'>

/** One that a shard of a queue is made of can give up the writing. */
export type QueueUnderTest = Queue<SimPayload> & Partial<Pick<ShardQueue<SimPayload>, 'stepDown'>>

/** The public face of the core, as far as the simulation uses it: what is in `src`, or a copy with a defect planted into it. */
export interface CoreUnderTest extends Outcomes {
  /** `times`: of a transport, where there is one. `shards`: how many there are to be; undefined: nobody speaks of it. */
  createQueue(options: QueueOptions, times?: TransportTimes, shards?: number): QueueUnderTest
  readonly createLinuxProcesses: typeof createLinuxProcesses
}
