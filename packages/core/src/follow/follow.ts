/** Following a queue from any process: what happens in it, read from its log. */
import { assertKnownKeys, InvalidOption, numberOption, sleep } from '@s3queue/storage'
import type { EngineContext } from '../engine/context.ts'
import type { LogTexts } from '../engine/log-texts.ts'
import { assertSignal } from '../signal-option.ts'
import type { Death } from '../state/failures.ts'
import type { FollowedEvent, FollowedEventName } from './events.ts'
import { TellingFold } from './telling-fold.ts'

const FOLLOWED_NAMES: readonly FollowedEventName[] = [
  ...(['enqueued', 'claimed', 'completed', 'retried', 'died', 'snoozed', 'cancelled', 'released', 'expired'] as const),
  ...(['promoted', 'gap'] as const),
]

/** Which events `Queue.follow` reads from the log, and how often it looks. */
export interface FollowOptions {
  /** Only events of these names, and gaps. Default: all that are in the log. */
  readonly names?: readonly FollowedEventName[] | undefined
  /** Ends the loop. */
  readonly signal?: AbortSignal | undefined
  /** Wait between two looks while something happens, in ms, 10 to 3,600,000. Default 500. */
  readonly pollMs?: number | undefined
  /** Longest wait while nothing does, in ms; each is twice the one before. Default: the queue's `maxPollMs`, at most 12,000. */
  readonly maxPollMs?: number | undefined
}

const DEFAULT_MAX_POLL_MS = 12_000

export interface ResolvedFollowOptions {
  readonly names: ReadonlySet<FollowedEventName>
  readonly signals: readonly AbortSignal[]
  readonly pollMs: number
  readonly maxPollMs: number
}

/** Fills in the defaults. Throws `InvalidOption`. */
export function resolveFollowOptions(
  { names = FOLLOWED_NAMES, signal, pollMs, maxPollMs, ...unknown }: FollowOptions,
  queueMaxPollMs: number,
): ResolvedFollowOptions {
  const who = 'follow'
  assertKnownKeys(who, unknown, ['names', 'signal', 'pollMs', 'maxPollMs'])
  assertSignal(who, signal)
  if (!Array.isArray(names)) throw new InvalidOption(who, 'names', 'must be an array of names.')
  for (const name of names) {
    if (!FOLLOWED_NAMES.includes(name))
      throw new InvalidOption(who, 'names', `must be some of ${FOLLOWED_NAMES.join(', ')}, not ${String(name)}.`)
  }
  const bounds = { min: 10, max: 3_600_000, integer: true }
  const shortest = numberOption(who, 'pollMs', pollMs, Math.min(500, queueMaxPollMs), bounds)
  const longest = Math.max(shortest, Math.min(DEFAULT_MAX_POLL_MS, queueMaxPollMs))
  return {
    names: new Set<FollowedEventName>(['gap', ...names]),
    signals: signal === undefined ? [] : [signal],
    pollMs: shortest,
    maxPollMs: numberOption(who, 'maxPollMs', maxPollMs, longest, {
      ...bounds,
      min: shortest,
    }),
  }
}

/** What happens from now on, or all from the beginning of the log on, until one of the signals is aborted. */
export async function* followLog(
  { log, options, texts, skipped }: EngineContext,
  { names, signals, pollMs, maxPollMs }: ResolvedFollowOptions,
  fromStart: boolean,
): AsyncGenerator<FollowedEvent, void, void> {
  const fold = new TellingFold(options.shard, fromStart ? 0 : undefined, skipped)
  const follower = log.follow(fold)
  const end = AbortSignal.any([...signals])
  for (let waitMs = pollMs; ; ) {
    try {
      await follower.poll(end)
    } catch (error) {
      if (end.aborted) return
      throw error
    }
    const told = fold.take(follower.slot)
    for (const { told: event, death } of told) {
      if (end.aborted) return
      if (!names.has(event.name)) continue
      yield event.name === 'died' && death !== undefined ? await withFailures(texts, event, death) : event
    }
    waitMs = told.length > 0 ? pollMs : Math.min(maxPollMs, waitMs * 2)
    await sleep(options.clock, waitMs, end).catch(() => {})
  }
}

async function withFailures(
  texts: LogTexts,
  told: Extract<FollowedEvent, { readonly name: 'died' }>,
  death: Death,
): Promise<FollowedEvent> {
  return { ...told, event: { ...told.event, failures: await texts.ofDeath(death) } }
}
