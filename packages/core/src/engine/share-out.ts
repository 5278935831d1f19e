/**
 * How a backlog is divided among workers whose handlers are all busy: so that all of them run out of work at about the same moment.
 *
 * Pure. Without it the worker that is asked first takes everything, and the others stand idle beside its full hands.
 */

/** About what it takes to take a message back and hand it to another worker, in ms: what starts sooner where it is stays there. */
export const RECALL_MS = 300

/** A worker whose handlers are all busy. */
export interface Share {
  /** Messages it holds ahead of its handlers. */
  readonly ahead: number
  /** How many more it takes now. A worker that takes none now has its part kept in the queue. */
  readonly room: number
  /** Messages per ms that its handlers finish. */
  readonly rate: number
  /** How long until its handlers start what it holds, in ms. */
  readonly delayMs: number
}

/** How many of `backlog` messages each worker gets, rounded down; what is left stays in the queue for the first handler that is free. */
export function shareOut(backlog: number, shares: readonly Share[]): number[] {
  const untilMs = levelOf(backlog, shares)
  return shares.map((share) =>
    Math.max(0, Math.min(share.room, Math.floor((untilMs - busyMs(share)) * share.rate + ROUNDING))),
  )
}

/** A part that is nearly a whole message is one. */
const ROUNDING = 0.25

/** How many of the messages that each worker holds ahead it should give back, so that all run out of work at about the same moment. */
export function surplus(shares: readonly Pick<Share, 'ahead' | 'rate'>[]): number[] {
  const work = shares.reduce((sum, { ahead }) => sum + ahead, 0)
  const untilMs = work / shares.reduce((sum, { rate }) => sum + rate, 0)
  return shares.map(({ ahead, rate }) => Math.max(0, Math.floor(ahead - untilMs * rate)))
}

/** The moment, in ms from now, at which all workers would run out of work if each took its part. Those that hold more than that already take none. */
function levelOf(backlog: number, shares: readonly Share[]): number {
  const soonestFirst = shares.toSorted((a, b) => busyMs(a) - busyMs(b))
  let work = backlog
  let rate = 0
  for (const share of soonestFirst) {
    if (rate > 0 && work / rate <= busyMs(share)) break
    work += busyMs(share) * share.rate
    rate += share.rate
  }
  return rate === 0 ? 0 : work / rate
}

function busyMs({ ahead, rate, delayMs }: Share): number {
  return ahead / rate + delayMs
}
