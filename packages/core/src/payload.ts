/** Payloads on their way in and out: checked before anything is promised, and copies: what the caller changes afterwards changes nothing. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidPayload, PayloadTooLarge } from './errors.ts'
import { NotJson, toJson } from './json.ts'
import type { Payload } from './state/batch-codec.ts'

/** Largest enqueue in one call, in bytes: it becomes one commit. */
const MAX_BATCH_BYTES = 64 << 20

/** `payload` as it is stored: JSON text, or a copy of its bytes. `index` is its place in the call, for the error message. */
export function encodePayload(payload: unknown, index: number, maxBytes: number): Payload {
  const encoded = payload instanceof Uint8Array ? new Uint8Array(payload) : textOf(payload, index)
  const bytes = sizeOf(encoded, maxBytes)
  if (bytes > maxBytes) {
    throw new PayloadTooLarge(
      `Payload ${index} has ${bytes} bytes, more than the ${maxBytes} of maxPayloadBytes. Raise it, or put the data into the store and enqueue its key.`,
    )
  }
  return encoded
}

/** Bytes of a payload; for short texts an upper bound is enough, as a character takes at most three bytes of UTF-8. */
export function sizeOf(payload: Payload, exactAbove: number): number {
  if (typeof payload !== 'string' || payload.length * 3 <= exactAbove) return payload.length
  return Buffer.byteLength(payload)
}

/** Throws `PayloadTooLarge` if the payloads do not fit into one commit. */
export function assertBatchFits(payloads: readonly Payload[]): void {
  let total = 0
  for (const payload of payloads) total += payload.length
  if (total <= MAX_BATCH_BYTES) return
  throw new PayloadTooLarge(
    `The ${payloads.length} payloads have ${total} bytes together, more than the ${MAX_BATCH_BYTES} of one commit. Enqueue them in several calls.`,
  )
}

/** What the schema makes of `value`. Throws `InvalidPayload`, which is not retriable, with every issue it found. */
export async function checkPayload(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  let result: StandardSchemaV1.Result<unknown>
  try {
    result = await schema['~standard'].validate(value)
  } catch (cause) {
    throw new InvalidPayload(
      `The schema threw while it checked a payload: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(({ path = [], message }) => {
    const where = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where === '' ? message : `${where}: ${message}`
  })
  throw new InvalidPayload(`The payload does not fit the schema: ${issues.join('; ')}`)
}

function textOf(payload: unknown, index: number): string {
  try {
    return toJson(payload)
  } catch (error) {
    if (!(error instanceof NotJson)) throw error
    throw new InvalidPayload(
      `Payload ${index} ${error.message} Bytes go as a Uint8Array that is the whole payload.`,
      error.cause,
    )
  }
}
