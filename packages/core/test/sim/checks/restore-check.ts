/**
 * What must hold when the store was emptied, or set back to an earlier state, under running processes: a message is completed only by its handler. Folds the log that
 * is there from then on, in which the tokens of processes that have not noticed may name other messages.
 */
import { createFencedLog, decodeFrame } from '@s3queue/primitives'
import { type Clock, createIds, type ObjectStore, type Random } from '@s3queue/storage'
import { applyEvent, beginCommit } from '../../../src/state/apply.ts'
import { decodeBatch } from '../../../src/state/batch-codec.ts'
import type { QueueEvent } from '../../../src/state/events.ts'
import { queueFold } from '../../../src/state/fold.ts'
import { messageId, type QueueState } from '../../../src/state/model.ts'
import { placeOf } from '../truth/keys.ts'
import { must } from '../world/violation.ts'

/** What the check needs of its world. */
export interface RestoredWorld {
  readonly clock: Clock
  readonly objects: ObjectStore
  readonly stream: (name: string) => Random
  /** Handlers that have returned: token and id. */
  readonly returned: ReadonlySet<string>
  readonly fail: (error: unknown) => void
}

export class RestoreCheck {
  readonly #world: RestoredWorld
  readonly #state: QueueState
  #slot: number
  /** How many messages were completed since. */
  completed = 0

  private constructor(world: RestoredWorld, state: QueueState, slot: number) {
    this.#world = world
    this.#state = state
    this.#slot = slot
  }

  /** Of the log as it is in the store now. */
  static async begin(world: RestoredWorld): Promise<RestoreCheck> {
    const { clock } = world
    const random = world.stream(`restore at ${clock.monotonic()}`)
    const log = createFencedLog({
      ...{ store: world.objects, prefix: 's3queue/jobs/0/', clock, random, ids: createIds(clock, random) },
    })
    const follower = log.follow(queueFold)
    const state = await follower.refresh()
    return new RestoreCheck(world, state, follower.slot)
  }

  /** The highest token that the log knows. */
  get highestToken(): number {
    return this.#state.nextToken - 1
  }

  stored(key: string, bytes: Uint8Array): void {
    const place = placeOf(key)
    // What a writer appends that has not noticed stands behind a gap.
    if (place.kind !== 'log' || place.slot !== this.#slot + 1) return
    this.#slot = place.slot
    const frame = decodeFrame<{ readonly kind: string }>(bytes)
    if (typeof frame === 'string') return
    beginCommit(this.#state, place.slot)
    if (frame.header.kind === 'fence') return
    for (const event of decodeBatch<QueueEvent>(frame.body).entries) {
      if (event.type === 'completed') for (const token of event.tokens) this.#assertReturned(token)
      applyEvent(this.#state, event)
    }
  }

  #assertReturned(token: number): void {
    this.completed++
    const claim = this.#state.active.get(token)
    const id = claim === undefined ? 'nothing' : messageId(claim)
    try {
      must(
        this.#world.returned.has(`${token} ${id}`),
        `${id} is completed under token ${token} in a restored log, but no handler of it has returned`,
      )
    } catch (error) {
      this.#world.fail(error)
    }
  }
}
