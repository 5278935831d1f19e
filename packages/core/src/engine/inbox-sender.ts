/**
 * The way into a queue for a process that is not its writer: commands as create-only objects, durable at that PUT.
 *
 * Owns the commands that are not durable yet. While one PUT is under way the next ones gather, as in a commit, and messages wait for
 * company as long as they would for a commit (`lingerMs`). What else is sent does not: a settlement that waits may come after its claim
 * has run out, and an operator wants an answer. An unknown outcome is repeated with the same key and the same bytes: however often it
 * lands, the writer takes it once, by the sender's numbers.
 */
import { type LogMark, waitBeforeRetry } from '@s3queue/primitives'
import { type Clock, create, type PutResult, StoreError } from '@s3queue/storage'
import type { ResolvedQueueOptions } from '../options.ts'
import { refuse, type Submission } from './context.ts'
import { encodeInbox, inboxPrefix } from './inbox-codec.ts'
import { admitInTime, isLate } from './naming-limit.ts'
import { Pace } from './pace.ts'

const MAX_CHARS = 8 << 20
/** Wait before sending again what the store refused, if nothing else is to be sent, in ms. */
const REFUSED_MS = 5000

export interface InboxSenderOptions {
  readonly options: ResolvedQueueOptions
  readonly sender: string
  /** The newest place of the log that this process knows. */
  readonly mark: () => LogMark | undefined
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
  #endPause = (): void => {}
  /** From now on what the store refuses is not sent again. */
  #isFinishing = false

  constructor(context: InboxSenderOptions) {
    this.#context = context
    const { clock, lingerMs } = context.options
    this.#pace = new Pace(clock, lingerMs)
  }

  /** Takes a command; it is resolved once it is durable. */
  send(submission: Submission): void {
    if (this.#abort.signal.aborted) {
      refuse(submission, this.#abort.signal.reason)
      return
    }
    this.#waiting.push(submission)
    for (const payload of submission.payloads) this.#chars += payload.length
    if (mayLinger(submission)) this.#pace.note(submission.commands.length + submission.payloads.length)
    else this.#hurry()
    if (this.#chars > MAX_CHARS) this.#hurry()
    this.#endPause()
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

  /** Rejects what waits. A request that is under way goes on. */
  drop(reason: unknown): void {
    this.#chars = 0
    for (const submission of this.#waiting.splice(0)) refuse(submission, reason)
    this.#endPause()
    this.#hurry()
  }

  /** As `idle`, and what the store refuses from now on is given up. */
  async finish(): Promise<void> {
    this.#isFinishing = true
    this.#endPause()
    await this.idle()
  }

  /** Rejects what is not durable yet with `reason`. */
  stop(reason: unknown): void {
    this.#abort.abort(reason)
    this.#endPause()
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
        await this.#refused(batch, error)
      }
    }
  }

  /** Settlements of handlers outlive a refusal: without them their claims would run out, or be given back as if no handler had started. */
  async #refused(batch: readonly Submission[], error: unknown): Promise<void> {
    const { options, onTrouble } = this.#context
    const isKept = ({ outlivesRefusals }: Submission): boolean =>
      outlivesRefusals === true && !this.#isFinishing && !this.#abort.signal.aborted
    const kept = batch.filter(isKept)
    for (const submission of batch) if (!isKept(submission)) refuse(submission, error)
    if (kept.length === 0) return
    onTrouble(error)
    const isAlone = this.#waiting.length === 0
    this.#putBack(kept)
    if (isAlone) await this.#pause(options.clock, REFUSED_MS)
  }

  /** Until something else is to be sent, for at most `ms`. */
  async #pause(clock: Clock, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(ms, resolve)
      this.#endPause = () => {
        cancel()
        resolve()
      }
    })
    this.#endPause = () => {}
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
    const body = encodeInbox(
      sender,
      commands,
      batch.flatMap(({ payloads }) => payloads),
      this.#context.mark(),
    )
    const key = `${inboxPrefix(options.prefix)}${options.ids.ulid()}-${sender}`
    const { signal } = this.#abort
    for (let attempt = 1; ; attempt++) {
      if (batch.some(isLate)) return false
      const put = await this.#attempt(batch, key, body)
      if (put.outcome !== 'unknown') {
        onSent(key, body.length)
        return true
      }
      await waitBeforeRetry({ ...options, onTrouble }, attempt, put.error, signal)
    }
  }

  /** One request. Anything but an answer or a refusal leaves open whether the object is stored. */
  async #attempt(batch: readonly Submission[], key: string, body: Uint8Array): Promise<PutResult> {
    const { store } = this.#context.options
    try {
      const put = await store.put(key, body, { condition: create, signal: this.#abort.signal })
      if (put.outcome === 'unknown') markAsPerhapsDurable(batch)
      return put
    } catch (error) {
      if (!(error instanceof StoreError)) markAsPerhapsDurable(batch)
      throw error
    }
  }
}

function markAsPerhapsDurable(batch: readonly Submission[]): void {
  for (const submission of batch) submission.mayBeDurable = true
}

function mayLinger({ commands }: Submission): boolean {
  return commands.every(({ type }) => type === 'enqueue')
}
