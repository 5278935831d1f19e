/**
 * The queue's state as a fold of its log, and beside it what the log told: for a process that follows a queue.
 *
 * Owns what was read and is not taken yet. A walk that is thrown away takes what it told with it, and nothing is told twice; what a collection
 * removed before it was read is told as a gap.
 */
import type { Fold, LogEntry } from '@s3queue/primitives'
import { attemptOf, timesOf } from '../claim.ts'
import { describeFailure } from '../failure.ts'
import { applyEvent, beginCommit } from '../state/apply.ts'
import { decodeBatch } from '../state/batch-codec.ts'
import type { QueueEvent } from '../state/events.ts'
import { type Death, deathOf } from '../state/failures.ts'
import { createQueueFold, type OnSkipped } from '../state/fold.ts'
import { type Claim, numberedId, type QueueState } from '../state/model.ts'
import type { FollowedEvent, FollowedEventName } from './events.ts'

type EventOf<N extends FollowedEventName> = Extract<FollowedEvent, { readonly name: N }>['event']

/** What the log told. */
export interface Told {
  readonly told: FollowedEvent
  /** Of a message that died: what its event says of its failures, as texts of them may have to be read. */
  readonly death?: Death | undefined
}

export class TellingFold implements Fold<QueueState> {
  readonly #shard: number
  readonly #onSkipped: OnSkipped
  readonly #fold: Fold<QueueState>
  /** Slots up to here are told; undefined: nothing is to be told before the first call of `take`. */
  #upTo: number | undefined
  #told: Told[] = []

  /** `upTo`: the last slot that is not to be told; undefined for all that are there. */
  constructor(shard: number, upTo: number | undefined, onSkipped: OnSkipped) {
    this.#shard = shard
    this.#onSkipped = onSkipped
    this.#fold = createQueueFold(onSkipped)
    this.#upTo = upTo
  }

  start(snapshot: Uint8Array | undefined): QueueState {
    const state = this.#fold.start(snapshot)
    this.#told = []
    if (this.#upTo !== undefined && state.slot > this.#upTo)
      this.#tell(state, 'gap', { fromSlot: this.#upTo + 1, toSlot: state.slot })
    return state
  }

  apply(state: QueueState, entry: LogEntry): void {
    if (this.#upTo === undefined || entry.slot <= this.#upTo) {
      this.#fold.apply(state, entry)
      return
    }
    beginCommit(state, entry.slot)
    if (entry.kind === 'fence') this.#tell(state, 'promoted', { epoch: entry.epoch })
    else for (const event of decodeBatch<QueueEvent>(entry.body).entries) this.#applyAndTell(state, event)
  }

  /** What was told since the last call, if all up to `slot` was read. */
  take(slot: number): Told[] {
    const told = this.#told
    this.#told = []
    this.#upTo = slot
    return told
  }

  #applyAndTell(state: QueueState, event: QueueEvent): void {
    const claims = tokensOf(event)
      .map((token) => state.active.get(token))
      .filter((claim) => claim !== undefined)
    applyEvent(state, event, (reason) => this.#onSkipped(state.slot, event.type, reason))
    if (event.type === 'enqueued') {
      const { sender, seq, count, extras } = event
      this.#tell(state, 'enqueued', {
        ids: Array.from({ length: count }, (_, i) => extras?.id ?? numberedId(sender, seq + i)),
      })
    } else if (event.type === 'claimed') {
      for (let token = event.token; token < state.nextToken; token++) {
        const claim = state.active.get(token)
        if (claim !== undefined) this.#tell(state, 'claimed', attemptOf(claim))
      }
    } else for (const claim of claims) this.#tellEnd(state, event, claim)
  }

  /** How a claim ended. */
  #tellEnd(state: QueueState, event: QueueEvent, claim: Claim): void {
    const about = attemptOf(claim)
    const times = timesOf(claim)
    const { now: at } = state
    switch (event.type) {
      case 'completed': {
        const text = event.results?.find(([token]) => token === claim.token)?.[1]
        const result: unknown = text === undefined ? undefined : JSON.parse(text)
        this.#tell(state, 'completed', { ...about, ...times, durationMs: Math.max(0, at - claim.claimedAt), result })
        break
      }
      case 'retried': {
        const { name, message, more, visibleAt } = event
        const error = describeFailure({ attempt: claim.attempt, at, name, message, more })
        this.#tell(state, 'retried', { ...about, ...times, maxAttempts: claim.batch.maxAttempts, error, visibleAt })
        break
      }
      case 'died': {
        const death = deathOf(claim, at, event)
        const failures = [describeFailure(death.last)]
        this.#tell(state, 'died', { ...about, ...times, reason: event.reason, failures }, death)
        break
      }
      case 'snoozed':
        this.#tell(state, 'snoozed', { ...about, ...times, visibleAt: event.visibleAt })
        break
      case 'released':
      case 'expired':
      case 'cancelled':
        this.#tell(state, event.type, about)
    }
  }

  #tell<N extends FollowedEventName>(state: QueueState, name: N, event: EventOf<N>, death?: Death): void {
    this.#told.push({ told: { name, event, at: state.now, shard: this.#shard } as FollowedEvent, death })
  }
}

/** The claims that an event ends. */
function tokensOf(event: QueueEvent): readonly number[] {
  switch (event.type) {
    case 'completed':
    case 'released':
    case 'expired':
      return event.tokens
    case 'retried':
    case 'died':
    case 'snoozed':
    case 'cancelled':
      return [event.token]
    default:
      return []
  }
}
