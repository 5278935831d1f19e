/** The four methods of a store as requests that a fault can befall. */
import { StoreUnavailable, Throttled, UnknownOutcome } from '../../port/errors.ts'
import type {
  DeleteOptions,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
} from '../../port/object-store.ts'
import { MAX_LIST_ENTRIES } from '../../requests/assert-request.ts'
import type { Random } from '../../runtime/random.ts'
import type { FaultyRequest } from './faulty-request.ts'
import { mergeLists } from './list-race.ts'

export function getRequest(store: ObjectStore, key: string, options: GetOptions): FaultyRequest<GetResult> {
  return {
    operation: { kind: 'get', key },
    words: `a get of "${key}" at ${store.description}`,
    key,
    signal: options.signal,
    send: (signal) => store.get(key, { ...options, signal }),
    fail: throwIt,
    truncate(answer) {
      if (answer.outcome !== 'found') return answer
      throw new StoreUnavailable(`The body of "${key}" at ${store.description} broke off (injected).`, { key })
    },
    merge: keepLast,
  }
}

export function putRequest(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  { condition, signal: putSignal }: PutOptions,
): FaultyRequest<PutResult> {
  // What lands late must not see what the caller does with its buffer after the answer.
  const kept = Uint8Array.from(body)
  return {
    operation: { kind: 'put', key, condition },
    words: `a put of "${key}" at ${store.description}`,
    key,
    signal: putSignal,
    send: (signal) => store.put(key, kept, { condition, signal }),
    fail(cause) {
      const retryAfterMs = cause instanceof Throttled ? cause.retryAfterMs : undefined
      const message = `${cause.message} The write may have taken place, or may still do so.`
      return { outcome: 'unknown', error: new UnknownOutcome(message, { cause, key, retryAfterMs }) }
    },
    truncate: keep,
    merge: keepLast,
  }
}

export function deleteRequest(
  store: ObjectStore,
  keys: readonly string[],
  options: DeleteOptions,
): FaultyRequest<void> {
  const kept = [...keys]
  return {
    operation: { kind: 'delete', keys: kept },
    words: `a delete of ${kept.length} keys at ${store.description}`,
    key: kept[0],
    signal: options.signal,
    send: (signal) => store.delete(kept, { signal }),
    fail: throwIt,
    truncate: keep,
    merge: keepLast,
  }
}

export function listRequest(store: ObjectStore, options: ListOptions, random: Random): FaultyRequest<ListResult> {
  return {
    operation: { kind: 'list', prefix: options.prefix },
    words: `a list of "${options.prefix}" at ${store.description}`,
    key: undefined,
    signal: options.signal,
    send: (signal) => store.list({ ...options, signal }),
    fail: throwIt,
    truncate: keep,
    merge: (before, after) => mergeLists(before, after, options.limit ?? MAX_LIST_ENTRIES, random),
  }
}

function throwIt(error: Error): never {
  throw error
}

function keep<T>(answer: T): T {
  return answer
}

function keepLast<T>(_: T, after: T): T {
  return after
}
