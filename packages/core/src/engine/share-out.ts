/**
 * How a backlog that is smaller than what all workers would hold ahead is divided: so that all of them run out of work at about the same moment.
 *
 * Pure. Without it the worker that is asked first takes everything, and the others stand idle beside its full hands.
 */

/** A worker whose handlers are all busy. */
export interface Share {
  /** Messages it holds ahead of its handlers. */
  readonly ahead: number
  /** How many more it would take. */
  readonly room: number
  /** Messages per ms that its handlers finish. */
  readonly rate: number
}

/** Halvings of the interval in which the moment lies: enough for one part in a million. */
const STEPS = 20

/** How many of `backlog` messages each gets, rounded down: what is left over stays in the queue for the first handler that is free. */
export function shareOut(backlog: number, shares: readonly Share[]): number[] {
  const rooms = shares.map(({ room }) => Math.max(0, room))
  if (rooms.reduce((sum, room) => sum + room, 0) <= backlog) return rooms
  const given = (untilMs: number): number[] =>
    shares.map(({ ahead, rate }, i) => Math.min(rooms[i] ?? 0, Math.max(0, untilMs * rate - ahead)))
  let [least, most] = [0, Math.max(...shares.map(({ ahead, room, rate }) => (ahead + Math.max(0, room)) / rate))]
  for (let step = 0; step < STEPS; step++) {
    const middle = (least + most) / 2
    if (given(middle).reduce((sum, count) => sum + count, 0) <= backlog) least = middle
    else most = middle
  }
  return given(least).map((count) => Math.floor(count + 1e-6))
}
