/** What can go wrong with a request, as data. */
import type { PutCondition } from '../../port/object-store.ts'

/** A request on its way to the store, or a notification on its way from there. */
export type StoreOperation =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly condition: PutCondition }
  | { readonly kind: 'delete'; readonly keys: readonly string[] }
  | { readonly kind: 'list'; readonly prefix: string }
  /** A change is notified. `key` is the prefix or the key that is watched. */
  | { readonly kind: 'notify'; readonly key: string }

/** How long a request is on its way; both default to 0. */
interface Travel {
  /** Ms until the request is at the store. */
  readonly sendMs?: number | undefined
  /** Ms until the answer is back from there. */
  readonly answerMs?: number | undefined
}

/** A write that fails in spite of it. */
interface MayApply {
  /** Whether the request takes effect nevertheless. Default false. */
  readonly applied?: boolean | undefined
}

/**
 * One fault. The caller of a write gets outcome `unknown`, or `StoreUnavailable` from a delete; the caller of a read gets `Throttled` or `StoreUnavailable`.
 * A notification has no caller: `latency` delays it, and every other fault loses it.
 */
export type Fault =
  /** The request only takes long. */
  | (Travel & { readonly kind: 'latency' })
  /** 503 SlowDown, with or without a `Retry-After`. The request has no effect. */
  | (Travel & { readonly kind: 'throttled'; readonly retryAfterMs?: number | undefined })
  /** 500 InternalError. */
  | (Travel & MayApply & { readonly kind: 'server-error' })
  /** 409: a conflicting operation was under way. For a put alone. */
  | (Travel & MayApply & { readonly kind: 'conflict' })
  /** The request is lost on the way there; the caller waits `timeoutMs` in vain. */
  | { readonly kind: 'timeout-before-apply'; readonly timeoutMs: number }
  /** The answer is lost on the way back; the caller waits `timeoutMs` in vain. */
  | { readonly kind: 'timeout-after-apply'; readonly timeoutMs: number; readonly sendMs?: number | undefined }
  /** The caller gives up after `timeoutMs`, and only `applyMs` after it was sent the request takes effect. For a put or a delete. */
  | { readonly kind: 'late-apply'; readonly timeoutMs: number; readonly applyMs: number }
  /**
   * The request arrives twice, the second time `gapMs` after the first, as from a client that repeats by itself or from a network that duplicates. The
   * caller gets the second answer (default: so a `create` fails against its own first copy) or the first. For a put or a delete.
   */
  | (Travel & {
      readonly kind: 'double-send'
      readonly gapMs: number
      readonly answer?: 'first' | 'second' | undefined
    })
  /** The body of a get breaks off. */
  | (Travel & { readonly kind: 'truncated-body' })
  /** A list takes `spreadMs`, and of what changes meanwhile it shows some and some not. */
  | (Travel & { readonly kind: 'list-race'; readonly spreadMs: number })
  /** The notification of a change does not arrive. */
  | { readonly kind: 'lost-notification' }

export type FaultKind = Fault['kind']

/** Which faults there are for each kind of request, and for a notification. */
export const FAULTS_OF: Readonly<Record<StoreOperation['kind'], readonly FaultKind[]>> = {
  get: ['latency', 'throttled', 'server-error', 'timeout-before-apply', 'timeout-after-apply', 'truncated-body'],
  put: [
    'latency',
    'throttled',
    'server-error',
    'conflict',
    'timeout-before-apply',
    'timeout-after-apply',
    'late-apply',
    'double-send',
  ],
  delete: [
    'latency',
    'throttled',
    'server-error',
    'timeout-before-apply',
    'timeout-after-apply',
    'late-apply',
    'double-send',
  ],
  list: ['latency', 'throttled', 'server-error', 'timeout-before-apply', 'timeout-after-apply', 'list-race'],
  notify: ['latency', 'lost-notification'],
}

/** All kinds of faults. */
export const FAULT_KINDS: readonly FaultKind[] = [...new Set(Object.values(FAULTS_OF).flat())]

/** Decides what happens to each request and each notification, in the order in which they are sent. */
export interface FaultPlan {
  /** The fault for this request, of a kind that there is for it; undefined if it goes well. Any fault but `latency` loses a notification. */
  next(operation: StoreOperation): Fault | undefined
}
