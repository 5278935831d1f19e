/**
 * The worker of a queue with several shards: one for each of them, and all share one pool of slots, so that `concurrency` and what is claimed ahead
 * are the whole queue's.
 *
 * Owns the pool. Shards that come to be known later are worked from then on.
 */
import {
  CalledInHandler,
  type DrainOptions,
  type DrainResult,
  type Handler,
  type ProcessOptions,
  QueueClosed,
  type StopOptions,
  type Worker,
  WorkerExists,
} from '@s3queue/core'
import {
  assertHandler,
  assertSignal,
  makeWorkerId,
  resolveProcessOptions,
  resolveStopOptions,
  SlotPool,
} from '@s3queue/core/shard'
import {
  type AsyncContexts,
  assertKnownKeys,
  type Clock,
  type Ids,
  InvalidOption,
  inTime,
  numberOption,
  sleep,
} from '@s3queue/storage'
import type { Shard } from './shard.ts'
import type { Shards } from './shards.ts'
import { Spread } from './spread.ts'

/** Wait before asking again for what a store refused to say. */
const RETRY_MS = 5000

export interface ShardedWorkOptions<T> {
  readonly name: string
  readonly shards: Shards<T>
  readonly clock: Clock
  readonly contexts: AsyncContexts
  readonly ids: Ids
  readonly lingerMs: number
  /** How long a worker that is stopped waits for its handlers, unless told otherwise. */
  readonly visibilityTimeoutMs: number
  /** How often to see whether the shards are spread over the processes, in ms. */
  readonly heartbeatIntervalMs: number
  readonly tell: (error: unknown) => void
}

interface Running {
  readonly id: string
  readonly slots: SlotPool
  readonly workers: Worker[]
  end(): void
}

export class ShardedWork<T> {
  readonly #options: ShardedWorkOptions<T>
  #running: Running | undefined
  /** Where the next single message is looked for first. */
  #next = 0

  constructor(options: ShardedWorkOptions<T>) {
    this.#options = options
  }

  get isProcessing(): boolean {
    return this.#running !== undefined
  }

  /** What its workers are called; undefined while there are none. */
  get workerId(): string | undefined {
    return this.#running?.id
  }

  start(handler: Handler<T>, options: ProcessOptions | undefined): Worker {
    const { name, clock, contexts, ids, lingerMs } = this.#options
    const { workerId, concurrency, maxPrefetch } = resolveProcessOptions(options)
    assertHandler(name, handler)
    if (this.#running !== undefined) throw new WorkerExists(name)
    const slots = new SlotPool({ clock, concurrency, maxPrefetch, lingerMs })
    const ended = new AbortController()
    const running: Running = { id: makeWorkerId(workerId, ids), slots, workers: [], end: () => ended.abort() }
    this.#running = running
    // Shards that are opened later run their handlers in the context of this call, too.
    const context = contexts.capture()
    const add = ({ queue }: Shard<T>): void => {
      running.workers.push(context.run(() => queue.processIn(slots, running.id, handler, options)))
    }
    const { shards } = this.#options
    contexts.outside.run(() => {
      if (shards.known !== undefined) this.#startAll(running, add, ended.signal)
      else void this.#workOnceKnown(running, add, ended.signal)
    })
    return {
      id: running.id,
      get running() {
        return slots.running
      },
      stop: async (stop) => {
        const timeoutMs = resolveStopOptions(stop, this.#options.visibilityTimeoutMs)
        if (timeoutMs > 0) this.assertOutsideHandlers('stop()', running)
        await contexts.outside.run(() => this.#stop(running, { timeoutMs }))
      },
    }
  }

  /** A shard that takes no worker now, as it serves one message, takes none of this queue. */
  #startAll(running: Running, add: (shard: Shard<T>) => void, signal: AbortSignal): void {
    try {
      this.#workAll(running.id, add, signal)
    } catch (error) {
      void this.#stop(running, { timeoutMs: 0 }).catch(this.#options.tell)
      this.#running = undefined
      throw error
    }
  }

  #workAll(worker: string, add: (shard: Shard<T>) => void, signal: AbortSignal): void {
    const { shards } = this.#options
    const stop = shards.each(add)
    signal.addEventListener('abort', stop, { once: true })
    void shards.watch(signal)
    const { clock, heartbeatIntervalMs: intervalMs, tell } = this.#options
    void new Spread({ clock, intervalMs, shards: () => shards.open, worker, tell }).run(
      AbortSignal.any([signal, shards.signal]),
    )
  }

  /** Never rejects. What is wrong with the options, each call says; for the rest the store is asked again. */
  async #workOnceKnown(running: Running, add: (shard: Shard<T>) => void, signal: AbortSignal): Promise<void> {
    const { shards, clock, tell } = this.#options
    const either = AbortSignal.any([signal, shards.signal])
    while (!either.aborted) {
      try {
        await shards.count()
        if (!either.aborted) this.#workAll(running.id, add, signal)
        return
      } catch (error) {
        if (either.aborted) return
        tell(error)
        await Promise.allSettled(running.workers.splice(0).map((one) => one.stop({ timeoutMs: 0 })))
        if (error instanceof InvalidOption) return
        await sleep(clock, RETRY_MS, either).catch(() => {})
      }
    }
  }

  /** All of them, also where the store takes the settlements of one too late: then it rejects at the end. */
  async #stop(running: Running, options: StopOptions | undefined): Promise<void> {
    const timeoutMs = resolveStopOptions(options, this.#options.visibilityTimeoutMs)
    running.end()
    const stopped = await Promise.allSettled(running.workers.map((worker) => worker.stop({ timeoutMs })))
    if (this.#running === running) this.#running = undefined
    for (const one of stopped) if (one.status === 'rejected') throw one.reason
  }

  /** Handlers running now. */
  get runningCount(): number {
    return this.#running?.slots.running ?? 0
  }

  /**
   * Stops the worker, if there is one, and resolves once no handler runs: after `handlersMs` at the latest. `settled` resolves once the store has taken
   * what the handlers did; claims of which it has not run out. Never rejects.
   */
  async close(handlersMs: number): Promise<{ readonly settled: Promise<void> }> {
    const running = this.#running
    if (running === undefined) return { settled: Promise.resolve() }
    const { clock, name, tell } = this.#options
    const settled = this.#stop(running, { timeoutMs: handlersMs }).catch(tell)
    const waiting = new AbortController()
    const idle = running.slots.whenIdle(waiting.signal).catch(() => {})
    await inTime(clock, handlersMs, idle, () => new QueueClosed(name)).catch(() => {})
    waiting.abort()
    return { settled }
  }

  /** One message of any shard. */
  async one(
    handler: Handler<T>,
    options: Omit<ProcessOptions, 'concurrency' | 'maxPrefetch'> | undefined,
  ): Promise<boolean> {
    if (this.#running !== undefined) throw new WorkerExists(this.#options.name)
    const shards = await this.#options.shards.all()
    const first = this.#next++
    for (const [i] of shards.entries()) {
      const shard = shards[(first + i) % shards.length]
      if (await shard?.queue.processNext(handler, options)) return true
    }
    return false
  }

  /** Throws `CalledInHandler` in a handler of these workers, or in something that a handler has started, while any handler runs. */
  assertOutsideHandlers(call: string, running: Running | undefined = this.#running): void {
    const { contexts, name } = this.#options
    if (running !== undefined && running.slots.running > 0 && contexts.isWithin(running.slots))
      throw new CalledInHandler(name, call)
  }

  async drain(options: DrainOptions = {}): Promise<DrainResult> {
    this.assertOutsideHandlers('drain()')
    const { shards } = this.#options
    assertSignal('drain', options.signal)
    if ((await shards.toRead()).length === 1 && !shards.isRecorded) return shards.first.queue.drain(options)
    assertKnownKeys('drain', options, ['maxMessages', 'deadlineMs', 'includeDelayed', 'signal'])
    const bounds = { min: 1, integer: true }
    const maxMessages = numberOption('drain', 'maxMessages', options.maxMessages, Number.POSITIVE_INFINITY, bounds)
    const slots = this.#running?.slots
    const enough = new AbortController()
    const before = slots?.finishedCount ?? 0
    const handled = (): number => (slots?.finishedCount ?? 0) - before
    if (slots !== undefined && maxMessages < Number.POSITIVE_INFINITY) {
      slots.limit(maxMessages)
      void slots.whenFinished(before + maxMessages, enough.signal).then(() => enough.abort())
    }
    try {
      return { drained: await this.#drainAll(options, enough.signal), handled: handled() }
    } catch (error) {
      if (!enough.signal.aborted || options.signal?.aborted) throw error
      return { drained: false, handled: handled() }
    } finally {
      enough.abort()
      if (maxMessages < Number.POSITIVE_INFINITY) slots?.limit(Number.POSITIVE_INFINITY)
    }
  }

  /** Until all shards are empty at the same time; false if the deadline came first. */
  async #drainAll({ deadlineMs, includeDelayed = true, signal }: DrainOptions, enough: AbortSignal): Promise<boolean> {
    const { clock, shards } = this.#options
    const startedAt = clock.monotonic()
    const either = signal === undefined ? enough : AbortSignal.any([signal, enough])
    while (true) {
      const left =
        deadlineMs === undefined ? {} : { deadlineMs: Math.max(0, deadlineMs - (clock.monotonic() - startedAt)) }
      const all = await shards.all()
      const results = await Promise.all(
        all.map(({ queue }) => queue.drain({ ...left, includeDelayed, signal: either })),
      )
      if (results.some(({ drained }) => !drained)) return false
      // What was emptied first may have got something since, from the handlers of another.
      const stats = await Promise.all(all.map(({ queue }) => queue.getStats()))
      if (stats.every(({ waiting, active, delayed }) => waiting + active + (includeDelayed ? delayed : 0) === 0))
        return true
    }
  }
}
