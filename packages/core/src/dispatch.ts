/** Step 2, dispatch: the first visible messages, by priority and then by age, go to a worker that has room. */
import type { QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'
import { visibleRuns } from './state/runs.ts'

export interface Demand {
  readonly worker: string
  /** How many messages the worker has room for. */
  readonly limit: number
  /** How long it may keep each without a sign of life, in ms. */
  readonly timeoutMs: number
  /** Only messages of a higher priority. */
  readonly above?: number | undefined
}

export type ClaimedEvent = Extract<QueueEvent, { type: 'claimed' }>

export interface Dispatch {
  readonly event: ClaimedEvent
  readonly count: number
}

/** The claims to make for `demand`; undefined if nothing is visible or the queue is paused. Takes nothing yet: applying the event does. */
export function decideDispatch(state: QueueState, demand: Demand): Dispatch | undefined {
  if (demand.limit <= 0 || state.paused || state.counts.waiting === 0) return undefined
  const runs: number[] = []
  let room = demand.limit
  for (const run of visibleRuns(state)) {
    if (demand.above !== undefined && run.batch.priority <= demand.above) break
    const count = Math.min(run.count, room)
    if (count === 0) continue
    runs.push(run.id, count)
    room -= count
    if (room === 0) break
  }
  if (runs.length === 0) return undefined
  const { worker, timeoutMs } = demand
  return { event: { type: 'claimed', worker, token: state.nextToken, timeoutMs, runs }, count: demand.limit - room }
}
