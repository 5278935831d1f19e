/** The makespan that no queue can beat without knowing durations in advance: a central queue that hands out messages in order and without delay. */

/** Greedy list scheduling: each message, in order, goes to the slot that is free first. In ms. */
export function idealMakespan(slots: number, messages: number, durationOf: (n: number) => number): number {
  const freeAt = new EarliestFirst()
  let endsAt = 0
  for (let n = 0; n < messages; n++) {
    const startsAt = n < slots ? 0 : freeAt.take()
    const end = startsAt + durationOf(n)
    freeAt.add(end)
    endsAt = Math.max(endsAt, end)
  }
  return endsAt
}

/** A binary heap of moments. */
class EarliestFirst {
  readonly #moments: number[] = []

  add(moment: number): void {
    const moments = this.#moments
    let at = moments.push(moment) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = moments[parent] ?? moment
      if (above <= moment) break
      moments[at] = above
      at = parent
    }
    moments[at] = moment
  }

  /** Removes the earliest moment and returns it. Throws if there is none. */
  take(): number {
    const moments = this.#moments
    const [earliest] = moments
    const last = moments.pop()
    if (earliest === undefined || last === undefined) throw new RangeError('No slot is taken, so none becomes free.')
    if (moments.length === 0) return earliest
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      const child =
        (moments[right] ?? Number.POSITIVE_INFINITY) < (moments[left] ?? Number.POSITIVE_INFINITY) ? right : left
      const below = moments[child]
      if (below === undefined || below >= last) break
      moments[at] = below
      at = child
    }
    moments[at] = last
    return earliest
  }
}
