/**
 * From a failed exchange to the port's errors: one rule for each answer, and words that say what to do. A write whose failure is
 * `retriable` here has an unknown outcome; so a rule makes an error final only where it is certain that nothing was done.
 */
import {
  AccessDenied,
  InvalidRequest,
  NoSuchBucket,
  type StoreError,
  StoreUnavailable,
  Throttled,
  UnsupportedStore,
} from '@s3queue/storage'
import type { Attempt } from './attempt.ts'
import type { Failure } from './failure.ts'
import { hintFor } from './hints.ts'

/** 400s that say "that did not get through whole", or "too slowly": sent again they may succeed. */
const GARBLED = new Set([
  'RequestTimeout',
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
])

const BAD_CREDENTIALS = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'InvalidTokenId',
  'TokenRefreshRequired',
  'RequestExpired',
  'InvalidAccessKeyId',
])
const THROTTLES = new Set(['RequestLimitExceeded', 'BandwidthLimitExceeded', 'TooManyRequests', 'Throttling'])

export function toStoreError(failure: Failure, attempt: Attempt): StoreError {
  const options = { cause: failure.cause, key: attempt.key }
  const message = describeFailure(failure, attempt)
  switch (classify(failure)) {
    case 'throttled':
      return new Throttled(message, { ...options, retryAfterMs: failure.retryAfterMs })
    case 'denied':
      return new AccessDenied(message, options)
    case 'no-bucket':
      return new NoSuchBucket(message, options)
    case 'unsupported':
      return new UnsupportedStore(message, options)
    case 'invalid':
      return new InvalidRequest(message, options)
    case 'unavailable':
      return new StoreUnavailable(message, options)
  }
}

type FailureClass = 'throttled' | 'denied' | 'no-bucket' | 'unsupported' | 'invalid' | 'unavailable'

/** Statuses and codes: "List of error codes" in the Amazon S3 API reference; `@s3queue/storage` says what the classes mean. */
function classify({ status, code, text, retryAfterMs }: Failure): FailureClass {
  if (status === undefined) return classifyLocal(code, text)
  if (status < 300) return 'unavailable'
  if (status === 429 || code.startsWith('SlowDown') || THROTTLES.has(code)) return 'throttled'
  if (status === 503 && retryAfterMs !== undefined) return 'throttled'
  if (status === 501 || status === 405) return 'unsupported'
  if (status >= 500 || status === 408 || status === 409 || GARBLED.has(code)) return 'unavailable'
  if (status === 401 || status === 403 || BAD_CREDENTIALS.has(code)) return 'denied'
  if (code === 'NoSuchBucket') return 'no-bucket'
  // A 404 without a code of S3 comes from something in between, as do redirects for a moment.
  if (status === 404 || status === 302 || status === 307 || status === 308 || status === 304) return 'unavailable'
  return 'invalid'
}

function classifyLocal(code: string, text: string): FailureClass {
  if (code === 'NoCredentials') return 'denied'
  if (code === 'EndpointError' || /^Region is missing/.test(text)) return 'invalid'
  return 'unavailable'
}

function describeFailure(failure: Failure, attempt: Attempt): string {
  const { requestId } = failure
  const what = attempt.key === undefined ? attempt.operation : `${attempt.operation} of ${JSON.stringify(attempt.key)}`
  const words = failure.text === '' ? '' : `: ${failure.text.replace(/[.?!]$/, '')}`
  const id = requestId === undefined ? '' : ` (request id ${requestId})`
  const hint = hintFor(failure, attempt)
  return `${attempt.description}: ${what} failed with ${describeAnswer(failure)}${words}${id}.${hint === '' ? '' : ` ${hint}`}`
}

function describeAnswer({ status, code }: Failure): string {
  if (status === undefined) return code
  if (status < 300) return code === '' ? 'an unusable answer' : `an unusable answer: ${code}`
  return code === '' ? `${status}, without an S3 error` : `${status} ${code}`
}
