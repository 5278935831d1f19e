/** How messages end, what is remembered of them, and for how long. */
import type { DeadReason, Failure } from './events.ts'
import { type Batch, type Claim, type Completion, type DeadLetter, messageId, type QueueState } from './model.ts'
import { endNames } from './names.ts'
import { dropPayloadObject } from './payload-keys.ts'

const FAILURES_KEPT = 20

/** What is known of a message's failures once the attempt of `claim` has failed, too. `at`: ms since 1970. */
export function failuresWith(claim: Claim, at: number, name: string, message: string): readonly Failure[] {
  return [...claim.failures.slice(1 - FAILURES_KEPT), { attempt: claim.attempt, at, name, message }]
}

/** How an attempt failed whose claim ended without a settlement. `crashed`: the process of its worker has ended. */
export function failureOf({ timeoutMs }: Claim, crashed: boolean): Pick<Failure, 'name' | 'message'> {
  return crashed
    ? { name: 'ProcessEnded', message: 'the process of its worker has ended' }
    : { name: 'VisibilityTimeout', message: `no settlement within ${timeoutMs} ms` }
}

/** A message is completed: counted for ever. Returns how many were before it. */
export function complete(state: QueueState, { batch }: Claim): number {
  dropPayload(state, batch)
  endNames(state.names, batch.extras, state.now)
  return state.counts.completed++
}

/** Remembers a completed message within the retention. */
export function keepCompletion(state: QueueState, claim: Claim, ordinal: number, result: string | undefined): void {
  const { batch, attempt, report } = claim
  state.completed.set(messageId(claim), {
    ordinal,
    attempts: attempt,
    enqueuedAt: batch.enqueuedAt,
    completedAt: state.now,
    result,
    report,
  })
  const oldest = state.completed.size > state.retention.completedCount ? state.completed.oldest() : undefined
  if (oldest !== undefined) state.completed.delete(oldest[0])
}

/** A message moves to the dead letters. */
export function keepDead(state: QueueState, claim: Claim, reason: DeadReason, failures: readonly Failure[]): void {
  const { batch, seq, attempt } = claim
  state.dead.set(messageId(claim), { batch, seq, reason, attempts: attempt, diedAt: state.now, failures })
  forgetEnded(state)
}

/** A message is gone: cancelled, purged, or a dead letter beyond its retention. */
export function forgetMessage(state: QueueState, message: { readonly batch: Batch; readonly seq: number }): void {
  dropPayload(state, message.batch)
  endNames(state.names, message.batch.extras, state.now)
}

/** Whether a completed message is over its age at `now`. The state may hold it still, as it forgets at its next step only. */
export function isCompletionOver({ retention }: QueueState, { completedAt }: Completion, now: number): boolean {
  return now - completedAt > retention.completedAgeMs
}

/** The same of a dead letter. */
export function isDeadOver({ retention }: QueueState, { diedAt }: DeadLetter, now: number): boolean {
  return now - diedAt > retention.deadAgeMs
}

/** Forgets what is over the retention. Costs no more than what it forgets. */
export function forgetEnded(state: QueueState): void {
  const { completedCount, deadCount } = state.retention
  for (let oldest = state.completed.oldest(); oldest !== undefined; oldest = state.completed.oldest()) {
    if (!isCompletionOver(state, oldest[1], state.now) && state.completed.size <= completedCount) break
    state.completed.delete(oldest[0])
  }
  for (let oldest = state.dead.oldest(); oldest !== undefined; oldest = state.dead.oldest()) {
    const [id, dead] = oldest
    if (!isDeadOver(state, dead, state.now) && state.dead.size <= deadCount) break
    state.dead.delete(id)
    forgetMessage(state, dead)
  }
}

/** One payload is needed no more. */
function dropPayload(state: QueueState, { slot, extras }: Batch): void {
  const left = (state.live.get(slot) ?? 0) - 1
  if (left > 0) state.live.set(slot, left)
  else state.live.delete(slot)
  const key = extras?.payloadKey
  if (key !== undefined && state.payloadKeys.used.delete(key)) dropPayloadObject(state, key)
}
