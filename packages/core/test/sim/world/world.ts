/**
 * One simulated world: a shared store, one time, the processes in it, and those who watch. Owns all state of a run, so that
 * a seed and the code under test are all that a run depends on.
 */
import { type Clock, type FaultyStore, type ObjectStore, overwrite, type Random, sleep } from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import type { QueueEvent } from '../../../src/state/events.ts'
import { Acknowledgements } from '../checks/acknowledgements.ts'
import type { HandlerWatch } from '../checks/handler-watch.ts'
import { Homes } from '../checks/homes.ts'
import { Neighbours } from '../checks/neighbours.ts'
import { Pauses } from '../checks/pauses.ts'
import { RestoreCheck } from '../checks/restore-check.ts'
import { StatsCheck } from '../checks/stats-check.ts'
import type { CoreUnderTest } from '../run/core-under-test.ts'
import type { Profile } from '../run/profile.ts'
import { type Located, placeOf } from '../truth/keys.ts'
import type { Model } from '../truth/model.ts'
import { Machine } from './machines.ts'
import { type StoreWatch, withWatch } from './recorded-store.ts'
import type { Shard } from './shard.ts'
import { Shards } from './shards.ts'
import { createStream } from './streams.ts'
import { emptyTally, type Tally } from './tally.ts'
import { must, Violation } from './violation.ts'

export interface WorldOptions {
  readonly seed: number
  readonly core: CoreUnderTest
  readonly profile: Profile
  /** Told of everything that happens, in words. */
  readonly trace?: ((line: string) => void) | undefined
}

/** How far the queue's own clock may be ahead of the world's, in ms: the store tells whole seconds, answers are late, clocks drift. */
const CLOCK_TOLERANCE_MS = 5_000

export class World {
  readonly seed: number
  readonly core: CoreUnderTest
  readonly profile: Profile
  readonly clock: ManualClock = createManualClock()
  readonly objects: MemoryStore
  /** The shared store as processes reach it. */
  readonly store: ObjectStore
  readonly shards: Shards = new Shards()
  readonly acknowledgements: Acknowledgements
  readonly statistics: StatsCheck
  readonly homes: Homes = new Homes()
  readonly pauses: Pauses = new Pauses()
  /** Two of them are containers of one machine. */
  readonly machines: readonly Machine[]
  readonly neighbours: Neighbours
  readonly tally: Tally = emptyTally()
  /** Handlers that have returned: token and id. */
  readonly returned: Set<string> = new Set()
  /** Of all tokens that handlers were given. */
  highestToken = 0
  readonly #watches: StoreWatch[] = []
  /** The stores of all processes that ever were, with their faults. */
  readonly networks: FaultyStore[] = []
  readonly #trace: ((line: string) => void) | undefined
  #violation: Error | undefined
  #restored: RestoreCheck | undefined
  #isCalm = false
  readonly #calm = Promise.withResolvers<void>()

  constructor({ seed, core, profile, trace }: WorldOptions) {
    this.seed = seed
    this.core = core
    this.profile = profile
    this.#trace = trace
    this.objects = createMemoryStore({ clock: this.clock })
    this.store = withWatch(this.objects, {
      stored: (key, body) => {
        this.check(() => this.#stored(key, body))
        this.#restored?.stored(key, body)
      },
      deleted: (keys) => this.check(() => this.#deleted(keys)),
    })
    this.acknowledgements = new Acknowledgements(this.shards)
    this.statistics = new StatsCheck(this.shards)
    this.machines = [
      [1, 0],
      [1, 1],
      [2, 0],
    ].map(([number = 0, container]) => new Machine(number, container, core.createLinuxProcesses))
    this.neighbours = new Neighbours({
      ...{ clock: this.clock, shards: this.shards, areAlone: profile.machines === 'one' },
      check: (what) => this.check(what),
    })
  }

  /** The first violation, or whatever else a check threw. */
  get violation(): Error | undefined {
    return this.#violation
  }

  /** Whether nothing goes wrong any more, and everybody does what they should. */
  get isCalm(): boolean {
    return this.#isCalm
  }

  /** Resolves when it is calm. */
  get calm(): Promise<void> {
    return this.#calm.promise
  }

  /** From now on `watch` is told what takes effect in the store, after the world itself. What it throws is a violation. */
  watch(watch: StoreWatch): void {
    this.#watches.push(watch)
  }

  becomeCalm(): void {
    this.#isCalm = true
    this.note('world', 'calm from here on')
    this.#calm.resolve()
  }

  stream(name: string): Random {
    return createStream(this.seed, name)
  }

  /** What is watched since the store was set back to an earlier state. */
  get restored(): RestoreCheck | undefined {
    return this.#restored
  }

  /**
   * The store is set back to what it held when `copy` was taken. From then on what was promised is not true any longer, so nothing is checked but what must
   * hold all the same.
   */
  async restore(copy: ReturnType<MemoryStore['snapshot']>): Promise<void> {
    this.note('world', `the store is set back to ${copy.size} objects`)
    await this.objects.delete([...this.objects.snapshot().keys()])
    for (const [key, { body }] of copy) await this.objects.put(key, body, { condition: overwrite })
    this.#restored = await RestoreCheck.begin(this)
  }

  /** Runs a check. The first one that fails ends the run. */
  check(what: () => void): void {
    if (this.#restored !== undefined) return
    try {
      what()
    } catch (error) {
      this.violate(error)
    }
  }

  violate(error: unknown): void {
    if (this.#restored === undefined) this.fail(error)
  }

  /** Like `violate`, also where the store was restored. */
  fail(error: unknown): void {
    this.#violation ??= error instanceof Error ? error : new Violation(String(error))
  }

  /** A process has done what was left from its pause. */
  handlersAwake(): void {
    for (const { handlers } of this.shards) handlers.awake()
  }

  note(who: string, what: string): void {
    this.#trace?.(`${this.clock.monotonic().toFixed(1).padStart(10)}  ${who.padEnd(6)} ${what}`)
  }

  get isTraced(): boolean {
    return this.#trace !== undefined
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.clock, ms)
  }

  /** Calls `run` in a turn of its own. */
  later(run: () => void): void {
    this.clock.setTimer(0, run)
  }

  /** What `promise` resolves to. It is a violation if that takes longer than `ms`; `left` says what is missing. */
  within<T>(ms: number, what: string, promise: Promise<T>, left: () => string = () => ''): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.setTimer(ms, () =>
        this.fail(new Violation(`${what} is not done after ${Math.round(ms)} ms${left()}`)),
      )
      promise.then(resolve, reject).finally(cancel)
    })
  }

  #stored(key: string, body: Uint8Array): void {
    const place = placeOf(key)
    if (place.kind === 'shards') {
      this.homes.counted(body)
      this.tally.raises++
      this.note('store', `there are ${this.homes.count} shards`)
    } else this.#storedIn(this.shards.at(place.shard), place, key, body)
    for (const watch of this.#watches) watch.stored(key, body)
  }

  #storedIn(shard: Shard, place: Located, key: string, body: Uint8Array): void {
    const { history, inbox } = shard
    if (place.kind === 'log') this.#slotStored(shard, place.slot, body)
    else if (place.kind === 'base') {
      history.baseStored(body)
      this.tally.snapshots++
      this.note('store', `the base moves to slot ${history.baseSlot}`)
    } else if (place.kind === 'snapshots') history.snapshotStored(key, body)
    else if (place.kind === 'payloads') history.payloadStored(key, body)
    else if (place.kind === 'inbox') {
      const object = inbox.stored(key, body, this.clock.monotonic())
      this.statistics.stored(shard, object)
      if (this.isTraced) this.note('store', `inbox: ${JSON.stringify(object.commands)}`)
    }
  }

  #slotStored({ index, history, handlers }: Shard, slot: number, body: Uint8Array): void {
    const { tally } = this
    history.slotStored(slot, body)
    const last = history.slots[slot - 1]
    if (last === undefined || slot < history.head) return
    if (last.kind === 'fence') tally.takeOvers++
    else tally.commits++
    for (const event of last.events) {
      if (event.type === 'time') assertClock(this.clock, event.at)
      else if (event.type === 'expired') this.#expired(handlers, event.tokens)
      else if (event.type === 'enqueued') this.homes.enqueued(index, event)
      else if (event.type === 'claimed') this.pauses.assertMayClaim(index)
      else if (event.type === 'retried') tally.retries++
      else if (event.type === 'died') tally.deaths++
      else if (event.type === 'completed') for (const token of event.tokens) handlers.settled('completed', token)
      else if (event.type === 'cancelled') tally.revocations++
      else if (event.type === 'snoozed') handlers.settled('snoozed', event.token)
      else if (event.type === 'releasing') tally.revocations++
      else if (event.type === 'released') this.#released(history.model, handlers, event)
    }
    if (this.isTraced)
      this.note('store', `slot ${slot}, ${last.kind} of epoch ${last.epoch} ${JSON.stringify(last.events)}`)
  }

  #expired(handlers: HandlerWatch, tokens: readonly number[]): void {
    this.tally.expiries += tokens.length
    for (const token of tokens) handlers.ended(token, 'runs out')
  }

  #released(
    { claims }: Model,
    handlers: HandlerWatch,
    { tokens, started, counted = started }: Extract<QueueEvent, { type: 'released' }>,
  ): void {
    this.tally.releases += tokens.length
    for (const token of tokens) {
      const claim = claims.get(token)
      handlers.ended(token, 'is released')
      must(
        claim?.releasingIn !== undefined || !counted,
        `the attempt of token ${token} counts, although no handler ended it`,
      )
      if (!started) handlers.givenBack(token)
    }
  }

  #deleted(keys: readonly string[]): void {
    for (const key of keys) {
      const place = placeOf(key)
      if (place.kind === 'shards') throw new Violation('what says how many shards there are is deleted')
      const { history, inbox } = this.shards.at(place.shard)
      if (place.kind === 'log') {
        history.slotDeleted(place.slot)
        this.tally.collected++
      } else if (place.kind === 'inbox') inbox.deleted(key, history.model)
      else if (place.kind === 'payloads') history.payloadDeleted(key)
    }
    for (const watch of this.#watches) watch.deleted(keys)
    this.note('store', `deleted: ${keys.join(' ')}`)
  }
}

/** Nobody's clock, however wrong, may become the queue's: delayed messages would be handed out too early, or never. */
function assertClock(clock: Clock, at: number): void {
  const offBy = at - clock.now()
  must(offBy <= CLOCK_TOLERANCE_MS, `the log says that it is ${at}: the clock of its writer is ${offBy} ms ahead`)
}
