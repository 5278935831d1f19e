/**
 * Which payload objects are needed. Each is written before the message that names it, so one may be there that no message will ever name: its
 * process died in between.
 *
 * Such an object is noted when the store lists it, and is garbage once it has been unnamed for longer than anybody may still name it: see
 * `../engine/naming-limit.ts`.
 */
import type { QueueState } from './model.ts'

/** Twice as long as a message may come after its payload. */
const UNNAMED_KEPT_MS = 24 * 3_600_000

/** A message names this object. */
export function usePayloadObject({ payloadKeys }: QueueState, key: string): void {
  payloadKeys.used.add(key)
  payloadKeys.unnamed.delete(key)
}

/** No message needs this object. */
export function dropPayloadObject({ payloadKeys }: QueueState, key: string): void {
  payloadKeys.unnamed.delete(key)
  payloadKeys.garbage.add(key)
}

/** The store lists this object, and as of now no message names it. */
export function noteUnnamed({ payloadKeys, now }: QueueState, key: string): void {
  const { used, garbage, unnamed } = payloadKeys
  if (!used.has(key) && !garbage.has(key) && !unnamed.has(key)) unnamed.set(key, now)
}

/** What nobody can name any more is garbage. */
export function dropUnnamed(state: QueueState): void {
  for (const [key, since] of state.payloadKeys.unnamed) {
    if (state.now - since <= UNNAMED_KEPT_MS) break
    dropPayloadObject(state, key)
  }
}
