/** Finding a message by its id. Dead and completed ones are at hand; waiting and active ones are looked for, run by run. */
import { isCompletionOver, isDeadOver } from './endings.ts'
import type { Claim, Completion, DeadLetter, QueueState, Run } from './model.ts'

export type Found =
  /** Waiting or delayed: message `seq` of a run. */
  | { readonly status: 'waiting'; readonly run: Run; readonly seq: number }
  | { readonly status: 'active'; readonly claim: Claim }
  | { readonly status: 'dead'; readonly dead: DeadLetter }
  | { readonly status: 'completed'; readonly completion: Completion }

/** The message with this id, wherever it is at `now`; undefined if it is not known, or no longer. */
export function findMessage(state: QueueState, id: string, now: number): Found | undefined {
  const dead = state.dead.get(id)
  if (dead !== undefined) return isDeadOver(state, dead, now) ? undefined : { status: 'dead', dead }
  const completion = state.completed.get(id)
  if (completion !== undefined)
    return isCompletionOver(state, completion, now) ? undefined : { status: 'completed', completion }
  return state.names.held.has(id) ? findOwn(state, id) : findNumbered(state, id)
}

/** By an id of the sender's choice: such a message is a run of its own. */
function findOwn(state: QueueState, id: string): Found | undefined {
  for (const claim of state.active.values()) if (claim.batch.extras?.id === id) return { status: 'active', claim }
  for (const run of state.runs.values())
    if (run.batch.extras?.id === id) return { status: 'waiting', run, seq: run.seq }
  return undefined
}

function findNumbered(state: QueueState, id: string): Found | undefined {
  const { sender, seq } = parse(id)
  if (sender === '') return undefined
  for (const claim of state.active.values()) {
    const { batch } = claim
    if (claim.seq === seq && batch.sender === sender && batch.extras?.id === undefined)
      return { status: 'active', claim }
  }
  for (const run of state.runs.values()) {
    const { sender: of, extras } = run.batch
    if (of === sender && seq >= run.seq && seq < run.seq + run.count && extras?.id === undefined)
      return { status: 'waiting', run, seq }
  }
  return undefined
}

/** Sender and number of an id that was given by number; for others they match nothing. */
function parse(id: string): { readonly sender: string; readonly seq: number } {
  const dash = id.lastIndexOf('-')
  const seq = Number.parseInt(id.slice(dash + 1), 36)
  return dash > 0 && id === `${id.slice(0, dash)}-${seq.toString(36)}`
    ? { sender: id.slice(0, dash), seq }
    : { sender: '', seq: -1 }
}
