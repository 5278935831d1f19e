/**
 * Tells the user of completed messages with their records, after they are recorded: the queue itself knows only their ids.
 *
 * Where another process writes the queue, that one says how an attempt ended; and it says so to nobody who has left, and forgets it when it ends
 * itself. So whoever leaves asks for what it has not been told, and so does who waits for too long.
 */
import type { MessageInfo } from '@s3queue/core'
import type { S3dbRecord } from '@s3queue/s3db'
import { type CapturedContext, type Clock, sleep, systemContexts } from '@s3queue/storage'
import { asError } from './as-error.ts'
import type { HandledAttempt } from './handler-context.ts'

/** A completion that is in the queue's log. */
export interface Completion {
  readonly queueId: string
  readonly attempts: number
  readonly fencingToken: number
  readonly durationMs: number
  readonly result: unknown
}

export type OnComplete = (record: S3dbRecord, result: unknown) => unknown

export interface CompletionsOptions {
  /** Asked for each completion, as it can be replaced. */
  readonly onComplete: () => OnComplete | undefined
  /** Tells those who listen. */
  readonly announce: (completion: Completion) => void
  readonly tell: (error: unknown) => void
  /** A message as the queue has it, with all that this process has said of it. */
  readonly look: (queueId: string) => Promise<MessageInfo | undefined>
  readonly clock: Clock
}

interface Untold {
  readonly attempt: HandledAttempt
  readonly since: number
  /** The handler's: `onComplete` runs in it. */
  readonly context: CapturedContext
}

/** A claim that was lost is never completed: the oldest are let go. */
const MOST = 10_000
/** Whoever leaves waits so long for what became of its attempts, in ms, and asks so often. */
const PATIENCE_MS = 5000
const ASK_AGAIN_MS = 100

export class Completions {
  readonly #options: CompletionsOptions
  /** Attempts that succeeded, of which nobody has said that they are recorded, by token. */
  readonly #untold = new Map<number, Untold>()
  /** Tokens of those that were found out: told already, whoever says so later. */
  readonly #foundOut = new Set<number>()
  readonly #calls = new Set<Promise<void>>()

  constructor(options: CompletionsOptions) {
    this.#options = options
  }

  succeeded(attempt: HandledAttempt): void {
    this.#untold.set(attempt.fencingToken, {
      attempt,
      since: this.#options.clock.monotonic(),
      context: systemContexts.capture(),
    })
    forgetOldest(this.#untold)
  }

  recorded(completion: Completion): void {
    const { announce } = this.#options
    const { fencingToken, result } = completion
    if (this.#foundOut.delete(fencingToken)) return
    const untold = this.#untold.get(fencingToken)
    this.#untold.delete(fencingToken)
    announce(completion)
    const onComplete = this.#options.onComplete()
    if (untold === undefined || onComplete === undefined) return
    const call = untold.context.run(() => this.#call(onComplete, untold.attempt.record, result))
    this.#calls.add(call)
    void call.finally(() => this.#calls.delete(call))
  }

  /** Resolves when everybody has been told of what is known. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls)
  }

  /** The same for all there is: asks for what nobody has said. Never rejects, and waits for some seconds at most. */
  async settle(): Promise<void> {
    if (this.#untold.size > 0) {
      const { clock, tell } = this.#options
      const limit = new AbortController()
      const late = sleep(clock, PATIENCE_MS, limit.signal).catch(() => {})
      const all = Promise.all(
        [...this.#untold].map(([token, { attempt }]) => this.#findOut(token, attempt, limit.signal)),
      )
      await Promise.race([all, late])
      limit.abort()
      if (this.#untold.size > 0)
        tell(new Error(`What became of ${this.#untold.size} handled messages is not known yet.`))
    }
    await this.idle()
  }

  /** Asks for what nobody has said for so long, in ms. Never rejects. */
  async catchUp(afterMs: number): Promise<void> {
    const before = this.#options.clock.monotonic() - afterMs
    const overdue = [...this.#untold].filter(([, { since }]) => since < before)
    await Promise.all(overdue.map(([token, { attempt }]) => this.#findOut(token, attempt, AbortSignal.abort())))
  }

  /** Once, and again until the signal is aborted while it is on its way. */
  async #findOut(token: number, attempt: HandledAttempt, signal: AbortSignal): Promise<void> {
    const { look, tell, clock } = this.#options
    try {
      for (;;) {
        const info = await look(attempt.queueId)
        if (!this.#untold.has(token)) return
        if (info?.status !== 'active' || info.fencingToken !== token) return this.#found(token, attempt, info)
        if (signal.aborted) return
        await sleep(clock, ASK_AGAIN_MS, signal)
      }
    } catch (error) {
      if (!signal.aborted) tell(error)
    }
  }

  /** Not completed, or by a later attempt: this one came too late, and whoever made that one tells of it. */
  #found(fencingToken: number, { queueId, attempt, claimedAt }: HandledAttempt, info: MessageInfo | undefined): void {
    if (info?.status !== 'completed' || info.attempts !== attempt) {
      this.#untold.delete(fencingToken)
      return
    }
    const { result, completedAt = 0 } = info
    const durationMs = Math.max(0, completedAt - Date.parse(claimedAt))
    this.recorded({ queueId, attempts: attempt, fencingToken, durationMs, result })
    this.#foundOut.add(fencingToken)
    forgetOldest(this.#foundOut)
  }

  async #call(onComplete: OnComplete, record: S3dbRecord, result: unknown): Promise<void> {
    try {
      await onComplete(record, result)
    } catch (thrown) {
      this.#options.tell(new Error(`onComplete threw: ${asError(thrown).message}`, { cause: thrown }))
    }
  }
}

function forgetOldest(known: Map<number, unknown> | Set<number>): void {
  const [oldest] = known.keys()
  if (known.size > MOST && oldest !== undefined) known.delete(oldest)
}
