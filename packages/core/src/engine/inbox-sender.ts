/**
 * The way into a queue for a process that is not its writer: commands as create-only objects, durable at that PUT.
 *
 * Owns the commands that are not durable yet. While one PUT is under way the next ones gather, as in a commit, and messages wait for
 * company as long as they would for a commit (`lingerMs`). What else is sent does not: a settlement that waits may come after its claim
 * has run out, and an operator wants an answer. An unknown outcome is repeated with the same key and the same bytes: however often it
 * lands, the writer takes it once, by the sender's numbers.
 */
import { waitBeforeRetry } from '@s3queue/primitives'
import { create } from '@s3queue/storage'
import type { ResolvedQueueOptions } from '../options.ts'
import type { Submission } from './context.ts'
import { encodeInbox, inboxPrefix } from './inbox-codec.ts'
import { admitInTime, isLate } from './naming-limit.ts'
import { Pace } from './pace.ts'

const MAX_CHARS = 8 << 20

export interface InboxSenderOptions {
  readonly options: ResolvedQueueOptions
  readonly sender: string
  /** An object of this many bytes is durable. */
  readonly onSent: (key: string, bytes: number) => void
  readonly onTrouble: (error: unknown) => void
}

export class InboxSender {
  readonly #context: InboxSenderOptions
  #waiting: Submission[] = []
  #sending: Promise<void> | undefined
  readonly #abort = new AbortController()
  readonly #pace: Pace
  /** Characters of payloads that wait. */
  #chars = 0
  /** Whether what waits is to be sent at once. */
  #isUrgent = false
  #endLinger = (): void => {}

  constructor(context: InboxSenderOptions) {
    this.#context = context
    const { clock, lingerMs } = context.options
    this.#pace = new Pace(clock, lingerMs)
  }

  /** Takes a command; it is resolved once it is durable. */
  send(submission: Submission): void {
    if (this.#abort.signal.aborted) {
      submission.reject(this.#abort.signal.reason)
      return
    }
    this.#waiting.push(submission)
    for (const payload of submission.payloads) this.#chars += payload.length
    if (mayLinger(submission)) this.#pace.note(submission.commands.length + submission.payloads.length)
    else this.#hurry()
    if (this.#chars > MAX_CHARS) this.#hurry()
    this.#sending ??= this.#run().finally(() => {
      this.#sending = undefined
    })
  }

  /** From now on nothing waits for company. */
  hurry(): void {
    this.#pace.end()
    this.#hurry()
  }

  /** Resolves once everything taken so far is durable or rejected. */
  async idle(): Promise<void> {
    this.#hurry()
    await this.#sending
  }

  /** Rejects what is not durable yet with `reason`. */
  stop(reason: unknown): void {
    this.#abort.abort(reason)
    this.#hurry()
  }

  async #run(): Promise<void> {
    const { clock } = this.#context.options
    await new Promise<void>((resolve) => clock.setTimer(0, resolve))
    while (this.#waiting.length > 0) {
      await this.#linger()
      const batch = this.#take().filter(admitInTime)
      if (batch.length === 0) continue
      try {
        if (await this.#put(batch)) {
          for (const submission of batch) if (admitInTime(submission)) submission.resolve(undefined)
        } else {
          // What is late must not take others with it. Should that object land after all, they are taken once, by their numbers.
          this.#putBack(batch)
        }
      } catch (error) {
        for (const submission of batch) submission.reject(error)
      }
    }
  }

  /** Until it pays no more to wait for company. */
  async #linger(): Promise<void> {
    const waitMs = this.#isUrgent ? 0 : this.#pace.lingerMs()
    if (waitMs === 0) return
    await new Promise<void>((resolve) => {
      const cancel = this.#context.options.clock.setTimer(waitMs, resolve)
      this.#endLinger = () => {
        cancel()
        resolve()
      }
    })
  }

  #hurry(): void {
    this.#isUrgent = true
    this.#endLinger()
  }

  /** What goes together; the rest, if it is too much, follows at once. */
  #take(): Submission[] {
    let chars = 0
    let count = 0
    for (const { payloads } of this.#waiting) {
      if (count > 0 && chars > MAX_CHARS) break
      for (const payload of payloads) chars += payload.length
      count++
    }
    this.#chars -= chars
    this.#isUrgent = count < this.#waiting.length
    this.#pace.committed()
    return this.#waiting.splice(0, count)
  }

  #putBack(batch: readonly Submission[]): void {
    this.#waiting.unshift(...batch)
    for (const { payloads } of batch) for (const payload of payloads) this.#chars += payload.length
    this.#hurry()
  }

  /** Resolves to whether it is stored. If not, some of it has become late in the meantime. */
  async #put(batch: readonly Submission[]): Promise<boolean> {
    const { options, sender, onSent, onTrouble } = this.#context
    const commands = batch.flatMap((submission) => submission.commands)
    const key = `${inboxPrefix(options.prefix)}${options.ids.ulid()}-${sender}`
    const body = encodeInbox(
      key,
      sender,
      commands,
      batch.flatMap(({ payloads }) => payloads),
    )
    const { signal } = this.#abort
    for (let attempt = 1; ; attempt++) {
      if (batch.some(isLate)) return false
      const put = await options.store.put(key, body, { condition: create, signal })
      if (put.outcome !== 'unknown') {
        onSent(key, body.length)
        return true
      }
      await waitBeforeRetry({ ...options, onTrouble }, attempt, put.error, signal)
    }
  }
}

function mayLinger({ commands }: Submission): boolean {
  return commands.every(({ type }) => type === 'enqueue')
}
