/** How messages end, what is remembered of them, and for how long. */
import type { DeadReason, FailureText, Report } from './events.ts'
import { dropFailures, type FailureHistory, unsettled } from './failures.ts'
import { release, retain } from './live.ts'
import { type Batch, type Claim, type Completion, type DeadLetter, messageId, type QueueState } from './model.ts'
import { endNames } from './names.ts'
import { dropPayloadObject } from './payload-keys.ts'

/** A longer result, or a longer report, stays in the commit that completed the message. At most 100,000 of each are remembered. */
const SHORT_CHARS = 512
/** Characters of what a failed attempt reported. */
const MAX_PROGRESS = 1024
const MAX_LOG = 2048

/** What the event says of a failed attempt: its error, and what it reported, as far as that is kept. So all of it is in one place to be read from. */
export function failureOf(
  { report }: Claim,
  { name, message, more }: Pick<FailureText, 'name' | 'message' | 'more'>,
): FailureText {
  const error = more === undefined ? { name, message } : { name, message, more }
  if (report === undefined) return error
  const { progress } = report
  let first = report.log.length
  for (let left = MAX_LOG; first > 0; first--) {
    left -= report.log[first - 1]?.length ?? 0
    if (left < 0) break
  }
  return {
    ...error,
    ...(progress !== undefined && progress.length <= MAX_PROGRESS ? { progress } : {}),
    ...(first < report.log.length ? { log: report.log.slice(first) } : {}),
  }
}

/** How an attempt failed whose claim ended without a settlement. `crashed`: the process of its worker has ended. */
export function unsettledFailureOf(claim: Claim, crashed: boolean): FailureText {
  return failureOf(claim, unsettled(claim.timeoutMs, crashed))
}

/** Whether a report is too long for the state: the event that completes the message then carries it. */
export function isLongReport(report: Report): boolean {
  return charsOf(report) > SHORT_CHARS
}

/** A message is completed: counted for ever. Returns how many were before it. */
export function complete(state: QueueState, { batch, failures }: Claim): number {
  dropPayload(state, batch)
  dropFailures(state.live, failures)
  endNames(state.names, batch.extras, state.now)
  return state.counts.completed++
}

/** Remembers a completed message within the retention. `inEvent`: its report, if the event that completes it has it. */
export function keepCompletion(
  state: QueueState,
  claim: Claim,
  ordinal: number,
  result: string | undefined,
  inEvent: Report | undefined,
): void {
  const { batch, attempt, token } = claim
  const report = inEvent ?? claim.report
  const isLong = result !== undefined && result.length > SHORT_CHARS
  const stored = isLong || inEvent !== undefined ? { slot: state.slot, token } : undefined
  if (stored !== undefined) retain(state.live, stored.slot)
  enterCompletion(state, messageId(claim), {
    ordinal,
    attempts: attempt,
    enqueuedAt: batch.enqueuedAt,
    completedAt: state.now,
    result: isLong ? undefined : result,
    report: inEvent === undefined ? report : undefined,
    stored,
    chars: (result?.length ?? 0) + (report === undefined ? 0 : charsOf(report)),
  })
  const { completedCount, completedBytes } = state.retention
  while (state.completed.size > completedCount || state.completedChars > completedBytes) {
    const oldest = state.completed.oldest()
    if (oldest === undefined) break
    dropCompletion(state, oldest[0])
  }
}

/** Adds what is known of a completed message, in the place of one that had its id before. */
export function enterCompletion(state: QueueState, id: string, completion: Completion): void {
  dropCompletion(state, id)
  state.completed.set(id, completion)
  state.completedChars += completion.chars
}

/** Forgets a completed message, if there is one with this id. */
export function dropCompletion(state: QueueState, id: string): void {
  const completion = state.completed.get(id)
  if (completion === undefined) return
  state.completed.delete(id)
  state.completedChars -= completion.chars
  if (completion.stored !== undefined) release(state.live, completion.stored.slot)
}

/** A message moves to the dead letters. */
export function keepDead(state: QueueState, claim: Claim, reason: DeadReason, failures: FailureHistory): void {
  const { batch, seq, attempt } = claim
  state.dead.set(messageId(claim), { batch, seq, reason, attempts: attempt, diedAt: state.now, failures })
  forgetEnded(state)
}

/** What is forgotten of a message. */
interface Gone {
  readonly batch: Batch
  readonly failures: FailureHistory
}

/** A message is gone: cancelled, purged, or a dead letter beyond its retention. */
export function forgetMessage(state: QueueState, { batch, failures }: Gone): void {
  dropPayload(state, batch)
  dropFailures(state.live, failures)
  endNames(state.names, batch.extras, state.now)
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
  const { completedCount, completedBytes, deadCount } = state.retention
  for (let oldest = state.completed.oldest(); oldest !== undefined; oldest = state.completed.oldest()) {
    const isFull = state.completed.size > completedCount || state.completedChars > completedBytes
    if (!isFull && !isCompletionOver(state, oldest[1], state.now)) break
    dropCompletion(state, oldest[0])
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
  release(state.live, slot)
  const key = extras?.payloadKey
  if (key !== undefined && state.payloadKeys.used.delete(key)) dropPayloadObject(state, key)
}

function charsOf({ progress, log }: Report): number {
  return log.reduce((sum, line) => sum + line.length, progress?.length ?? 0)
}
