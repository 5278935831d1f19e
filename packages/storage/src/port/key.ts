import { InvalidRequest } from './errors.ts'

const SEGMENT = /^[A-Za-z0-9_=@+,-][A-Za-z0-9._=@+,-]*$/
const MAX_KEY_BYTES = 1024
const MAX_SEGMENT_BYTES = 255

/** Whether `segment` may stand between two slashes of a key: 1 to 255 of `A-Z a-z 0-9 . _ = @ + , -`, not beginning with a dot. */
export function isKeySegment(segment: string): boolean {
  return segment.length <= MAX_SEGMENT_BYTES && SEGMENT.test(segment)
}

/**
 * Throws `InvalidRequest` unless `key` works on every store: at most 1,024 bytes, segments as in `isKeySegment`.
 * The limits are those of S3 (1,024 bytes), of MinIO and of file systems (255 bytes a segment, no `.` and `..`, no `//`).
 */
export function assertKey(key: string): void {
  if (key.length <= MAX_KEY_BYTES && key.split('/').every(isKeySegment)) return
  throw new InvalidRequest(
    `The key ${JSON.stringify(key)} is not usable on every store. Use segments of A-Z a-z 0-9 . _ = @ + , - that do not begin with a dot, ` +
      `each at most ${MAX_SEGMENT_BYTES} bytes, ${MAX_KEY_BYTES} in all, joined by single slashes.`,
    { key },
  )
}

/** Throws `InvalidRequest` unless `prefix` is empty or a key followed by a slash. */
export function assertPrefix(prefix: string): void {
  if (prefix === '') return
  if (!prefix.endsWith('/')) {
    throw new InvalidRequest(`The prefix ${JSON.stringify(prefix)} must end in a slash.`, { key: prefix })
  }
  assertKey(prefix.slice(0, -1))
}
