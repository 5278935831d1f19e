/** Whether a queue is paused, by what was said to those who ask for it: where no two of them disagree, that is clear, and holds for all shards. */
import { must } from '../world/violation.ts'

type Wish = 'pause' | 'resume'

const OPPOSITE = { pause: 'resume', resume: 'pause' } as const

export class Pauses {
  /** How many of each are asked for, or were so in vain: those may still be carried out. */
  readonly #open: Record<Wish, number> = { pause: 0, resume: 0 }
  readonly #lastDone: Record<Wish, number> = { pause: 0, resume: 0 }
  #now = 0
  #clear: Wish | undefined

  /** Somebody asks. Returns what to call once it is done. */
  asked(wish: Wish): () => void {
    const at = ++this.#now
    this.#open[wish]++
    if (this.#clear === OPPOSITE[wish]) this.#clear = undefined
    return () => {
      this.#open[wish]--
      this.#lastDone[wish] = ++this.#now
      const other = OPPOSITE[wish]
      if (this.#open[other] === 0 && this.#lastDone[other] < at) this.#clear = wish
    }
  }

  /** A shard gives out messages. */
  assertMayClaim(shard: number): void {
    must(this.#clear !== 'pause', `shard ${shard} gives out messages, though the queue was paused`)
  }

  /** Nothing is under way any more. */
  assertGoesOn(shard: number, isPaused: boolean): void {
    must(!isPaused || this.#clear !== 'resume', `shard ${shard} is paused, though the queue was resumed`)
  }
}
