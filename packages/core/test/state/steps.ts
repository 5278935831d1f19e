/** What befalls a queue in the model-based tests, one step after the other. Durations are tiny, so that moments meet to the millisecond. */
import fc from 'fast-check'

export interface Enqueue {
  readonly kind: 'enqueue'
  readonly count: number
  readonly priority: number
  readonly maxAttempts: number
  readonly delay: number
  readonly lifo: boolean
  readonly named: string | undefined
  readonly key: string | undefined
  readonly onDead: 'replace' | undefined
}

/** How a claim ends; `stale`: by a token that nobody holds. */
export interface Settle {
  readonly kind: 'complete' | 'fail' | 'fatal' | 'release' | 'return' | 'expire' | 'snooze' | 'reject' | 'stale'
  /** Which claim. */
  readonly pick: number
  readonly ms: number
}

export interface Control {
  readonly kind:
    | ('cancel' | 'release-by-id' | 'redrive' | 'redrive-all' | 'forget')
    | ('pause' | 'resume' | 'purge' | 'accept-restore')
  /** Which message. */
  readonly pick: number
}

export type Step =
  | Enqueue
  | { readonly kind: 'claim'; readonly limit: number }
  | { readonly kind: 'settle'; readonly settle: Settle }
  | { readonly kind: 'control'; readonly control: Control }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'commit' | 'snapshot' }

const pick = fc.nat({ max: 1000 })

const settings: fc.Arbitrary<Omit<Enqueue, 'onDead'>> = fc.record({
  kind: fc.constant('enqueue' as const),
  count: fc.integer({ min: 1, max: 4 }),
  priority: fc.constantFrom(0, 0, 0, 1, -2),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  delay: fc.constantFrom(0, 0, 0, 1, 2, 4),
  lifo: fc.constantFrom(false, false, false, false, true),
  named: fc.constantFrom(undefined, undefined, undefined, undefined, 'x', 'y'),
  key: fc.constantFrom(undefined, undefined, undefined, undefined, 'k', 'l'),
})

const enqueue: fc.Arbitrary<Enqueue> = settings.map((one) => ({
  ...one,
  onDead: one.maxAttempts === 2 ? 'replace' : undefined,
}))

const settle: fc.Arbitrary<Settle> = fc.record({
  kind: fc.constantFrom(
    ...(['complete', 'fail', 'fatal', 'release', 'return', 'expire', 'snooze', 'reject', 'stale'] as const),
  ),
  pick,
  ms: fc.constantFrom(0, 1, 3),
})

const control: fc.Arbitrary<Control> = fc.record({
  kind: fc.constantFrom(
    ...(['cancel', 'release-by-id', 'redrive', 'pause', 'resume', 'purge', 'redrive-all', 'forget'] as const),
    'accept-restore' as const,
  ),
  pick,
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: enqueue },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 8, arbitrary: settle.map((one) => ({ kind: 'settle' as const, settle: one })) },
  { weight: 3, arbitrary: control.map((one) => ({ kind: 'control' as const, control: one })) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('commit' as const, 'snapshot' as const) }) },
)

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(step, { maxLength: 60, size: 'max' })
