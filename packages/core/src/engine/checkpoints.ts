/**
 * When to write a snapshot, and what may be deleted after it. Owns the size of the log since the base.
 *
 * A snapshot is taken of the state exactly as of a commit, while the commit is being written, and becomes the base once that commit is
 * known to be in the log. What was not live at that moment is dead for ever, so it may be collected.
 */
import { Fenced, type LogPosition, type LogWriter } from '@s3queue/primitives'
import type { QueueState } from '../state/model.ts'
import { encodeState } from '../state/snapshot.ts'

const BYTES = 16 << 20
/** A large snapshot is worth a longer log. */
const TIMES_SNAPSHOT = 2

interface Snapshot {
  readonly bytes: Uint8Array
  readonly live: ReadonlySet<number>
}

export interface CheckpointsOptions {
  readonly writer: LogWriter
  readonly state: QueueState
  /** Commits between two snapshots, at most. */
  readonly afterCommits: number
  readonly onFenced: (error: Fenced) => void
  readonly onTrouble: (error: unknown) => void
  readonly signal: AbortSignal
}

export class Checkpoints {
  readonly #options: CheckpointsOptions
  #commits: number
  #bytes = 0
  #snapshotBytes = 0
  #running: Promise<void> | undefined

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
    const snapshot = this.#take()
    return (position) => this.#start(snapshot, position)
  }

  /** At the end of a term, with no commit and no snapshot under way: leaves a short log to the next writer, if it is worth a snapshot. */
  async finish(): Promise<void> {
    const { writer, afterCommits } = this.#options
    if (writer.position.slot - writer.baseSlot < afterCommits / 8) return
    this.#start(this.#take(), writer.position)
    await this.#running
  }

  /** Resolves when no snapshot is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  #take(): Snapshot {
    const { state } = this.#options
    const snapshot = { bytes: encodeState(state), live: new Set(state.live.keys()) }
    this.#commits = 0
    this.#bytes = 0
    this.#snapshotBytes = snapshot.bytes.length
    return snapshot
  }

  #start(snapshot: Snapshot, position: LogPosition): void {
    this.#running = this.#write(snapshot, position).finally(() => {
      this.#running = undefined
    })
  }

  async #write(snapshot: Snapshot, position: LogPosition): Promise<void> {
    const { writer, onFenced, onTrouble, signal } = this.#options
    try {
      await writer.checkpoint(position, snapshot.bytes, signal)
      await writer.collect((slot) => snapshot.live.has(slot), signal)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Fenced) onFenced(error)
      else onTrouble(error)
    }
  }
}
