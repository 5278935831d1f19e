/** What the simulation uses of both packages: the core's queue over the mailbox transport. Mutants are bundled from here. */
import { createQueue as createCoreQueue, type Queue, type QueueOptions } from '@s3queue/core'
import type { TransportTimes } from '../../../../core/test/sim/run/profile.ts'
import { createMailboxTransport } from '../../../src/index.ts'

export { deadLetter, NotRetriable, retry, snooze } from '@s3queue/core'

export function createQueue(options: QueueOptions, times?: TransportTimes): Queue<string> {
  return createCoreQueue({ ...options, transport: createMailboxTransport(times) })
}
