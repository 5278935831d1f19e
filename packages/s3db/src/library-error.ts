/** What an error of s3db.js means: the library wraps what its client says, and calls whatever it does not know a 500. */

interface Clues {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly statusCode?: unknown
  readonly $metadata?: { readonly httpStatusCode?: unknown } | undefined
  readonly original?: unknown
  readonly cause?: unknown
}

const MISSING = /^(NoSuchKey|NotFound|RESOURCE_NOT_FOUND|ENOENT)$/
const EXISTS = /^(PreconditionFailed|PRECONDITION_FAILED)$/
/** The store, or the way there, and not the record. */
const ELSEWHERE =
  /^(NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|SlowDown|ServiceUnavailable|InternalError|RequestTimeout|TimeoutError|Throttling\w*|AbortError|NetworkingError|PermissionError|E[A-Z]{4,}|EAI_AGAIN)$/

/** What was read makes no sense. For files the library calls that an internal error, as it does an outage. */
const BROKEN = 'SyntaxError'

/** `missing`: no such record. `exists`: there is one already. `unavailable`: nobody knows, ask again. `other`: it is about the record or the call. */
export type LibraryErrorKind = 'missing' | 'exists' | 'unavailable' | 'other'

export function classifyLibraryError(error: unknown): LibraryErrorKind {
  const chain = chainOf(error)
  const names = chain.flatMap(({ name, code }) => [name, code]).filter((name) => typeof name === 'string')
  if (!names.includes('NoSuchBucket') && names.some((name) => MISSING.test(name))) return 'missing'
  const statuses = chain
    .map(({ $metadata }) => $metadata?.httpStatusCode)
    .filter((status) => typeof status === 'number')
  if (names.includes(BROKEN) && statuses.length === 0) return 'other'
  if (names.some((name) => ELSEWHERE.test(name))) return 'unavailable'
  if (names.some((name) => EXISTS.test(name)) || statuses.includes(412)) return 'exists'
  if (statuses.some((status) => status >= 500 || status === 429 || status === 403)) return 'unavailable'
  const [first] = chain
  if (typeof first?.message === 'string' && /^Resource with id '.*' already exists$/s.test(first.message))
    return 'exists'
  if (first?.statusCode === 404) return 'missing'
  if (first?.statusCode === 412) return 'exists'
  return first?.statusCode === 503 || first?.statusCode === 429 ? 'unavailable' : 'other'
}

function chainOf(error: unknown): Clues[] {
  const chain: Clues[] = []
  for (let at = error; typeof at === 'object' && at !== null && chain.length < 5; ) {
    const clues = at as Clues
    chain.push(clues)
    at = clues.original ?? clues.cause
  }
  return chain
}
