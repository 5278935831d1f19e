/**
 * Closing in order: the worker's handlers end, the store takes what they did, dead letters on their way arrive, and the queue is closed. One bound
 * covers all that needs the store, so a store that is down does not make each step wait anew.
 */
import { type Clock, inTime } from '@s3queue/storage'

/** How long the store has after the last handler, in ms, before the queue is closed without it. */
const STORE_MS = 30_000

export interface ClosingParts {
  /** Stops the worker: running handlers have `handlersMs`. Resolves once the store has taken what they did. */
  readonly stopWorker: (handlersMs: number) => Promise<void>
  /** Resolves when no handler runs. */
  readonly whenIdle: () => Promise<void>
  /** Resolves when no dead letter is being moved. */
  readonly deadLetters: () => Promise<void>
  readonly closeQueue: (timeoutMs: number) => Promise<void>
  readonly tell: (error: unknown) => void
}

/** Takes `handlersMs` and 30 s at most. What is late is reported: messages whose outcome is not recorded are handed out again. */
export async function closeInOrder(clock: Clock, handlersMs: number, parts: ClosingParts): Promise<void> {
  const { stopWorker, whenIdle, deadLetters, closeQueue, tell } = parts
  const stopped = stopWorker(handlersMs)
  const late = (what: string) => (): Error =>
    new Error(`The store did not take ${what} in time, so the queue is closed without it.`)
  // A handler that was cut off may never end: then the worker is stopped all the same.
  await inTime(clock, handlersMs, Promise.race([whenIdle(), stopped]), late('it')).catch(() => {})
  const endAt = clock.monotonic() + STORE_MS
  const leftMs = (): number => Math.max(0, endAt - clock.monotonic())
  await inTime(clock, leftMs() / 3, stopped, late('what the last handlers did')).catch(tell)
  // What died last is on its way to the dead letter resource, and needs the queue.
  await inTime(clock, leftMs() / 2, deadLetters(), late('the last dead letters')).catch(tell)
  await closeQueue(leftMs())
}
