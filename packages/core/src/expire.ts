/**
 * Step 6, expire: a claim whose visibility timeout passed without a settlement is void; its message is visible again, or dead after its last attempt.
 * A message that an operator releases is visible again in any case.
 */
import { unsettledFailureOf } from './state/endings.ts'
import type { FailureText, QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'

/**
 * What becomes of claims whose time is up, each named once; `crashed`: their time is up because the process of their worker has ended. Tokens that
 * no claim holds any longer are passed over.
 */
export function decideExpire(state: QueueState, tokens: readonly number[], crashed = false): readonly QueueEvent[] {
  const events: QueueEvent[] = []
  const expired: number[] = []
  const failures: [number, FailureText][] = []
  const released: number[] = []
  const releasedAfterLast: number[] = []
  for (const token of tokens) {
    const claim = state.active.get(token)
    if (claim === undefined) continue
    const hasAttemptsLeft = claim.attempt < claim.batch.maxAttempts
    if (claim.releasing) {
      ;(hasAttemptsLeft ? released : releasedAfterLast).push(token)
      continue
    }
    if (hasAttemptsLeft) {
      expired.push(token)
      if (claim.report !== undefined) failures.push([token, unsettledFailureOf(claim, crashed)])
      continue
    }
    events.push({ type: 'died', token, reason: 'timed-out', ...unsettledFailureOf(claim, crashed) })
  }
  if (expired.length > 0) {
    const texts = failures.length > 0 ? { failures } : {}
    events.push({ type: 'expired', tokens: expired, ...(crashed ? { crashed } : {}), ...texts })
  }
  if (released.length > 0) events.push({ type: 'released', tokens: released, started: true })
  // The operator wants to see another attempt, so the last one is not counted.
  if (releasedAfterLast.length > 0)
    events.push({ type: 'released', tokens: releasedAfterLast, started: true, counted: false })
  return events
}
