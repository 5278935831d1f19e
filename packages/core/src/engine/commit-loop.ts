/**
 * Group commit: what is decided while one commit is under way goes into the next, all together.
 *
 * Owns the state, which runs ahead of the log, and the batches that are not in the log yet. It prevents that anybody is
 * told of what is not durable: an effect (an acknowledgement, a hand-over) runs only after the commit it belongs to is known to be in
 * the log. When the writer is fenced or fails, all effects that did not run are `lost`, in order, and the loop is over.
 */
import type { LogPosition, LogWriter } from '@s3queue/primitives'
import type { Clock } from '@s3queue/storage'
import { applyContinued, applyEvent, beginCommit, partsOf } from '../state/apply.ts'
import { encodeBatch, type Payload } from '../state/batch-codec.ts'
import type { QueueEvent } from '../state/events.ts'
import type { QueueState } from '../state/model.ts'
import type { LogTime } from './log-time.ts'
import { Pace } from './pace.ts'

/** What happens when a batch's commit is in the log, or never will be by this writer. */
export interface Effect {
  durable(): void
  /** `mayBeInLog`: the commit was on its way, and whether it arrived is not known. */
  lost(reason: Error, mayBeInLog: boolean): void
}

interface OpenBatch {
  readonly slot: number
  readonly events: QueueEvent[]
  readonly payloads: Payload[]
  readonly effects: Effect[]
  payloadChars: number
}

export interface CommitLoopOptions {
  readonly clock: Clock
  readonly writer: LogWriter
  readonly state: QueueState
  readonly lingerMs: number
  readonly time: LogTime
  /** Called right before each commit is closed: the last chance to put more into it. */
  readonly beforeCommit: () => void
  /** Called when a batch of `bytes` is closed, with the state exactly as of its end. What it returns is called once the commit is durable. */
  readonly onSealed: (bytes: number) => ((position: LogPosition) => void) | undefined
  /** Called when a commit is in the log, before its effects, with its payloads and when it was sent, monotonic. */
  readonly onDurable: (slot: number, payloads: readonly Payload[], sentAt: number) => void
  readonly onFailure: (error: Error) => void
  /** A decided event, or a part of it, does not fit the state: a defect of the decision. What does not fit was left out. */
  readonly onSkipped: (slot: number, type: QueueEvent['type'], reason: string) => void
}

type Enqueued = Extract<QueueEvent, { type: 'enqueued' }>

function continues(last: Enqueued, next: Enqueued): boolean {
  return (
    last.sender === next.sender &&
    last.seq + last.count === next.seq &&
    last.maxAttempts === next.maxAttempts &&
    last.priority === next.priority &&
    last.visibleAt === next.visibleAt &&
    last.extras === undefined &&
    next.extras === undefined
  )
}

/** A batch is closed when its payloads reach this many characters: larger ones would delay everything behind them. */
const MAX_BATCH_CHARS = 8 << 20

export class CommitLoop {
  readonly state: QueueState
  readonly #options: CommitLoopOptions
  readonly #pace: Pace
  readonly #batches: OpenBatch[] = []
  #lastSlot: number
  #appending = false
  #wanted = false
  #cancelTimer: (() => void) | undefined
  #timerAt = 0
  #failure: Error | undefined
  readonly #abort = new AbortController()

  constructor(options: CommitLoopOptions) {
    this.#options = options
    this.state = options.state
    this.#lastSlot = options.writer.position.slot
    this.#pace = new Pace(options.clock, options.lingerMs)
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Whether all that is in the state is in the log. */
  get isIdle(): boolean {
    return this.#batches.length === 0
  }

  /**
   * Applies decided events and puts them into the next commit, together with an effect. Events may be empty: the effect then waits for what came before.
   *
   * Never reads the clock: between a decision and its events nothing becomes due and nothing expires. So call `tick` before a decision, not after it.
   */
  record(events: readonly QueueEvent[], effect?: Effect, payloads: readonly Payload[] = []): void {
    if (this.#failure !== undefined) {
      effect?.lost(this.#failure, false)
      return
    }
    if (events.length === 0) {
      const last = this.#batches.at(-1)
      if (last === undefined) {
        // Nothing is under way, so everything decided so far is durable.
        effect?.durable()
        return
      }
      if (effect !== undefined) last.effects.push(effect)
      this.#schedule()
      return
    }
    const batch = this.#open()
    for (const event of events) this.#add(batch, event)
    for (const payload of payloads) {
      batch.payloads.push(payload)
      batch.payloadChars += payload.length
    }
    if (effect !== undefined) batch.effects.push(effect)
    this.#pace.note(events.length + payloads.length)
    this.#schedule()
  }

  /**
   * Brings the state's clock up to now, so that what is decided next happens then. This is the only reading of the clock that reaches the log. Returns whether
   * the clock moved.
   */
  tick(): boolean {
    const at = Math.floor(this.#options.time.now())
    if (at <= this.state.now) return false
    this.#add(this.#open(), { type: 'time', at })
    return true
  }

  /** As `tick`, but only where a commit begins: for events that do not depend on the time, of which many share a commit. */
  tickForNewCommit(): void {
    if (this.#isClosed(this.#batches.at(-1))) this.tick()
  }

  /** Sees to it that `beforeCommit` runs soon, and a commit if it has anything to add. */
  wake(): void {
    this.#wanted = true
    this.#schedule()
  }

  /** From now on no commit waits for company. */
  hurry(): void {
    this.#pace.end()
    if (this.#cancelTimer !== undefined) this.#schedule()
  }

  /** Resolves once everything recorded so far is in the log; rejects if it will not be. */
  whenDurable(): Promise<void> {
    return new Promise((resolve, reject) => this.record([], { durable: () => resolve(), lost: reject }))
  }

  /**
   * Resolves once everything recorded so far is in the log and at some moment since the call nobody else was the writer: so the state was
   * the queue's at that moment. Rejects if that is not so. Costs a request where nothing is being committed.
   */
  async whenCurrent(): Promise<void> {
    await this.whenDurable()
    // What is under way now was sent after the call.
    if (!this.isIdle) return this.whenDurable()
    try {
      await this.#options.writer.confirm(this.#abort.signal)
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Ends the loop. Whatever is not durable is lost with `reason`. */
  fail(reason: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = reason
    this.#cancelTimer?.()
    const isUncertain = this.#appending && this.#options.writer.isUncertain
    this.#abort.abort(reason)
    const lost = this.#batches.splice(0)
    for (const [i, { effects }] of lost.entries())
      for (const effect of effects) effect.lost(reason, i === 0 && isUncertain)
    this.#options.onFailure(reason)
  }

  /** Messages that go on where the last event ended become part of it: enqueued one by one, they take no more room than as a batch. */
  #add(batch: OpenBatch, event: QueueEvent): void {
    const last = batch.events.at(-1)
    if (event.type === 'enqueued' && last?.type === 'enqueued' && continues(last, event)) {
      batch.events[batch.events.length - 1] = { ...last, count: last.count + event.count }
      applyContinued(this.state, event)
    } else if (this.#apply(batch.slot, event)) batch.events.push(event)
  }

  /** Applies an event before it enters a batch. Returns whether any part of it fits the state: what fits nowhere must not be written. */
  #apply(slot: number, event: QueueEvent): boolean {
    let unfit = 0
    try {
      applyEvent(this.state, event, (reason) => {
        unfit++
        this.#options.onSkipped(slot, event.type, reason)
      })
    } catch (error) {
      // The state may be half changed: no longer the fold of the log, so it must not become a snapshot.
      this.fail(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
    return unfit === 0 || unfit < partsOf(event)
  }

  #isClosed(batch: OpenBatch | undefined): boolean {
    return (
      batch === undefined || (this.#appending && this.#batches.length === 1) || batch.payloadChars >= MAX_BATCH_CHARS
    )
  }

  #open(): OpenBatch {
    const last = this.#batches.at(-1)
    if (last !== undefined && !this.#isClosed(last)) return last
    const batch: OpenBatch = { slot: ++this.#lastSlot, events: [], payloads: [], effects: [], payloadChars: 0 }
    this.#batches.push(batch)
    beginCommit(this.state, batch.slot)
    return batch
  }

  #schedule(): void {
    if (this.#appending || this.#failure !== undefined) return
    const { clock } = this.#options
    const wait = this.#isFull() ? 0 : this.#pace.lingerMs()
    const at = clock.monotonic() + wait
    if (this.#cancelTimer !== undefined && at >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = at
    this.#cancelTimer = clock.setTimer(wait, () => {
      this.#cancelTimer = undefined
      void this.#commit()
    })
  }

  /** What was decided for this very commit wanted one at once. Where the commit is quick, that wish would outlive it, and there would be another one. */
  #forgetOwnWish(): void {
    if (this.#timerAt > this.#options.clock.monotonic()) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  /** Whether the oldest batch takes nothing more. */
  #isFull(): boolean {
    const [first] = this.#batches
    return this.#batches.length > 1 || (first !== undefined && first.payloadChars >= MAX_BATCH_CHARS)
  }

  /** Appends the oldest batch. Never rejects: what goes wrong ends the loop. */
  async #commit(): Promise<void> {
    if (this.#appending || this.#failure !== undefined) return
    this.#wanted = false
    try {
      this.#options.beforeCommit()
      const batch = this.#batches[0]
      if (batch === undefined) return
      this.#appending = true
      this.#forgetOwnWish()
      const bytes = encodeBatch(batch.events, batch.payloads)
      const sealed = this.#batches.length === 1 ? this.#options.onSealed(bytes.length) : undefined
      this.#pace.committed()
      const startedAt = this.#options.clock.monotonic()
      const position = await this.#options.writer.append(bytes, this.#abort.signal)
      this.#appending = false
      if (this.#failure !== undefined) return
      this.#batches.shift()
      this.#options.onDurable(batch.slot, batch.payloads, startedAt)
      for (const effect of batch.effects) effect.durable()
      sealed?.(position)
      if (this.#batches.length > 0 || this.#wanted) this.#schedule()
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
      this.#appending = false
    }
  }
}
