/** The queue as its users see it. Wiring only: everything that happens, happens in the engine and the worker. */
import { numberOption, withStoreTime } from '@s3queue/storage'
import { Engine } from './engine/engine.ts'
import { QueueClosed, WorkerExists } from './errors.ts'
import { EventHub, type QueueEventName, type QueueListener } from './events.ts'
import type { Handler } from './handle.ts'
import { type ProcessOptions, type QueueOptions, resolveProcessOptions, resolveQueueOptions } from './options.ts'
import { encodePayloads } from './payload.ts'
import { messageId, type QueueStats } from './state/model.ts'
import { WorkerRuntime } from './worker/worker.ts'

/** A message that is in the queue. */
export interface Enqueued {
  readonly id: string
}

export interface StopOptions {
  /** How long to wait for running handlers, in ms. Default: the queue's `visibilityTimeoutMs`. */
  readonly timeoutMs?: number | undefined
}

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

export interface Queue<T> {
  readonly name: string
  /** Enqueues one message. It is durable when this resolves. */
  enqueue(payload: T): Promise<Enqueued>
  /** Enqueues many in one commit: all of them or none. */
  enqueueMany(payloads: readonly T[]): Promise<Enqueued[]>
  /** Starts the worker of this queue object; one at a time. */
  process(handler: Handler<T>, options?: ProcessOptions): Worker
  /** How many messages are in which condition: exact, from any process. */
  getStats(): Promise<QueueStats>
  /** Resolves when nothing is waiting, delayed or active any more, in this process or any other. */
  drain(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** Calls `listener` for each event of that name; the function that is returned ends it. */
  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void
  /** Stops the worker, makes everything durable, and lets others take over at once. A second call waits for the first. */
  close(): Promise<void>
}

/**
 * The queue `options.name` in `options.store`. Makes no request until it is used. Any number of processes may use the same queue.
 *
 * Throws `InvalidOption` for options that are unknown or impossible.
 */
export function createQueue<T = unknown>(options: QueueOptions): Queue<T> {
  const given = resolveQueueOptions(options)
  const timed = withStoreTime(given.store, given.clock)
  const resolved = { ...given, store: timed }
  const events = new EventHub((error) =>
    given.logger.error(`a listener of queue "${given.name}" threw: ${String(error)}`),
  )
  const engine = new Engine({ options: resolved, events, wallNow: () => timed.now() })
  let worker: WorkerRuntime<T> | undefined
  let closing: Promise<void> | undefined

  const enqueueMany = async (payloads: readonly T[]): Promise<Enqueued[]> => {
    const texts = encodePayloads(payloads, resolved.maxPayloadBytes)
    const count = texts.length
    if (count === 0) return []
    const { sender } = engine
    const seq = engine.number(count)
    const { maxAttempts } = resolved
    await engine.submit({ type: 'enqueue', sender, seq, count, maxAttempts, priority: 0, visibleAt: 0 }, texts)
    return texts.map((_, i) => ({ id: messageId({ sender, seq: seq + i }) }))
  }

  const stop = async (stopped: WorkerRuntime<T>, timeoutMs: number): Promise<void> => {
    await stopped.stop(timeoutMs)
    if (worker !== stopped) return
    worker = undefined
    await engine.detach()
  }

  return {
    name: resolved.name,
    enqueueMany,
    async enqueue(payload) {
      const [enqueued] = await enqueueMany([payload])
      return enqueued as Enqueued
    },
    process(handler, processOptions) {
      const resolvedProcess = resolveProcessOptions(processOptions)
      if (typeof handler !== 'function')
        throw new TypeError(
          `process() of queue "${resolved.name}" takes a function as its handler, not ${typeof handler}.`,
        )
      if (closing !== undefined) throw new QueueClosed(resolved.name)
      if (worker !== undefined) {
        throw new WorkerExists(
          `Queue "${resolved.name}" has a worker in this process. Raise its concurrency, or stop it before starting another.`,
        )
      }
      const started = new WorkerRuntime<T>({ engine, events, queue: resolved, process: resolvedProcess }, handler)
      worker = started
      engine.attach(started)
      return {
        id: started.id,
        get running() {
          return started.running
        },
        stop: (stopOptions = {}) =>
          stop(
            started,
            numberOption('stop', 'timeoutMs', stopOptions.timeoutMs, resolved.visibilityTimeoutMs, {
              max: 12 * 3_600_000,
            }),
          ),
      }
    },
    getStats: () => engine.stats(),
    drain: ({ signal } = {}) => engine.drain(signal),
    on: (name, listener) => events.on(name, listener),
    close() {
      closing ??= (async () => {
        if (worker !== undefined) await stop(worker, resolved.visibilityTimeoutMs)
        await engine.close()
      })()
      return closing
    },
  }
}
