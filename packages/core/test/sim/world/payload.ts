/** Payloads of the simulation: texts, or bytes. */
export type SimPayload = string | Uint8Array

/** A payload as one text, which no other payload has: JSON, or the numbers of its bytes. */
export function textOf(payload: unknown): string {
  return payload instanceof Uint8Array ? textOfStored(payload) : JSON.stringify(payload)
}

/** The same for a payload as it is stored. */
export function textOfStored(payload: string | Uint8Array): string {
  return typeof payload === 'string' ? payload : Array.from(payload).join()
}
