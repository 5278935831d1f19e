/**
 * Reads what the SDK throws into plain data: status, code, words, and what the head of the answer said. Only an answer of the store
 * has a status here; an error of the credentials' own service has none, whatever it looks like. What is kept of an
 * answer is picked by name, because a signature error repeats the request's headers, a session token among them.
 */
import type { Clock } from '@s3queue/storage'
import { type ResponseHead, readRetryAfterMs, readStoreTimeMs } from './response-head.ts'

export interface Failure {
  /** HTTP status of the store's answer; undefined if there was none. */
  readonly status: number | undefined
  /** S3's error code (`SlowDown`), empty where an answer has none; or the code or name of a local error (`ECONNREFUSED`). */
  readonly code: string
  /** What the store, or the machine, says about it. */
  readonly text: string
  readonly requestId: string | undefined
  /** Where the bucket is, if the store says so (`x-amz-bucket-region`). */
  readonly bucketRegion: string | undefined
  readonly storeTimeMs: number | undefined
  readonly retryAfterMs: number | undefined
  /** What went wrong, without secrets. */
  readonly cause: Error
}

/** What an S3 server answered instead of what it was asked for. */
class S3ErrorAnswer extends Error {
  readonly status: number
  readonly requestId: string | undefined

  constructor(code: string, text: string, status: number, requestId: string | undefined) {
    super(text)
    this.name = code === '' ? 'S3ErrorAnswer' : code
    this.status = status
    this.requestId = requestId
  }
}

export interface FailureContext {
  /** Head of the store's answer, if there was one. */
  readonly head: ResponseHead | undefined
  readonly clock: Clock
  /** Whether the store has ever answered. */
  readonly answeredBefore: boolean
}

export function readFailure(error: unknown, { head, clock, answeredBefore }: FailureContext): Failure {
  const thrown = error instanceof Error ? error : new Error(String(error))
  if (head === undefined) return localFailure(thrown, answeredBefore)
  const metadata = readMetadata(thrown)
  const status = metadata.httpStatusCode ?? head.status
  // A head that promised success, and then no use: the connection broke, or what came was not S3's.
  const isBroken = status < 300
  const code = isBroken ? (codeOf(thrown) ?? '') : (s3CodeOf(thrown) ?? '')
  const text = isBroken || code !== '' ? wordsOf(thrown) : ''
  const requestId = metadata.requestId ?? head.headers['x-amz-request-id']
  return {
    status,
    code,
    text,
    requestId,
    bucketRegion: head.headers['x-amz-bucket-region'],
    storeTimeMs: readStoreTimeMs(head),
    retryAfterMs: readRetryAfterMs(head, clock),
    cause: isBroken ? thrown : new S3ErrorAnswer(code, text, status, requestId),
  }
}

/** A failure that an answer reports about one of many keys (DeleteObjects). */
export function partialFailure(code: string, text: string, storeTimeMs: number | undefined): Failure {
  const status = STATUS_OF_CODE[code] ?? 500
  const cause = new S3ErrorAnswer(code, text, status, undefined)
  return {
    status,
    code,
    text,
    requestId: undefined,
    bucketRegion: undefined,
    storeTimeMs,
    retryAfterMs: undefined,
    cause,
  }
}

/** What the SDK's credential providers throw, and what AWS STS answers them. */
const CREDENTIALS_ERRORS = new Set([
  'CredentialsProviderError',
  'ProviderError',
  'TokenProviderError',
  'AccessDenied',
  'AccessDeniedException',
  'ExpiredTokenException',
  'InvalidIdentityToken',
])

/** Codes that S3 gives for single keys, with the status the same error has as an answer of its own. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  AllAccessDisabled: 403,
  SlowDown: 503,
  ServiceUnavailable: 503,
  NoSuchBucket: 404,
  MethodNotAllowed: 405,
  InvalidArgument: 400,
  MalformedXML: 400,
  NotImplemented: 501,
}

function localFailure(error: Error, answeredBefore: boolean): Failure {
  const name = CREDENTIALS_ERRORS.has(error.name)
    ? answeredBefore
      ? 'CredentialsNotRenewed'
      : 'NoCredentials'
    : error.name
  return {
    status: undefined,
    code: codeOf(error) ?? name,
    text: wordsOf(error),
    requestId: undefined,
    bucketRegion: undefined,
    storeTimeMs: undefined,
    retryAfterMs: undefined,
    cause: error,
  }
}

/** Node reports a refused connection to several addresses as one error with an empty message: its parts have the words. */
function wordsOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((part) => wordsOf(part as Error)).join('; ')
  return error.message.split('\n', 1)[0] ?? ''
}

function codeOf(error: Error): string | undefined {
  const code = 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** The code in the body of the answer; the SDK invents a name where there is none. */
function s3CodeOf(error: Error): string | undefined {
  const code = 'Code' in error ? error.Code : undefined
  return typeof code === 'string' ? code : undefined
}

function readMetadata(error: Error): { httpStatusCode?: number; requestId?: string } {
  const metadata = '$metadata' in error ? error.$metadata : undefined
  return typeof metadata === 'object' && metadata !== null ? metadata : {}
}
