/**
 * A store that fails as stores and networks do: the same faults for unit tests, simulation and whole systems. The state is the counters, the requests that
 * land late, and whether faults are on. All time goes through the clock and all choices through the plan, so that a seed repeats a run.
 */
import { assertKnownKeys } from '../options/check-options.ts'
import { StoreUnavailable, Throttled, UnknownOutcome } from '../port/errors.ts'
import type { GetResult, ObjectStore, PutResult } from '../port/object-store.ts'
import { MAX_LIST_ENTRIES } from '../requests/assert-request.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { createBackground } from './faults/background.ts'
import {
  FAULT_KINDS,
  FAULTS_OF,
  type Fault,
  type FaultKind,
  type FaultPlan,
  type StoreOperation,
} from './faults/fault.ts'
import { type FaultyRequest, sendWithFault } from './faults/faulty-request.ts'
import { mergeLists } from './faults/list-race.ts'

export interface FaultsOptions {
  readonly clock: Clock
  /** Draws what a racing list shows. */
  readonly random: Random
  readonly plan: FaultPlan
}

export interface FaultyStore extends ObjectStore {
  /** How many faults of each kind there were. */
  injected(): Readonly<Record<FaultKind, number>>
  /** Requests that have not landed yet though their caller was answered. */
  readonly pendingEffects: number
  /** Resolves once no such request is pending. */
  settled(): Promise<void>
  /** From now on requests go well. Those under way keep their faults, and what is to land late still lands. */
  stop(): void
  /** Faults again, after `stop()`. */
  resume(): void
}

/** Wraps `store` so that `plan` decides of each request what goes wrong with it. Throws where the plan names a fault that there is not for a request. */
export function withFaults(store: ObjectStore, options: FaultsOptions): FaultyStore {
  assertKnownKeys('withFaults', options, ['clock', 'random', 'plan'])
  const { clock, random, plan } = options
  const background = createBackground(clock)
  const counts = new Map<FaultKind, number>()
  let stopped = false

  const nextFault = (operation: StoreOperation): Fault | undefined => {
    const fault = stopped ? undefined : plan.next(operation)
    if (fault === undefined) return undefined
    if (!FAULTS_OF[operation.kind].includes(fault.kind)) {
      throw new Error(`The plan has the fault "${fault.kind}" for a ${operation.kind}, which cannot have it.`)
    }
    counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1)
    return fault
  }
  const run = async <T>(operation: StoreOperation, request: FaultyRequest<T>): Promise<T> => {
    request.signal?.throwIfAborted()
    const fault = nextFault(operation)
    return fault ? sendWithFault(fault, request, clock, background) : request.send(request.signal)
  }
  return {
    description: store.description,
    needsProbe: store.needsProbe,
    get: (key, getOptions = {}) =>
      run(
        { kind: 'get', key },
        requestOf<GetResult>(store, `a get of "${key}"`, key, getOptions.signal, {
          send: (signal) => store.get(key, { ...getOptions, signal }),
          truncate: (answer) => truncateBody(answer, key, store.description),
        }),
      ),
    put(key, body, { condition, signal: putSignal }) {
      // What lands late must not see what the caller does with its buffer after the answer.
      const kept = Uint8Array.from(body)
      return run(
        { kind: 'put', key, condition },
        requestOf<PutResult>(store, `a put of "${key}"`, key, putSignal, {
          send: (signal) => store.put(key, kept, { condition, signal }),
          fail: unknownOutcome,
        }),
      )
    },
    delete: (keys, { signal: deleteSignal } = {}) =>
      run(
        { kind: 'delete', keys },
        requestOf<void>(store, `a delete of ${keys.length} keys`, keys[0], deleteSignal, {
          send: (signal) => store.delete(keys, { signal }),
        }),
      ),
    list: (listOptions) =>
      run(
        { kind: 'list', prefix: listOptions.prefix },
        requestOf(store, `a list of "${listOptions.prefix}"`, undefined, listOptions.signal, {
          send: (signal) => store.list({ ...listOptions, signal }),
          merge: (before, after) => mergeLists(before, after, listOptions.limit ?? MAX_LIST_ENTRIES, random),
        }),
      ),
    injected: () =>
      Object.fromEntries(FAULT_KINDS.map((kind) => [kind, counts.get(kind) ?? 0])) as Record<FaultKind, number>,
    get pendingEffects() {
      return background.pending
    },
    settled: () => background.settled(),
    stop() {
      stopped = true
    },
    resume() {
      stopped = false
    },
  }
}

type Specifics<T> = Pick<FaultyRequest<T>, 'send'> & Partial<FaultyRequest<T>>

/** A request whose failures are thrown and whose answers are left alone, but for what `specifics` says. */
function requestOf<T>(
  store: ObjectStore,
  what: string,
  key: string | undefined,
  signal: AbortSignal | undefined,
  specifics: Specifics<T>,
): FaultyRequest<T> {
  return {
    words: `${what} at ${store.description}`,
    key,
    signal,
    fail(error) {
      throw error
    },
    truncate: (answer) => answer,
    merge: (_, after) => after,
    ...specifics,
  }
}

function unknownOutcome(cause: Throttled | StoreUnavailable): PutResult {
  const retryAfterMs = cause instanceof Throttled ? cause.retryAfterMs : undefined
  const message = `${cause.message} The write may have taken place, or may still do so.`
  return { outcome: 'unknown', error: new UnknownOutcome(message, { cause, key: cause.key, retryAfterMs }) }
}

function truncateBody(answer: GetResult, key: string, description: string): GetResult {
  if (answer.outcome !== 'found') return answer
  throw new StoreUnavailable(`The body of "${key}" at ${description} broke off (injected).`, { key })
}
