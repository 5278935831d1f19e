/** When handlers started, in whichever process. */
import { inTime, systemClock } from '@s3queue/storage'
import { Moments } from '../../pods/fleet.ts'
import type { Pod } from '../../pods/pod.ts'

/** No message waits this long for its handler; otherwise something hangs. */
const STUCK_MS = 150_000

export class StartTimes {
  readonly #first = new Moments<number>()
  readonly #all: { readonly n: number; readonly at: number }[] = []

  constructor(pods: readonly Pod[]) {
    for (const pod of pods) this.watch(pod)
  }

  /** Notes the starts of handlers in one more process. */
  watch(pod: Pod): void {
    pod.onReport((report) => {
      if (report.kind !== 'started') return
      for (const n of report.numbers) {
        this.#first.note(n, report.at)
        this.#all.push({ n, at: report.at })
      }
    })
  }

  /** Resolves to when the handler of message `n` started first. */
  of(n: number): Promise<number> {
    return inTime(
      systemClock,
      STUCK_MS,
      this.#first.when(n),
      () => new Error(`Message ${n} was not handled within ${STUCK_MS / 1000} s.`),
    )
  }

  /** Resolves when the handlers of these messages have started. */
  async all(first: number, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, i) => this.of(first + i)))
  }

  /** All starts since a moment, in their order. */
  since(at: number): readonly { readonly n: number; readonly at: number }[] {
    return this.#all.filter((start) => start.at >= at).sort((a, b) => a.at - b.at)
  }
}
