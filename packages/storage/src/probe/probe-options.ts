import { assertKnownKeys, numberOption } from '../options/check-options.ts'
import { assertPrefix } from '../port/key.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Ids } from '../runtime/ids.ts'
import type { Random } from '../runtime/random.ts'

export interface ProbeOptions {
  /** Tells how long it took, and lets a check that got no usable answer wait before it is repeated. Default: no clock, no waiting. */
  readonly clock?: Clock | undefined
  /** Draws the sizes of the racing bodies and the order of the writers. */
  readonly random: Random
  readonly ids: Ids
  /**
   * How many races of each kind. A store that is wrong in half of its races passes ten of them once in a thousand times; one that is
   * wrong in a tenth, every third time: take more where the store is new to you. 1 to 1,000, default 10.
   */
  readonly rounds?: number | undefined
  /** How many writers race. 2 to 64, default 8. */
  readonly writers?: number | undefined
  /** The probe works below `<prefix>probe/<ulid>/`. Ends in a slash, or is empty; default empty. */
  readonly prefix?: string | undefined
  /** Ends the probe; what it wrote is still cleaned up. */
  readonly signal?: AbortSignal | undefined
}

export interface ResolvedProbeOptions {
  readonly clock: Clock | undefined
  readonly random: Random
  readonly ids: Ids
  readonly rounds: number
  readonly writers: number
  readonly prefix: string
  readonly signal: AbortSignal | undefined
}

export function resolveProbeOptions(options: ProbeOptions): ResolvedProbeOptions {
  const owner = 'probeStore'
  const resolved: ResolvedProbeOptions = {
    clock: options.clock,
    random: options.random,
    ids: options.ids,
    rounds: numberOption(owner, 'rounds', options.rounds, 10, { min: 1, max: 1_000, integer: true }),
    writers: numberOption(owner, 'writers', options.writers, 8, { min: 2, max: 64, integer: true }),
    prefix: options.prefix ?? '',
    signal: options.signal,
  }
  assertKnownKeys(owner, options, Object.keys(resolved))
  assertPrefix(resolved.prefix)
  return resolved
}
