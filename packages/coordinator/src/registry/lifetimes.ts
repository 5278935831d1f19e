/**
 * Decides whether two workers lived at the same time, from what the writer reads of them. A worker that restarts under its name leaves a
 * heartbeat behind that still counts for a while, so two valid heartbeats prove nothing.
 *
 * State: per worker a time by which it had begun, and a time at which it certainly lived. Both are on the writer's monotonic clock.
 */
interface Lifetime {
  readonly begunBy: number
  aliveAt: number
}

export class Lifetimes {
  readonly #lifetimes = new Map<string, Lifetime>()

  /** The worker exists at `now`, so it has begun. */
  saw(id: string, now: number): void {
    if (!this.#lifetimes.has(id)) this.#lifetimes.set(id, { begunBy: now, aliveAt: Number.NEGATIVE_INFINITY })
  }

  /** The worker lived at `since` or later: it wrote something that was not there at `since`. */
  livedAt(id: string, since: number): void {
    const lifetime = this.#lifetimes.get(id)
    if (lifetime !== undefined) lifetime.aliveAt = Math.max(lifetime.aliveAt, since)
  }

  forget(id: string): void {
    this.#lifetimes.delete(id)
  }

  /** Whether each of the two lived after the other one had begun. False while that is not certain. */
  overlap(one: string, other: string): boolean {
    const [a, b] = [this.#lifetimes.get(one), this.#lifetimes.get(other)]
    return a !== undefined && b !== undefined && a.aliveAt >= b.begunBy && b.aliveAt >= a.begunBy
  }
}
