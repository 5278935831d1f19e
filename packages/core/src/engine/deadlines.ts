/**
 * When claims run out, on this writer's monotonic clock. Nothing of it is in the log: a new writer gives every running
 * claim its full time again, so that no two clocks are ever compared.
 *
 * Claims that were made together run out together, so a group costs one entry; only extended ones have an entry of their own.
 */
import { Heap } from '../state/heap.ts'

interface Group {
  readonly at: number
  readonly tokens: readonly number[]
}

export class Deadlines {
  readonly #groups = new Heap<Group>(({ at }) => at)
  readonly #extended = new Map<number, number>()

  /** These claims run out at `at`, unless they are extended. */
  add(tokens: readonly number[], at: number): void {
    if (tokens.length > 0) this.#groups.push({ at, tokens })
  }

  /** This claim runs out at `at`. Where that is earlier than before, `add` it as well. */
  extend(token: number, at: number): void {
    this.#extended.set(token, at)
  }

  /** A claim has ended. Needed for extended ones alone; harmless for others. */
  forget(token: number): void {
    this.#extended.delete(token)
  }

  /** The earliest moment at which something may run out. */
  get next(): number | undefined {
    return this.#groups.peek()?.at
  }

  /** Tokens whose time is up at `now`. `isActive` tells which claims are still running. */
  takeDue(now: number, isActive: (token: number) => boolean): number[] {
    const due = new Set<number>()
    for (let group = this.#groups.peek(); group !== undefined && group.at <= now; group = this.#groups.peek()) {
      this.#groups.pop()
      const later = new Map<number, number[]>()
      for (const token of group.tokens) {
        if (!isActive(token)) {
          this.#extended.delete(token)
          continue
        }
        const at = this.#extended.get(token) ?? group.at
        if (at <= now) due.add(token)
        else later.set(at, [...(later.get(at) ?? []), token])
      }
      for (const [at, tokens] of later) this.add(tokens, at)
    }
    return [...due]
  }
}
