/**
 * The way into a queue for a process that is not its writer: commands as create-only objects, durable at that PUT.
 *
 * Owns the commands that are not durable yet. While one PUT is under way the next ones gather, as in a commit. An unknown outcome is
 * repeated with the same key and the same bytes: however often it lands, the writer takes it once, by the sender's numbers.
 */
import { waitBeforeRetry } from '@s3queue/primitives'
import { create } from '@s3queue/storage'
import type { ResolvedQueueOptions } from '../options.ts'
import type { Submission } from './context.ts'
import { encodeInbox, inboxPrefix } from './inbox-codec.ts'
import { isInTime } from './naming-limit.ts'

const MAX_CHARS = 8 << 20

export interface InboxSenderOptions {
  readonly options: ResolvedQueueOptions
  readonly sender: string
  readonly onTrouble: (error: unknown) => void
}

export class InboxSender {
  readonly #context: InboxSenderOptions
  #waiting: Submission[] = []
  #sending: Promise<void> | undefined
  readonly #abort = new AbortController()

  constructor(context: InboxSenderOptions) {
    this.#context = context
  }

  /** Takes a command; it is resolved once it is durable. */
  send(submission: Submission): void {
    if (this.#abort.signal.aborted) {
      submission.reject(this.#abort.signal.reason)
      return
    }
    this.#waiting.push(submission)
    this.#sending ??= this.#run().finally(() => {
      this.#sending = undefined
    })
  }

  /** Resolves once everything taken so far is durable or rejected. */
  async idle(): Promise<void> {
    await this.#sending
  }

  /** Rejects what is not durable yet with `reason`. */
  stop(reason: unknown): void {
    this.#abort.abort(reason)
  }

  async #run(): Promise<void> {
    const { clock } = this.#context.options
    await new Promise<void>((resolve) => clock.setTimer(0, resolve))
    while (this.#waiting.length > 0) {
      // One that comes too late must not take others with it.
      const batch = this.#take().filter(isInTime)
      if (batch.length === 0) continue
      try {
        await this.#put(batch)
        for (const submission of batch) submission.resolve(undefined)
      } catch (error) {
        for (const submission of batch) submission.reject(error)
      }
    }
  }

  #take(): Submission[] {
    let chars = 0
    let count = 0
    for (const { payloads } of this.#waiting) {
      if (count > 0 && chars > MAX_CHARS) break
      for (const payload of payloads) chars += payload.length
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #put(batch: readonly Submission[]): Promise<void> {
    const { options, sender, onTrouble } = this.#context
    const commands = batch.flatMap((submission) => submission.commands)
    const body = encodeInbox(
      sender,
      commands,
      batch.flatMap(({ payloads }) => payloads),
    )
    const key = `${inboxPrefix(options.prefix)}${options.ids.ulid()}-${sender}`
    const { signal } = this.#abort
    for (let attempt = 1; ; attempt++) {
      for (const { limits = [] } of batch) for (const limit of limits) limit.assertOpen()
      const put = await options.store.put(key, body, { condition: create, signal })
      if (put.outcome !== 'unknown') return
      await waitBeforeRetry({ ...options, onTrouble }, attempt, put.error, signal)
    }
  }
}
