/**
 * Which payload objects are needed. Each is written before the message that names it, so one may be there that no message will ever name: its
 * process died in between.
 *
 * Such an object is noted when the store lists it. Once it has been unnamed for longer than anybody may still name it (see
 * `../engine/naming-limit.ts`), and nothing in the inbox names it either, it is abandoned: garbage like any other.
 */
import type { QueueState } from './model.ts'

/** Twice as long as a message may come after its payload: the clocks of two processes are not so far apart. */
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

/** Objects that nobody may name any more; a message in the inbox may do so nevertheless, if it came in time. */
export function findOverdue({ payloadKeys, now }: QueueState): string[] {
  const overdue: string[] = []
  for (const [key, since] of payloadKeys.unnamed) {
    if (now - since <= UNNAMED_KEPT_MS) break
    overdue.push(key)
  }
  return overdue
}
