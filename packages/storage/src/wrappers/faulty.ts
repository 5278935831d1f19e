/**
 * A store that fails as stores and networks do: the same faults for unit tests, simulation and whole systems. The state is the counters, the requests that
 * land late, and whether faults are on. All time goes through the clock and all choices through the plan, so that a seed repeats a run.
 */
import { assertKnownKeys } from '../options/check-options.ts'
import type { ObjectStore, WatchOptions } from '../port/object-store.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { createDelivery } from './delivery.ts'
import { createBackground } from './faults/background.ts'
import type { FaultKind, FaultPlan } from './faults/fault.ts'
import { createFaultGate } from './faults/fault-gate.ts'
import { type FaultyRequest, sendWithFault } from './faults/faulty-request.ts'
import { deleteRequest, getRequest, listRequest, putRequest } from './faults/requests.ts'

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
  /** From now on requests go well and notifications arrive. Those under way keep their faults, and what is to land late still lands. */
  stop(): void
  /** Faults again, after `stop()`. */
  resume(): void
}

/** Wraps `store` so that `plan` decides of each request and each notification what goes wrong with it. Throws where the plan names a fault that there is not for a request. */
export function withFaults(store: ObjectStore, options: FaultsOptions): FaultyStore {
  assertKnownKeys('withFaults', options, ['clock', 'random', 'plan'])
  const { clock, random, plan } = options
  const background = createBackground(clock)
  const gate = createFaultGate(plan)

  const run = async <T>(request: FaultyRequest<T>): Promise<T> => {
    request.signal?.throwIfAborted()
    const fault = gate.next(request.operation)
    return fault ? sendWithFault(fault, request, clock, background) : request.send(request.signal)
  }
  const watch = store.watch?.bind(store)
  /** The options of a watch whose notifications meet faults. */
  const unreliable = (watchOptions: WatchOptions): WatchOptions => {
    const delivery = createDelivery(clock, watchOptions)
    const onChange = (): void => {
      const fault = gate.next({ kind: 'notify', key: watchOptions.prefix })
      if (fault === undefined) delivery.deliver(0)
      else if (fault.kind === 'latency') delivery.deliver((fault.sendMs ?? 0) + (fault.answerMs ?? 0))
    }
    return { ...watchOptions, onChange }
  }
  return {
    description: store.description,
    needsProbe: store.needsProbe,
    get: (key, getOptions = {}) => run(getRequest(store, key, getOptions)),
    put: (key, body, putOptions) => run(putRequest(store, key, body, putOptions)),
    delete: (keys, deleteOptions = {}) => run(deleteRequest(store, keys, deleteOptions)),
    list: (listOptions) => run(listRequest(store, listOptions, random)),
    watch: watch && ((watchOptions) => watch(unreliable(watchOptions))),
    injected: () => gate.injected(),
    get pendingEffects() {
      return background.pending
    },
    settled: () => background.settled(),
    stop: () => gate.stop(),
    resume: () => gate.resume(),
  }
}
