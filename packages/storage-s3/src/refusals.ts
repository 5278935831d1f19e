/**
 * Refusals of a request's signature that a second request can overcome. The store checks the signature before anything else, so a request
 * that is refused for it has changed nothing, and sending it again is safe for every kind of request, conditional writes included.
 */
import type { Failure } from './failure.ts'

/** What makes the next request succeed. */
export type Remedy =
  /** None is needed: the SDK has taken the store's time from the refusal and signs the next request with it. */
  | 'corrected-clock'
  /** The credentials' provider may have others by now. */
  | 'new-credentials'

/** Codes: "List of error codes" in the Amazon S3 API reference; `InvalidTokenId` is MinIO's. */
const REMEDIES: ReadonlyMap<string, Remedy> = new Map([
  ['RequestTimeTooSkewed', 'corrected-clock'],
  ['RequestInTheFuture', 'corrected-clock'],
  ['ExpiredToken', 'new-credentials'],
  ['ExpiredTokenException', 'new-credentials'],
  ['InvalidToken', 'new-credentials'],
  ['InvalidTokenId', 'new-credentials'],
  ['TokenRefreshRequired', 'new-credentials'],
  ['InvalidAccessKeyId', 'new-credentials'],
  ['SignatureDoesNotMatch', 'new-credentials'],
])

/** Services say `RequestExpired` for a signature that is too old and for a session that has ended. */
const AMBIGUOUS = 'RequestExpired'

/** Whether an answer with this status can be such a refusal. Most failed answers are none: 304, 404, 412. */
export function mayBeRefusal(status: number | undefined): boolean {
  return status === 400 || status === 401 || status === 403
}

/** The remedies to try, in order; none for any other failure. */
export function remediesFor({ status, code }: Failure): readonly Remedy[] {
  if (!mayBeRefusal(status)) return []
  if (code === AMBIGUOUS) return ['corrected-clock', 'new-credentials']
  const remedy = REMEDIES.get(code)
  return remedy === undefined ? [] : [remedy]
}
