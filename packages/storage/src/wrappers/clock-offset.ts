/**
 * What the answers of a store prove about its clock.
 *
 * Let `lead` be the store's wall time minus the local *monotonic* time: a constant but for drift, whatever becomes of the local wall clock. An answer stamped
 * `s` (whole seconds, cut off) to a request sent at `a` and answered at `b` was stamped between `a` and `b`, when the store's clock showed
 * something from `s` up to `s + 1000`. So `s - b <= lead < s + 1000 - a`. One answer leaves more than a second of doubt, but the
 * bounds of many can be intersected: answers on both sides of the store's full second leave little more than one round trip. (The idea of
 * intersecting intervals is Marzullo's, 1984, as used by NTP.)
 */
export interface ClockOffset {
  /** Takes in an answer stamped `storeTimeMs`, to a request sent and answered at these monotonic times. */
  observe(storeTimeMs: number, sentMs: number, answeredMs: number): void
  /** Where `lead` can lie at the monotonic time `atMs`, in ms; undefined before the first answer. */
  bounds(atMs: number): LeadBounds | undefined
}

interface LeadBounds {
  readonly low: number
  readonly high: number
}

/** The `Date` header counts whole seconds. */
const RESOLUTION_MS = 1_000
/** How far two clocks go apart: 200 ms in 1,000 s, more than a quartz does and less than a clock that is being slewed. */
const DRIFT = 0.0002
/** Answers that contradict the others by up to this move the bounds; by more, replace them: the store's clock was set, or this machine slept. */
const STEP_MS = 2_000

export function createClockOffset(): ClockOffset {
  let known: (LeadBounds & { readonly atMs: number }) | undefined

  const bounds = (atMs: number): LeadBounds | undefined => {
    if (known === undefined) return undefined
    const doubt = Math.max(0, atMs - known.atMs) * DRIFT
    return { low: known.low - doubt, high: known.high + doubt }
  }
  return {
    bounds,
    observe(storeTimeMs, sentMs, answeredMs) {
      const answer = { low: storeTimeMs - answeredMs, high: storeTimeMs + RESOLUTION_MS - sentMs }
      const before = bounds(answeredMs)
      // An answer that was overtaken by a later one must not turn back the time since which drift counts.
      const atMs = Math.max(known?.atMs ?? answeredMs, answeredMs)
      known = { ...(before ? reconcile(before, answer) : answer), atMs }
    },
  }
}

/** The bounds that both allow; or, where they contradict each other, those of `before` moved just as far as `answer` demands. */
function reconcile(before: LeadBounds, answer: LeadBounds): LeadBounds {
  const gap = Math.max(answer.low - before.high, before.low - answer.high)
  if (gap > STEP_MS) return answer
  if (gap <= 0) return { low: Math.max(before.low, answer.low), high: Math.min(before.high, answer.high) }
  // Behind one name answer many machines, and their clocks differ by some ms: a small contradiction is no reason to forget the rest.
  const width = Math.min(before.high - before.low, answer.high - answer.low)
  return answer.low > before.high
    ? { low: answer.low, high: answer.low + width }
    : { low: answer.high - width, high: answer.high }
}
