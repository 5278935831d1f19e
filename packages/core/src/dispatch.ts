/** Step 2, dispatch: the first visible messages, by priority and then by age, go to a worker that has room. */
import type { QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'

export interface Demand {
  readonly worker: string
  /** How many messages the worker has room for. */
  readonly limit: number
  /** How long it may keep each without a sign of life, in ms. */
  readonly timeoutMs: number
}

export type ClaimedEvent = Extract<QueueEvent, { type: 'claimed' }>

/** The claims to make for `demand`, or undefined if there is nothing visible. Takes nothing yet: applying the event does. */
export function decideDispatch(
  state: QueueState,
  demand: Demand,
): { readonly event: ClaimedEvent; readonly count: number } | undefined {
  if (demand.limit <= 0 || state.counts.waiting === 0) return undefined
  const runs: number[] = []
  let room = demand.limit
  for (const priority of state.priorities) {
    if (room === 0) break
    for (const run of state.ready.get(priority) ?? []) {
      if (room === 0) break
      const count = Math.min(run.count, room)
      if (count === 0) continue
      runs.push(run.id, count)
      room -= count
    }
  }
  const count = demand.limit - room
  if (count === 0) return undefined
  const { worker, timeoutMs } = demand
  return { event: { type: 'claimed', worker, token: state.nextToken, timeoutMs, runs }, count }
}
