/** A queue as its users see it, and as those do who put several logs behind one. */
import type { CloseOptions } from './close-options.ts'
import type { QueueCost } from './cost.ts'
import type { DrainOptions, DrainResult } from './drain.ts'
import type { EnqueueOptions } from './enqueue-options.ts'
import type { EventsOptions, NamedEvent } from './event-stream.ts'
import type { QueueEventName, QueueListener } from './events.ts'
import type { FollowedEvent } from './follow/events.ts'
import type { FollowOptions } from './follow/follow.ts'
import type { Handler } from './handle.ts'
import type { QueueHealth } from './health.ts'
import type { Enqueued } from './intake.ts'
import type { ListOptions, MessagePage } from './list.ts'
import type { MessageInfo } from './message-info.ts'
import type { ProcessOptions, StopOptions } from './process-options.ts'
import type { QueueStats } from './state/model.ts'
import type { WaitOptions } from './wait-for.ts'
import type { SlotPool } from './worker/slots.ts'

/** A running worker. */
export interface Worker {
  readonly id: string
  /** Handlers running now. */
  readonly running: number
  /**
   * Takes nothing new, waits for running handlers, and gives back the rest at once. Handlers that are not done in time get their signal
   * aborted. Resolves when all of it is recorded.
   */
  stop(options?: StopOptions): Promise<void>
}

/** `T`: what is enqueued. `H`: what handlers get, which is what the queue's schema makes of it. */
export interface Queue<T, H = T> {
  readonly name: string
  /** Whether a worker of this queue object runs. */
  readonly isProcessing: boolean
  /** Handlers of this queue object that run now. */
  readonly running: number
  /** Messages that the worker of this queue object has and whose handlers have not started. They count as active, as the running ones do. */
  readonly heldAhead: number
  /** Enqueues one message. It is durable when this resolves. Calls of one turn of the event loop share a commit. */
  enqueue(payload: T, options?: EnqueueOptions): Promise<Enqueued>
  /** Enqueues many in one commit. `options` hold for all, or are made for each by a function. */
  enqueueMany(
    payloads: readonly T[],
    options?: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions),
  ): Promise<Enqueued[]>
  /** Starts the worker of this queue object; one at a time. */
  process(handler: Handler<H>, options?: ProcessOptions): Worker
  /**
   * Handles one message and resolves to true, or to false if there is none: nothing is waiting, the queue is paused, or another process writes and no
   * transport reaches this one. For Lambda and cron. Beside a live writer it waits for its message; a writer that died is replaced first, within
   * `takeoverAfterMs`. Rejects with `NotAcknowledged` if the store does not answer, or if messages wait and no writer hands one out in time.
   */
  processNext(handler: Handler<H>, options?: Omit<ProcessOptions, 'concurrency' | 'maxPrefetch'>): Promise<boolean>
  /**
   * Resolves when nothing is waiting, delayed or active any more, in this process or any other, or when a bound is reached. The worker
   * goes on afterwards: stop it, or close the queue.
   */
  drain(options?: DrainOptions): Promise<DrainResult>
  /** How many messages are in which condition: exact, from any process. */
  getStats(): Promise<QueueStats>
  /**
   * The age of the oldest message that is visible and waits, in ms since it was enqueued; undefined if none waits. As of the same view as `getStats`. Takes
   * time in proportion to the enqueues that wait: a few ms for 100,000.
   */
  getOldestAge(): Promise<number | undefined>
  /** Readings for liveness and readiness probes. Makes no request. */
  health(): QueueHealth
  /** What this queue object cost so far. */
  getCost(): QueueCost
  /** A message, or undefined if none with this id is known (any more). Known from the moment on at which its enqueue resolved, in every process. */
  get(id: string): Promise<MessageInfo | undefined>
  /** A message's payload, while it is not completed. Throws `MessageNotFound`. */
  getPayload(id: string): Promise<T>
  /** A page of messages of one status, of the same messages that `getStats` counts. */
  list(options: ListOptions): Promise<MessagePage>
  /**
   * Resolves to a message's result once it is completed. Throws `MessageDied` or `MessageNotFound`: the latter if the message ended before the call and the
   * retention has forgotten it. Where another process writes, also if this process could not read the log for 5 s while the message ended.
   */
  waitFor(id: string, options?: WaitOptions): Promise<unknown>
  /** Hands out no more messages until `resume`; running handlers go on. True if the queue was not paused before. */
  pause(): Promise<boolean>
  resume(): Promise<boolean>
  /** Whether the queue is paused, or a part of it if it has shards, by whichever process. */
  isPaused(): Promise<boolean>
  /** A waiting message is gone; the handler of an active one gets its signal aborted, and its outcome is refused. False if it is neither. */
  cancel(id: string): Promise<boolean>
  /**
   * Takes an active message back from its worker. Resolves to true once that is recorded, to false if the message is not active. It is visible again when the
   * worker has aborted the handler's signal and confirmed that, or when the claim runs out. A second call changes nothing and resolves to true.
   */
  release(id: string): Promise<boolean>
  /** Removes everything that waits, visible or not. Resolves to how many. */
  purge(): Promise<number>
  /** Puts dead letters back into the queue: one by its id, several, those that a function picks by true or false, or all. Resolves to how many. */
  redrive(which?: string | readonly string[] | ((message: MessageInfo) => boolean)): Promise<number>
  /** Forgets messages that have ended, dead letters and completed ones, with all that is known of them. Counts of completed ones go on. Resolves to how many. */
  forget(which: string | readonly string[]): Promise<number>
  /**
   * Accepts that the queue's objects were restored from a copy, once they are in place and before work continues: claims from now on get fencing tokens above all
   * that were used before, also those of claims that are not in the copy. Resolves to the first of them. See "Restoring a backup" in docs/operations.md.
   */
  acceptRestore(): Promise<number>
  /**
   * Calls `listener` for each event of that name; the function that is returned ends it. Nobody waits for a listener. One that throws, or whose
   * promise is rejected, harms nobody: `logger` is told.
   */
  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void
  /**
   * Events as an async iteration, by default all of them, from this call on: they wait until they are read. It ends when `signal` is aborted, the
   * loop is left, or the queue is closed. A loop that falls behind by more than 100,000 events gets a `RangeError`.
   */
  events(options?: EventsOptions): AsyncIterable<NamedEvent>
  /**
   * What happens in the whole queue, in whichever process, as it stands in its log, from the first step of the loop on. Costs a request for each look
   * while nothing is new. It ends when `signal` is aborted or the queue is closed.
   */
  follow(options?: FollowOptions): AsyncIterable<FollowedEvent>
  /**
   * Stops the worker, makes everything durable, and lets others take over immediately. Running handlers have `visibilityTimeoutMs` to end, or most of
   * `timeoutMs`; then their signals are aborted, and their messages go back without counting the attempt.
   *
   * Resolves within `timeoutMs` also while the store is down (by default within `visibilityTimeoutMs` and 30 s). Then `trouble` says so; calls that the store did not
   * confirm reject with `NotAcknowledged`, and messages whose outcome was not recorded are handed out again. Rejects with `CalledInHandler` in a
   * handler of the queue, which it would wait for. A second call waits for the first.
   */
  close(options?: CloseOptions): Promise<void>
}

/** One log of a queue that has several, and what holds them together needs of it. */
export interface ShardQueue<T> extends Queue<T> {
  /** As `enqueueMany`, in two steps: what is returned sends the messages. `placeOf`: where each stands in the user's call, for errors. */
  prepareMany(
    payloads: readonly T[],
    options: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions) | undefined,
    placeOf: (index: number) => number,
  ): Promise<() => Promise<Enqueued[]>>
  /** As `process`, with handlers in the slots of a pool that other logs' workers share; the pool says how many. */
  processIn(slots: SlotPool, id: string, handler: Handler<T>, options: ProcessOptions | undefined): Worker
  /** As `follow`; from the beginning of the log on, if that is later than the user's call. */
  followFrom(options: FollowOptions, beginning: boolean): AsyncIterable<FollowedEvent>
  /** The queue is known to exist: reads need not ask the store. */
  assumeExists(): void
  /** If this process writes, another one is to take over; should none want to, this one goes on after a moment. Rejects with `StoreError`s: then it goes on, too. */
  stepDown(): Promise<void>
}
