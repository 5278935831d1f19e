/** What the fault proxy can do to a request, as data. */

/** What happens to a request instead of being passed on and answered. */
export type Fault =
  /** The server gets it and does it; the client's connection breaks instead of an answer. */
  | { readonly kind: 'drop-response' }
  /** The connection breaks before the server hears of it. */
  | { readonly kind: 'drop-request' }
  /** It is passed on when `until` is settled, also if the client has given up by then. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /** The client gets this answer; the server does what was asked only if `applied`. */
  | AnswerFault
  /** The answer breaks off after this many bytes of its body. */
  | { readonly kind: 'cut-body'; readonly afterBytes: number }
  /** The server gets it twice, one after the other; the client gets the second answer. */
  | { readonly kind: 'send-twice' }

export interface AnswerFault {
  readonly kind: 'answer'
  readonly status: number
  /** S3's error code. Default: the usual one for the status. */
  readonly code?: string
  /** Adds the header `Retry-After`. */
  readonly retryAfter?: string
  /** Whether the server does it all the same. Default false. */
  readonly applied?: boolean
}

/** Which requests a fault is for. */
export interface FaultTarget {
  readonly method?: string
  /** Looked for in the path, which begins with a slash and the bucket. */
  readonly path?: string | RegExp
  /** How many such requests. Default 1. */
  readonly times?: number
}

/** A request that came through the proxy. */
export interface ProxiedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bodyBytes: number
  /** What was done to it; undefined if nothing was. */
  readonly fault: Fault['kind'] | undefined
}

const USUAL_CODES: Readonly<Record<number, string>> = {
  403: 'AccessDenied',
  409: 'ConditionalRequestConflict',
  412: 'PreconditionFailed',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'SlowDown',
}

/** The body of an error answer. */
export function errorBody({ status, code = USUAL_CODES[status] ?? 'UnknownError' }: AnswerFault): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>Injected by the fault proxy</Message></Error>`
}

export function isTarget(request: Pick<ProxiedRequest, 'method' | 'path'>, { method, path }: FaultTarget): boolean {
  if (method !== undefined && request.method !== method) return false
  if (path === undefined) return true
  return typeof path === 'string' ? request.path.includes(path) : path.test(request.path)
}
