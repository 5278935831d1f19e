/** What a process of the benchmark reports of its handlers. */
import { systemClock } from '@s3queue/storage'
import type { PodReport } from './protocol.ts'

/** Reports of progress are this far apart, so that they cost next to nothing. */
const EVERY_MS = 10

export class RunLog {
  readonly #report: (report: PodReport) => void
  readonly #kind: 'starts' | 'progress'
  #started: number[] = []
  #handled: number[] = []
  #ended = 0
  #firstStartAt = Number.POSITIVE_INFINITY
  #lastEndAt = 0
  #busyMs = 0

  constructor(kind: 'starts' | 'progress', report: (report: PodReport) => void) {
    this.#kind = kind
    this.#report = report
  }

  /** A handler starts; the function that is returned is called when it ends. */
  start(n: number): () => void {
    if (this.#kind === 'starts') this.#noteStart(n)
    const startedAt = systemClock.now()
    const since = systemClock.monotonic()
    return () => {
      this.#handled.push(n)
      if (this.#kind === 'progress') this.#noteEnd(startedAt, systemClock.monotonic() - since)
    }
  }

  /** Numbers of messages whose handlers have ended since the last call. */
  takeHandled(): number[] {
    const handled = this.#handled
    this.#handled = []
    return handled
  }

  /** All that start in one turn of the event loop are reported together. */
  #noteStart(n: number): void {
    if (this.#started.push(n) > 1) return
    setImmediate(() => {
      this.#report({ kind: 'started', numbers: this.#started, at: systemClock.now() })
      this.#started = []
    })
  }

  #noteEnd(startedAt: number, busyMs: number): void {
    this.#firstStartAt = Math.min(this.#firstStartAt, startedAt)
    this.#busyMs += busyMs
    this.#lastEndAt = systemClock.now()
    if (this.#ended++ > 0) return
    systemClock.setTimer(EVERY_MS, () => {
      this.#report({
        kind: 'progress',
        ended: this.#ended,
        firstStartAt: this.#firstStartAt,
        lastEndAt: this.#lastEndAt,
        busyMs: this.#busyMs,
      })
      this.#ended = 0
      this.#firstStartAt = Number.POSITIVE_INFINITY
      this.#busyMs = 0
    })
  }
}
