/** Step 6, expire: a claim whose visibility timeout passed without a settlement is void; its message is visible again, or dead after its last attempt. */

import { failureOf } from './state/endings.ts'
import type { QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'

/**
 * What becomes of claims whose time is up, each named once; `crashed`: their time is up because the process of their worker has ended. Tokens that
 * no claim holds any longer are passed over.
 */
export function decideExpire(state: QueueState, tokens: readonly number[], crashed = false): readonly QueueEvent[] {
  const events: QueueEvent[] = []
  const expired: number[] = []
  for (const token of tokens) {
    const claim = state.active.get(token)
    if (claim === undefined) continue
    if (claim.attempt < claim.batch.maxAttempts) {
      expired.push(token)
      continue
    }
    events.push({ type: 'died', token, reason: 'timed-out', ...failureOf(claim, crashed) })
  }
  if (expired.length > 0) events.push({ type: 'expired', tokens: expired, ...(crashed ? { crashed } : {}) })
  return events
}
