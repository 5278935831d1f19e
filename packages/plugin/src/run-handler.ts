/** One attempt: reads the record, runs the user's handler, and says how it ended. */
import { complete, type Handler, type HandlerContext, snooze } from '@s3queue/core'
import {
  classifyLibraryError,
  type MessagePayload,
  metadataOf,
  QueueError,
  type Records,
  type S3dbRecord,
} from '@s3queue/s3db'
import { S3dbError } from 's3db.js'
import { asError } from './as-error.ts'
import { HandledAttempt, type OnMessage, type RenewalListener } from './handler-context.ts'
import type { ResolvedS3QueueOptions } from './options.ts'

/** A record that could not be read for an outage is tried again so much later, in ms, and the attempt does not count. */
const UNREADABLE_MS = 1000

export interface HandlerRunOptions {
  readonly records: Records
  readonly settings: Pick<ResolvedS3QueueOptions, 'visibilityTimeoutMs' | 'autoAcknowledge'>
  readonly renewals: RenewalListener
  readonly now: () => number
  /** The handler is done with it; not recorded yet. */
  readonly succeeded: (attempt: HandledAttempt) => void
  /** An attempt failed. */
  readonly failed: (error: Error, record: S3dbRecord) => Promise<void>
  /** The record could not be read. */
  readonly tell: (error: unknown) => void
}

/** The attempts under way in this process. */
export class HandlerRuns {
  readonly #options: HandlerRunOptions
  readonly #running = new Map<string, HandledAttempt>()
  readonly #idle: (() => void)[] = []

  constructor(options: HandlerRunOptions) {
    this.#options = options
  }

  /** The attempt at this message, if it is here. */
  find(queueId: string): HandledAttempt | undefined {
    return this.#running.get(queueId)
  }

  get attempts(): readonly HandledAttempt[] {
    return [...this.#running.values()]
  }

  /** Resolves when no handler runs. */
  whenIdle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  handler(onMessage: OnMessage<never>): Handler<MessagePayload> {
    return async ({ id, payload }, claimed) => {
      const read = await this.#options.records.read(id)
      if (read.outcome === 'unavailable') {
        this.#options.tell(read.error)
        return snooze(UNREADABLE_MS)
      }
      if (read.outcome === 'missing') return this.#fail(recordMissing(id), { id })
      if (read.outcome === 'unreadable') return this.#fail(recordUnreadable(id, read.error), { id })
      const metadata = { ...metadataOf(read.record), ...payload?.metadata }
      return this.#run(onMessage, this.#attempt(claimed, read.record, metadata))
    }
  }

  #attempt(claimed: HandlerContext, record: S3dbRecord, metadata: Record<string, unknown>): HandledAttempt {
    const { settings, now, renewals } = this.#options
    return new HandledAttempt({
      claimed,
      record,
      metadata,
      now,
      renewals,
      visibilityTimeoutMs: settings.visibilityTimeoutMs,
    })
  }

  async #run(onMessage: OnMessage<never>, attempt: HandledAttempt): Promise<unknown> {
    this.#running.set(attempt.queueId, attempt)
    try {
      await attempt.beginInFull()
      const returned = await onMessage(attempt.record as never, attempt)
      const { decision } = attempt
      if (decision?.kind === 'nack') throw decision.error ?? new Error('the handler called nack()')
      if (decision === undefined && !this.#options.settings.autoAcknowledge) throw notAcknowledged(attempt.queueId)
      this.#options.succeeded(attempt)
      if (decision?.kind === 'ack') return complete(decision.result)
      return returned
    } catch (error) {
      return await this.#fail(error, attempt.record)
    } finally {
      if (this.#running.get(attempt.queueId) === attempt) this.#running.delete(attempt.queueId)
      if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  /** Tells the user, and throws what the queue should take for the failure. */
  async #fail(thrown: unknown, record: S3dbRecord): Promise<never> {
    const error = asError(thrown)
    await this.#options.failed(error, record)
    throw asFailure(error)
  }
}

/** An outage that the library met within a handler is no reason to give up, though it calls most of its errors not retriable. */
function asFailure(error: Error): Error {
  // What the handler itself says counts; the library wraps what it met.
  const isOfLibrary = error instanceof S3dbError && error.original !== undefined
  if (!isOfLibrary || error.retriable || classifyLibraryError(error) !== 'unavailable') return error
  const failure = new Error(error.message, { cause: error })
  failure.name = error.name
  return failure
}

function recordMissing(id: string): QueueError {
  return new QueueError(`The record ${JSON.stringify(id)} of this message is not there any more.`, {
    ...{ statusCode: 404, operation: 'handle', metadata: { originalId: id } },
    suggestion:
      'It was deleted while its message waited. Delete the entry of the queue resource too, or insert the record again and redrive.',
  })
}

/** Somebody may mend it, so it is tried as often as any other. */
function recordUnreadable(id: string, cause: unknown): QueueError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new QueueError(`The record ${JSON.stringify(id)} of this message cannot be read: ${why}`, {
    ...{ statusCode: 422, retriable: true, operation: 'handle', metadata: { originalId: id }, cause },
    suggestion: 'Mend the record, or the hook of its resource that throws; then redrive the message.',
  })
}

function notAcknowledged(queueId: string): QueueError {
  return new QueueError(`Message ${queueId} was not acknowledged: the handler returned without ack() or nack().`, {
    ...{ statusCode: 400, retriable: true, operation: 'handle', metadata: { queueId } },
    suggestion: 'Call context.ack() before the handler returns, or leave autoAcknowledge on.',
  })
}
