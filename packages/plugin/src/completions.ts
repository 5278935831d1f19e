/** Tells the user of completed messages with their records, after they are recorded: the queue itself knows only their ids. */
import type { S3dbRecord } from '@s3queue/s3db'
import { asError } from './as-error.ts'
import type { HandledAttempt } from './handler-context.ts'

export interface CompletionsOptions {
  readonly onComplete: ((record: S3dbRecord, result: unknown) => unknown) | undefined
  readonly tell: (error: unknown) => void
}

/** A claim that was lost is never completed: the oldest records are let go. */
const MOST = 10_000

export class Completions {
  readonly #options: CompletionsOptions
  /** Records of attempts that succeeded and are not recorded yet, by token. */
  readonly #records = new Map<number, S3dbRecord>()
  readonly #calls = new Set<Promise<void>>()

  constructor(options: CompletionsOptions) {
    this.#options = options
  }

  succeeded({ fencingToken, record }: HandledAttempt): void {
    if (this.#options.onComplete === undefined) return
    this.#records.set(fencingToken, record)
    const [oldest] = this.#records.keys()
    if (this.#records.size > MOST && oldest !== undefined) this.#records.delete(oldest)
  }

  recorded(fencingToken: number, result: unknown): void {
    const { onComplete } = this.#options
    const record = this.#records.get(fencingToken)
    if (record === undefined || onComplete === undefined) return
    this.#records.delete(fencingToken)
    const call = this.#call(onComplete, record, result)
    this.#calls.add(call)
    void call.finally(() => this.#calls.delete(call))
  }

  /** Resolves when everybody who was to be told has been. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls)
  }

  async #call(
    onComplete: (record: S3dbRecord, result: unknown) => unknown,
    record: S3dbRecord,
    result: unknown,
  ): Promise<void> {
    try {
      await onComplete(record, result)
    } catch (thrown) {
      this.#options.tell(new Error(`onComplete threw: ${asError(thrown).message}`, { cause: thrown }))
    }
  }
}
