/** A wrapper of a store is a store: each keeps the whole port, also where it injects what the port allows. */
import {
  type FaultPlan,
  seededFaults,
  seededRandom,
  systemClock,
  systemRandom,
  withFaults,
  withLatency,
  withMetering,
  withPrefix,
  withRetries,
  withStoreTime,
} from '../../src/index.ts'
import { createReferenceStore, describeObjectStore } from '../../src/testing/index.ts'

describeObjectStore('a metered store', () => withMetering(createReferenceStore(), { clock: systemClock }), {
  watch: true,
})

describeObjectStore('a part of a store', () => withPrefix(withPrefix(createReferenceStore(), 'a/b/'), 'c/'), {
  maxKeyBytes: 1_024 - 'a/b/c/'.length,
  watch: true,
})

describeObjectStore('a store whose time is watched', () => withStoreTime(createReferenceStore(), systemClock), {
  watch: true,
})

describeObjectStore(
  'a store that is far away',
  () =>
    withLatency(createReferenceStore(), {
      clock: systemClock,
      random: seededRandom(1),
      getMs: 0.5,
      putMs: 0.5,
      listMs: 0.5,
      deleteMs: 0.5,
      jitter: 1,
    }),
  { watch: true },
)

describeObjectStore(
  'a store whose lists race with changes',
  () => {
    const random = seededRandom(2)
    const plan = seededFaults(random, { 'list-race': 0.7 }, { latencyMs: 0, spreadMs: 2 })
    return withFaults(createReferenceStore(), { clock: systemClock, random, plan })
  },
  { watch: true },
)

// Deletes are left alone here: one that is repeated after it took effect may take away the next life of a key, as `withRetries` says.
describeObjectStore(
  'retries over a store that fails to read',
  () => {
    const random = seededRandom(3)
    const rates = { throttled: 0.1, 'server-error': 0.1, 'truncated-body': 0.1 }
    const faults = seededFaults(random, rates, { latencyMs: 0, retryAfterMs: 0 })
    const plan: FaultPlan = {
      next: (operation) => (operation.kind === 'get' || operation.kind === 'list' ? faults.next(operation) : undefined),
    }
    const store = withFaults(createReferenceStore(), { clock: systemClock, random, plan })
    return withRetries(store, { clock: systemClock, random: systemRandom, attempts: 20, baseMs: 0 })
  },
  { watch: true },
)
