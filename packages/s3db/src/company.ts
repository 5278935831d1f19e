/**
 * Enqueues that are under way together share a commit.
 *
 * Records are written one by one, and their writes end at different moments: without this each message would have a commit of its own wherever
 * commits are as fast as records. So whoever has its record waits for those whose records are being written, and they all go on in one
 * turn. Who is alone waits for nothing. Nobody waits longer than its own record took, nor longer than `MAX_WAIT_MS`.
 */
import type { Clock } from '@s3queue/storage'

/** However slow the records are. */
const MAX_WAIT_MS = 250

export class Company {
  readonly #clock: Clock
  /** Records that are being written. */
  #writing = 0
  /** Those that have their record. */
  #waiting: (() => void)[] = []
  #leavesAt = Number.POSITIVE_INFINITY
  #cancelTimer: () => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves, or rejects, as `write` does: after those that came with it if `goesOn` says that there is something to go on with. */
  async write<T>(write: () => Promise<T>, goesOn: (written: T) => boolean): Promise<T> {
    const startedAt = this.#clock.monotonic()
    this.#writing++
    let written: T
    let turn: Promise<void> | undefined
    try {
      written = await write()
      if (goesOn(written)) turn = this.#wait(this.#clock.monotonic() - startedAt)
    } finally {
      this.#writing--
      if (this.#writing === 0) this.#leave()
    }
    await turn
    return written
  }

  #wait(atMostMs: number): Promise<void> {
    const waitMs = Math.min(atMostMs, MAX_WAIT_MS)
    const leavesAt = this.#clock.monotonic() + waitMs
    if (leavesAt < this.#leavesAt) {
      this.#cancelTimer()
      this.#leavesAt = leavesAt
      this.#cancelTimer = this.#clock.setTimer(waitMs, () => this.#leave())
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #leave(): void {
    this.#cancelTimer()
    this.#leavesAt = Number.POSITIVE_INFINITY
    for (const go of this.#waiting.splice(0)) go()
  }
}
