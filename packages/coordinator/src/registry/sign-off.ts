/** How a worker leaves: its signs of life end, what it was told and has not read goes back, and nothing of it stays in the store. */
import type { LeavingWorker } from '@s3queue/core/transport'
import { NotSignedOff } from '../errors.ts'
import { mailboxKey, workerKey } from '../keys.ts'
import type { Heartbeats } from './heartbeats.ts'

/**
 * `goodbye`: what is done before its objects are deleted. Never rejects, and takes no longer than it takes to replace a writer: whatever is left then, the
 * writer finds out by itself.
 */
export async function signOff(
  { id, queue, signal: ended, trouble }: LeavingWorker,
  heartbeats: Heartbeats,
  goodbye: (signal: AbortSignal) => Promise<void> = async () => {},
): Promise<void> {
  const { store, prefix, clock, takeoverAfterMs } = queue
  const bound = new AbortController()
  const cancel = clock.setTimer(takeoverAfterMs, () => bound.abort(new NotSignedOff(id, takeoverAfterMs)))
  const signal = AbortSignal.any([bound.signal, ended])
  try {
    await heartbeats.stop(id, signal)
    await goodbye(signal)
    await store.delete([mailboxKey(prefix, id), workerKey(prefix, id)], { signal })
  } catch (error) {
    if (!ended.aborted) trouble(error)
  } finally {
    cancel()
  }
}
