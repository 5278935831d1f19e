/**
 * A queue that is opened when it is first needed, and again after it was closed: a plugin that was stopped still enqueues, and a closed queue
 * leaves nothing running. Ended for good with its database.
 */
import type { CloseOptions } from '@s3queue/core'
import { QueueError } from '@s3queue/s3db'
import { systemContexts } from '@s3queue/storage'
import type { PluginQueue } from './open-queue.ts'

export class QueueSession {
  readonly #open: () => PluginQueue
  #queue: PluginQueue | undefined
  #closing: Promise<void> = Promise.resolve()
  #ended = false

  constructor(open: () => PluginQueue) {
    this.#open = open
  }

  /** Throws a `QueueError` 409 after `end`. */
  get queue(): PluginQueue {
    if (this.#ended) {
      throw new QueueError('The queue is closed: its database is disconnected, or the plugin is uninstalled.', {
        ...{ statusCode: 409, operation: 'queue' },
        suggestion: 'Connect the database and install a new plugin.',
      })
    }
    // The queue outlives the call that needs it first, and must not keep the async context of that call.
    this.#queue ??= systemContexts.outside.run(this.#open)
    return this.#queue
  }

  /** The queue, if it is open. */
  get opened(): PluginQueue | undefined {
    return this.#queue
  }

  /** Makes everything durable and lets others take over immediately; within `timeoutMs`, if that is given. */
  close(options?: CloseOptions): Promise<void> {
    const queue = this.#queue
    this.#queue = undefined
    // A handler may disconnect the database: outside of its context the queue waits for it as long as for any other.
    const close = async (): Promise<void> => queue?.close(options)
    this.#closing = Promise.all([this.#closing, systemContexts.outside.run(close)]).then(() => {})
    return this.#closing
  }

  end(options?: CloseOptions): Promise<void> {
    this.#ended = true
    return this.close(options)
  }
}
