/**
 * When to write a snapshot, and what may be deleted after it. Owns the size of the log since the base.
 *
 * A snapshot is of the state exactly as of a commit: a cut is taken while the commit is being written, made into bytes in slices once it is
 * known to be in the log, so that no commit waits for a large state, and then becomes the base. What was not live at that moment is
 * dead for ever, so it may be collected.
 */
import { Fenced, type LogPosition, LogReplaced, type LogWriter } from '@s3queue/primitives'
import { type Clock, sleep } from '@s3queue/storage'
import { holdCut, releaseCut, type StateCut } from '../state/cut.ts'
import type { QueueState } from '../state/model.ts'
import { encodeCut } from '../state/snapshot.ts'

const BYTES = 16 << 20
/**
 * How long a commit is kept after a snapshot represents it, in ms. Other processes wait for messages by reading commits every 2 s, and learn only from them how a
 * message ended that the retention forgets immediately.
 */
const KEPT_FOR_READERS_MS = 5_000
/** A large snapshot is worth a longer log. */
const TIMES_SNAPSHOT = 2

export interface CheckpointsOptions {
  readonly clock: Clock
  readonly writer: LogWriter
  readonly state: QueueState
  /** Commits between two snapshots, at most. */
  readonly afterCommits: number
  /** The term is over. */
  readonly onFenced: (error: Fenced | LogReplaced) => void
  readonly onTrouble: (error: unknown) => void
  readonly signal: AbortSignal
}

/** Commits up to a slot, and those of them that are still needed. */
interface Due {
  readonly upTo: number
  readonly live: ReadonlySet<number>
}

export class Checkpoints {
  readonly #options: CheckpointsOptions
  #commits: number
  #bytes = 0
  #snapshotBytes = 0
  #running: Promise<void> | undefined
  /** The latest snapshot whose commits are to be deleted next. */
  #due: Due | undefined
  #collecting: Promise<void> | undefined
  readonly #ending = new AbortController()

  constructor(options: CheckpointsOptions) {
    this.#options = options
    this.#commits = options.writer.position.slot - options.writer.baseSlot
  }

  /** Counts a commit that is being written; returns what to call once it is in the log, if a snapshot is due. */
  sealed(bytes: number): ((position: LogPosition) => void) | undefined {
    this.#commits++
    this.#bytes += bytes
    const { afterCommits } = this.#options
    const due = this.#commits >= afterCommits || this.#bytes >= Math.max(BYTES, TIMES_SNAPSHOT * this.#snapshotBytes)
    if (!due || this.#running !== undefined) return undefined
    const cut = this.#take()
    return (position) => this.#start(cut, position)
  }

  /** At the end of a term, with no commit and no snapshot under way: leaves a short log to the next writer, if it is worth a snapshot. */
  async finish(): Promise<void> {
    const { writer, afterCommits } = this.#options
    this.#ending.abort()
    // Without a wait before it: a commit that comes meanwhile may start a snapshot, or be ahead of the log.
    if (writer.position.slot - writer.baseSlot >= afterCommits / 8) this.#start(this.#take(), writer.position)
    await this.#running
    await this.#collecting
  }

  /** Resolves when no snapshot is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  #take(): StateCut {
    this.#commits = 0
    this.#bytes = 0
    return holdCut(this.#options.state)
  }

  #start(cut: StateCut, position: LogPosition): void {
    this.#running = this.#write(cut, position).finally(() => {
      this.#running = undefined
    })
  }

  async #write(cut: StateCut, position: LogPosition): Promise<void> {
    const { writer, onFenced, onTrouble, signal } = this.#options
    try {
      const { bytes, live } = await this.#encode(cut)
      await writer.checkpoint(position, bytes, signal)
      this.#due = { upTo: position.slot, live }
      this.#collecting ??= this.#collect().finally(() => {
        this.#collecting = undefined
      })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Fenced || error instanceof LogReplaced) onFenced(error)
      else onTrouble(error)
    }
  }

  /** Never rejects. */
  async #collect(): Promise<void> {
    const { writer, clock, onTrouble, signal } = this.#options
    const either = AbortSignal.any([signal, this.#ending.signal])
    for (let due = this.#takeDue(); due !== undefined; due = this.#takeDue()) {
      const { upTo, live } = due
      await sleep(clock, KEPT_FOR_READERS_MS, either).catch(() => {})
      if (signal.aborted) return
      try {
        await writer.collect((slot) => live.has(slot), signal, upTo)
      } catch (error) {
        if (!signal.aborted) onTrouble(error)
      }
    }
  }

  #takeDue(): Due | undefined {
    const due = this.#due
    this.#due = undefined
    return due
  }

  /** Others get their turn between two slices. */
  async #encode(cut: StateCut): Promise<{ readonly bytes: Uint8Array; readonly live: ReadonlySet<number> }> {
    const { clock, state, signal } = this.#options
    try {
      const encoding = encodeCut(cut)
      const slices: Uint8Array[] = []
      for (let slice = encoding.next(); slice !== undefined; slice = encoding.next()) {
        if (slices.length > 0) await sleep(clock, 0, signal)
        slices.push(slice)
      }
      const bytes = Buffer.concat(slices)
      this.#snapshotBytes = bytes.length
      return { bytes, live: encoding.live }
    } finally {
      releaseCut(state)
    }
  }
}
