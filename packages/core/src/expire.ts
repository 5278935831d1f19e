/**
 * Step 6, expire: a claim whose visibility timeout passed without a settlement is void; its message is visible again, or dead after its last attempt.
 * A message that an operator releases is visible again in any case.
 */
import type { QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'

/** What becomes of claims whose time is up, each named once. Tokens that nobody holds any more are passed over. */
export function decideExpire(state: QueueState, tokens: readonly number[]): readonly QueueEvent[] {
  const events: QueueEvent[] = []
  const expired: number[] = []
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
      continue
    }
    const message = `no settlement within ${claim.timeoutMs} ms`
    events.push({ type: 'died', token, reason: 'timed-out', name: 'VisibilityTimeout', message })
  }
  if (expired.length > 0) events.push({ type: 'expired', tokens: expired })
  if (released.length > 0) events.push({ type: 'released', tokens: released, started: true })
  // The operator wants to see another attempt, so the last one is not counted.
  if (releasedAfterLast.length > 0) events.push({ type: 'released', tokens: releasedAfterLast, started: false })
  return events
}
