/**
 * The handlers that a process runs at once for one queue, and how many messages it claims ahead of them.
 *
 * A queue with several logs has a worker for each, and they share one pool. Owns the slots, the order in which workers get them, and what is
 * measured. It prevents that a queue of four logs runs four times the handlers that its user allows, that a log without messages keeps slots
 * from the others, and that messages of one log wait for ever behind those of another: each may hold its equal part whatever the
 * others hold, so that all together may hold at most twice as many as one worker would, and each gets slots in turn.
 */
import type { Clock } from '@s3queue/storage'
import { Changes } from '../engine/changes.ts'
import { Prefetch } from './prefetch.ts'

/** How long handlers may run one after the other before the event loop gets a turn. */
const TURN_MS = 10

/** When no ticket of several logs has got a handler for this long, those that wait go back: the log's writer cannot see that another log's handlers are in their way. */
const STALL_MS = 2000

/** A worker, as the pool sees it. */
export interface SlotMember {
  /** Claims it has in hand or is about to get. */
  readonly held: number
  /** Tickets that wait for a handler. */
  readonly ready: number
  /** Whether its tickets come from a writer in another process. */
  readonly isFar: boolean
  /** The first ticket's handler starts now, or its time is over. */
  startNext(now: number): void
  /** No handler has ended for a long time: what waits behind them goes back. */
  giveBackTickets(): void
  /** There may be room again, although nothing of this worker has ended. */
  roomChanged(): void
}

export interface SlotPoolOptions {
  readonly clock: Clock
  /** Handlers at once. */
  readonly concurrency: number
  /** Messages to claim ahead of them, at most. */
  readonly maxPrefetch: number
  /** How long a commit may wait, which claims wait with it, in ms. */
  readonly lingerMs: number
}

export class SlotPool {
  readonly concurrency: number
  readonly #clock: Clock
  readonly #prefetch: Prefetch
  readonly #members: SlotMember[] = []
  /** Whose turn it is. */
  #next = 0
  #running = 0
  #taken = 0
  #mayTake = Number.POSITIVE_INFINITY
  #finished = 0
  /** When a handler ended last, or the first of those that run began. */
  #endedAt = 0
  /** When the event loop turned last, as far as this pool knows. */
  #turnAt = 0
  #cancelTurn: (() => void) | undefined
  /** When a ticket got its handler last, or began to wait. */
  #movedAt = 0
  #cancelStall: (() => void) | undefined
  #isStalled = false
  /** Handlers have ended. */
  readonly #ends = new Changes()

  constructor({ clock, concurrency, maxPrefetch, lingerMs }: SlotPoolOptions) {
    this.#clock = clock
    this.concurrency = concurrency
    this.#prefetch = new Prefetch(clock, concurrency, maxPrefetch, lingerMs)
  }

  /** Handlers running now. */
  get running(): number {
    return this.#running
  }

  /** Messages that were taken, but for those that never reached a handler. */
  get taken(): number {
    return this.#taken
  }

  /** Messages whose handlers have ended. */
  get finishedCount(): number {
    return this.#finished
  }

  /** How many more messages were taken than the limit allows. */
  get excess(): number {
    return Math.max(0, this.#taken - this.#mayTake)
  }

  /** From now on at most `count` more messages are taken. */
  limit(count: number): void {
    this.#mayTake = this.#taken + count
    for (const member of this.#members) member.roomChanged()
  }

  /** Resolves once `count` handlers have ended in all, or the signal is aborted. */
  async whenFinished(count: number, signal: AbortSignal): Promise<void> {
    while (this.#finished < count && !signal.aborted) await this.#ends.next(signal)
  }

  /** Resolves once no handler runs, or the signal is aborted. */
  async whenIdle(signal: AbortSignal): Promise<void> {
    while (this.#running > 0 && !signal.aborted) await this.#ends.next(signal)
  }

  join(member: SlotMember): void {
    this.#members.push(member)
  }

  /** A worker has nothing any more and takes nothing. */
  leave(member: SlotMember): void {
    const at = this.#members.indexOf(member)
    if (at >= 0) this.#members.splice(at, 1)
    if (this.#members.length > 0) return
    this.#cancelStall?.()
    this.#cancelTurn?.()
  }

  /** How many more messages a worker would take now. */
  room({ held, isFar }: SlotMember): number {
    const all = this.concurrency + (this.#isStalled ? 0 : this.#prefetch.target(isFar))
    const count = this.#members.length
    const free = all - this.#held()
    const own = count > 1 && !this.#isStalled ? Math.max(1, Math.floor(all / count)) - held : free
    return Math.min(Math.max(free, own), this.#mayTake - this.#taken)
  }

  /** How many handlers could start now if a worker had tickets for them. */
  freeSlots(): number {
    return Math.min(this.concurrency - this.#held(), this.#mayTake - this.#taken)
  }

  /** How many messages beyond its room a worker takes if they are more urgent than those it holds; 0 if it takes a limited number. */
  get overCapacity(): number {
    return this.#mayTake === Number.POSITIVE_INFINITY ? this.concurrency : 0
  }

  /** Messages per ms that the handlers finish while all of them are busy; 0 if that is not known yet. If none has ended for long, less than before. */
  get rate(): number {
    const { rate } = this.#prefetch
    if (this.#running < this.concurrency) return rate
    return Math.min(rate, this.concurrency / Math.max(1, this.#clock.monotonic() - this.#endedAt))
  }

  /** How long a visit to the writer's process may wait, in ms: several fit into the time that the tickets at hand last. */
  visitMs(): number {
    return this.#prefetch.visitMs(this.#ready())
  }

  /** `count` messages are taken; if it is negative, they never reached a handler. */
  took(count: number): void {
    this.#taken += count
  }

  /** Claims have arrived that were requested at `askedAt`, if that is known. Returns the current moment, monotonic. */
  arrived(askedAt: number | undefined): number {
    if (askedAt !== undefined) this.#prefetch.arrived(askedAt)
    this.#turnAt = this.#clock.monotonic()
    const now = this.#turnAt
    this.pump()
    this.#watchStall()
    return now
  }

  /** A handler starts. */
  started(now: number): void {
    if (this.#running++ === 0) this.#endedAt = now
    this.#prefetch.started(now)
  }

  /** A handler that started at `startedAt` has ended. Returns the moment, monotonic. */
  ended(startedAt: number): number {
    this.#running--
    this.#finished++
    this.#endedAt = this.#clock.monotonic()
    this.#prefetch.endedAt(this.#endedAt, startedAt)
    this.#ends.tell()
    const wasStalled = this.#isStalled
    this.#isStalled = false
    // The writers of the other logs do not see that a handler is free.
    if (this.#members.length > 1 && (wasStalled || this.#held() < this.concurrency)) this.#tellRoom()
    return this.#endedAt
  }

  /** How long settlements may wait for others, in ms: 0 if the handlers may run out of work by then, or if nothing else of their log will end meanwhile. */
  batchingMs(): number {
    return this.#prefetch.batchingMs(this.#ready(), this.#members.length)
  }

  /** Starts as many handlers as there are slots, from each worker in turn. */
  pump(): void {
    while (this.#running < this.concurrency) {
      const member = this.#nextReady()
      if (member === undefined) return
      const now = this.#clock.monotonic()
      if (now - this.#turnAt > TURN_MS) {
        this.#takeTurns()
        return
      }
      this.#movedAt = now
      member.startNext(now)
    }
  }

  #nextReady(): SlotMember | undefined {
    const count = this.#members.length
    for (let i = 0; i < count; i++) {
      const at = (this.#next + i) % count
      const member = this.#members[at]
      if (member === undefined || member.ready === 0) continue
      this.#next = at + 1
      return member
    }
    return undefined
  }

  /** Lets the event loop turn: handlers that wait for nothing would keep heartbeats and deadlines waiting until the last ticket. */
  #takeTurns(): void {
    this.#cancelTurn ??= this.#clock.setTimer(0, () => {
      this.#cancelTurn = undefined
      this.#turnAt = this.#clock.monotonic()
      this.pump()
    })
  }

  #held(): number {
    return this.#members.reduce((sum, { held }) => sum + held, 0)
  }

  #ready(): number {
    return this.#members.reduce((sum, { ready }) => sum + ready, 0)
  }

  /** A worker's own settlements say that it has room; those of another worker do not. */
  #tellRoom(): void {
    if (this.#members.length > 1) for (const member of this.#members) member.roomChanged()
  }

  #watchStall(): void {
    if (this.#members.length < 2 || this.#cancelStall !== undefined || this.#ready() === 0) return
    this.#movedAt = Math.max(this.#movedAt, this.#clock.monotonic())
    this.#setStallTimer(STALL_MS)
  }

  #setStallTimer(waitMs: number): void {
    this.#cancelStall = this.#clock.setTimer(waitMs, () => {
      this.#cancelStall = undefined
      if (this.#ready() === 0) return
      const leftMs = this.#movedAt + STALL_MS - this.#clock.monotonic()
      if (leftMs >= 1) return this.#setStallTimer(leftMs)
      this.#isStalled = true
      for (const member of this.#members) member.giveBackTickets()
    })
  }
}
