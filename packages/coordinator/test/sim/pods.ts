/** The core of the simulation with the mailbox transport: every process that has a worker gets messages. */
import type * as core from '@s3queue/core'
import type { CoreUnderTest } from '../../../core/test/sim/run/core-under-test.ts'
import { loadPatched, type Patch } from '../../../core/test/sim/run/load-core.ts'
import type * as coordinator from '../../src/index.ts'

type Parts = Pick<typeof core, 'createQueue' | 'NotRetriable' | 'snooze' | 'retry' | 'deadLetter'> &
  Pick<typeof coordinator, 'createMailboxTransport'>

/** Signs of life that fit the times of a simulated world, which lasts a minute. */
const COORDINATOR = { heartbeatIntervalMs: 500, heartbeatTtlMs: 1500, dispatchIntervalMs: 50 }

/** A core whose queues all have a transport of their own. */
export function withMailboxes({ createMailboxTransport, createQueue, ...rest }: Parts): CoreUnderTest {
  const createShared = (options: Parameters<typeof createQueue>[0]): ReturnType<typeof createQueue> =>
    createQueue({ ...options, transport: createMailboxTransport(COORDINATOR) })
  return { ...rest, isShared: true, createQueue: createShared as typeof createQueue }
}

/** The same from sources with defects planted into them. */
export async function loadPods(patches: readonly Patch[]): Promise<CoreUnderTest> {
  const entry = `
    export { createQueue, NotRetriable, snooze, retry, deadLetter } from './core/src/index.ts'
    export { createMailboxTransport } from './coordinator/src/index.ts'
  `
  return withMailboxes(await loadPatched<Parts>(patches, entry))
}
