/** How messages end, what is remembered of them, and for how long. */
import type { DeadReason, FailureRecord } from './events.ts'
import { type Batch, type Claim, type Completion, type DeadLetter, messageId, type QueueState } from './model.ts'
import { endNames } from './names.ts'
import { dropPayloadObject } from './payload-keys.ts'

const FAILURES_KEPT = 20

/** The last failures of a message keep all that was recorded of them, the earlier ones name and message: a message fails the same way most times. */
const FAILURES_IN_FULL = 3
/** Characters of what a failed attempt reported. */
const MAX_PROGRESS = 1024
const MAX_LOG = 2048

/** What is known of a message's failures once the attempt of `claim` has failed, too. `at`: ms since 1970. */
export function failuresWith(
  claim: Claim,
  at: number,
  { name, message, more }: Pick<FailureRecord, 'name' | 'message' | 'more'>,
): readonly FailureRecord[] {
  const failures = claim.failures.slice(1 - FAILURES_KEPT)
  // With the new one there would be one too many in full.
  const last = failures.length - FAILURES_IN_FULL
  const oldest = failures[last]
  if (oldest !== undefined) failures[last] = inShort(oldest)
  const details = more === undefined ? {} : { more }
  return [...failures, { attempt: claim.attempt, at, name, message, ...details, ...reportOf(claim) }]
}

function inShort(failure: FailureRecord): FailureRecord {
  const { attempt, at, name, message } = failure
  return { attempt, at, name, message }
}

/** What the attempt reported, as far as it is kept with its failure. */
function reportOf({ report }: Claim): Pick<FailureRecord, 'progress' | 'log'> {
  if (report === undefined) return {}
  const { progress } = report
  let first = report.log.length
  for (let left = MAX_LOG; first > 0; first--) {
    left -= report.log[first - 1]?.length ?? 0
    if (left < 0) break
  }
  return {
    ...(progress !== undefined && progress.length <= MAX_PROGRESS ? { progress } : {}),
    ...(first < report.log.length ? { log: report.log.slice(first) } : {}),
  }
}

/** How an attempt failed whose claim ended without a settlement. `crashed`: the process of its worker has ended. */
export function failureOf({ timeoutMs }: Claim, crashed: boolean): Pick<FailureRecord, 'name' | 'message'> {
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
export function keepDead(
  state: QueueState,
  claim: Claim,
  reason: DeadReason,
  failures: readonly FailureRecord[],
): void {
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
