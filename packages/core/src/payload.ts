/** Payloads on their way in: JSON, checked before anything is promised, and a copy: what the caller changes afterwards changes nothing. */
import { InvalidPayload, PayloadTooLarge } from './errors.ts'

/** Largest enqueue in one call, in bytes of JSON: it becomes one commit. */
export const MAX_BATCH_BYTES: number = 64 << 20

/** The JSON texts of `payloads`. Throws `InvalidPayload` or `PayloadTooLarge`, naming which one. */
export function encodePayloads(payloads: readonly unknown[], maxBytes: number): string[] {
  let total = 0
  const texts = payloads.map((payload, index) => {
    const text = toJson(payload, index)
    // A character takes at most three bytes of UTF-8, so short texts need no count.
    const bytes = text.length * 3 <= maxBytes ? text.length : Buffer.byteLength(text)
    if (bytes > maxBytes) {
      throw new PayloadTooLarge(
        `Payload ${index} has ${bytes} bytes, more than the ${maxBytes} of maxPayloadBytes. Raise it, or put the data into the store and enqueue its key.`,
      )
    }
    total += bytes
    return text
  })
  if (total > MAX_BATCH_BYTES) {
    throw new PayloadTooLarge(
      `The ${payloads.length} payloads have ${total} bytes together, more than the ${MAX_BATCH_BYTES} of one commit. Enqueue them in several calls.`,
    )
  }
  return texts
}

function toJson(payload: unknown, index: number): string {
  let text: string | undefined
  try {
    text = JSON.stringify(payload)
  } catch (cause) {
    throw new InvalidPayload(
      `Payload ${index} is not serialisable as JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
  if (text === undefined)
    throw new InvalidPayload(`Payload ${index} is ${typeof payload}, which JSON cannot carry. Use null or an object.`)
  return text
}
