/**
 * A process that uses the queue: a queue object with clocks, randomness and a link of its own, all behind one gate. It can crash, stand still,
 * lose the store, and have its wall clock set, at any of its awaits.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createIds, type FaultyStore, seededFaults, unknownProcesses, withFaults } from '@s3queue/storage'
import type { Handler, ProcessOptions, QueueOptions, Worker } from '../../../src/index.ts'
import type { QueueUnderTest } from '../run/core-under-test.ts'
import { between, chance, pick } from './draw.ts'
import { Gate, type WakeOrder } from './gate.ts'
import { Link } from './link.ts'
import type { MachineProcess } from './machines.ts'
import type { SimPayload } from './payload.ts'
import { createProcessClock, type ProcessClock } from './process-clock.ts'
import { createProcessStore } from './process-store.ts'
import { isRefusal, Refusals } from './refusals.ts'
import { fits, type Stall, type Trap } from './trap.ts'
import type { World } from './world.ts'

const WAKE_ORDERS: readonly WakeOrder[] = ['as-held', 'timers-first', 'replies-first']
const HOUR_MS = 3_600_000
/** Which call of a user the code belongs to that runs now. Requests of a queue belong to none, and handlers to the call that started their worker. */
const caller = new AsyncLocalStorage<string>()

/** What a process is started with. */
export interface ProcessStart {
  readonly snapshotAfterCommits: number
  /** How many shards it says that there are. */
  readonly shards: number | undefined
}

export class VirtualProcess {
  readonly name: string
  readonly gate: Gate = new Gate()
  readonly clock: ProcessClock
  /** The same time for its handlers, who may leave timers behind. */
  readonly handlerClock: ProcessClock
  readonly queue: QueueUnderTest
  readonly network: FaultyStore
  /** Undefined where the machine does not identify its processes. */
  readonly #onMachine: MachineProcess | undefined
  /** Calls that are not settled, in words. */
  readonly pending: Set<string> = new Set()
  worker: Worker | undefined
  /** It handles a single message. */
  isServing = false
  /** The worker that was told last to stop. */
  stopping: Worker | undefined
  isClosing = false
  isClosed = false
  /** It was refused, as there are more shards than it says: whoever runs it has to start it anew. */
  isOutdated = false
  readonly shards: number | undefined
  readonly #world: World
  readonly #link: Link
  /** Requests on their way. */
  readonly #travelling = new Set<Promise<unknown>>()
  #calls = 0
  #trap: { readonly trap: Trap; readonly spring: () => Stall | undefined } | undefined

  constructor(world: World, name: string, { snapshotAfterCommits, shards }: ProcessStart) {
    this.#world = world
    this.name = name
    this.shards = shards
    const draw = world.stream(`${name}/process`)
    const { clock, profile } = world
    const clocks = {
      ...{ world: clock, gate: this.gate, rate: 1 + between(draw, -profile.drift, profile.drift) },
      aheadMs: chance(draw, 0.2) ? between(draw, -HOUR_MS, HOUR_MS) : between(draw, -300, 300),
    }
    if (clocks.rate !== 1) world.tally.driftingClocks++
    this.clock = createProcessClock(clocks)
    this.handlerClock = createProcessClock(clocks)
    const onMachine = world.stream(`${name}/machine`)
    const machine = profile.machines === 'one' ? world.machines[0] : pick(onMachine, world.machines)
    const isKnown = profile.machines === 'one' || chance(onMachine, 0.85)
    this.#onMachine = isKnown ? machine?.start() : undefined
    this.#link = new Link(clock, world.stream(`${name}/link`))
    const plan = seededFaults(world.stream(`${name}/faults`), profile.rates, profile.times)
    this.network = withFaults(world.store, { clock, random: world.stream(`${name}/lists`), plan })
    world.networks.push(this.network)
    if (world.isCalm) this.network.stop()
    this.queue = world.core.createQueue(this.#queueOptions(snapshotAfterCommits), profile.transport, shards)
  }

  get isRunning(): boolean {
    return this.gate.life === 'running'
  }

  /** Whether it can be asked for something. */
  get isOpen(): boolean {
    return this.isRunning && !this.isClosing
  }

  /** Whether its worker was told to stop. */
  get isStopping(): boolean {
    return this.worker !== undefined && this.worker === this.stopping
  }

  get isLinked(): boolean {
    return this.#link.isUp
  }

  /** Resolves once what it has sent by now has taken effect, or never will. */
  async landed(): Promise<void> {
    await Promise.allSettled(this.#travelling)
    await this.network.settled()
  }

  #travels(way: Promise<unknown>): void {
    this.#travelling.add(way)
    const end = (): void => void this.#travelling.delete(way)
    way.then(end, end)
  }

  /** Asks for something and says what came of it. Rejections with one of `codes` are part of the deal; any other is a violation. */
  async call<T>(what: string, ask: () => Promise<T>, codes: readonly string[]): Promise<T | undefined> {
    const name = `${this.name} ${what} #${++this.#calls}`
    this.pending.add(name)
    this.#world.note(this.name, `asks: ${what}`)
    try {
      const answer = await caller.run(name, ask)
      this.#world.note(this.name, `has: ${what}`)
      return answer
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
      this.#world.note(this.name, `has not: ${what}: ${code ?? String(error)}`)
      if (!this.mustRestart(code) && !this.wasRefused(error) && (code === undefined || !codes.includes(code)))
        this.#world.violate(new Error(`${name} failed: ${String(error)}`, { cause: error }))
      return undefined
    } finally {
      this.pending.delete(name)
    }
  }

  /** Whether the store refused the call, in a world where it does that. */
  wasRefused(error: unknown): boolean {
    return (this.#world.profile.refusals ?? 0) > 0 && isRefusal(error)
  }

  /** Whether it is told by this that it is outdated, and rightly so. */
  mustRestart(code: string | undefined): boolean {
    if (code !== 'INVALID_OPTION' || this.shards === undefined || this.shards >= this.#world.homes.count) return false
    this.isOutdated = true
    return true
  }

  /** `spring` is called at the next request or answer of this kind; what it returns stalls the request. */
  setTrap(trap: Trap, spring: () => Stall | undefined): void {
    this.#trap = { trap, spring }
  }

  #tread(moment: Trap['moment'], operation: string, key: string): Stall | undefined {
    const found = caller.getStore()
    if (found !== undefined)
      this.#world.violate(new Error(`${this.name} makes a request (${operation} ${key}) in the context of ${found}`))
    if (this.#trap === undefined || !fits(this.#trap.trap, moment, operation, key)) return undefined
    const { spring } = this.#trap
    this.#trap = undefined
    return this.isRunning && !this.#world.isCalm ? spring() : undefined
  }

  startWorker(handler: Handler<SimPayload>, options: ProcessOptions): void {
    this.#world.note(this.name, `starts a worker ${JSON.stringify(options)}`)
    const name = `${this.name} worker`
    const inContext: Handler<SimPayload> = (message, context) => {
      const found = caller.getStore()
      if (found !== name) this.#world.violate(new Error(`A handler of ${this.name} runs in the context of ${found}`))
      return handler(message, context)
    }
    this.worker = caller.run(name, () => this.queue.process(inContext, options))
    this.#world.neighbours.works(this)
  }

  async close(): Promise<void> {
    this.isClosing = true
    await this.call('close', () => this.queue.close(), [])
    this.isClosed = true
    this.#onMachine?.end()
    // Calls that were under way are told in this turn.
    await this.#world.sleep(0)
    const { pendingTimers } = this.clock
    this.#world.note(this.name, `is closed, ${pendingTimers} timers left`)
    if (pendingTimers > 0)
      this.#world.violate(new Error(`${this.name} is closed and still has ${pendingTimers} timers`))
  }

  crash(): void {
    this.#world.note(this.name, 'crashes')
    this.gate.crash()
    this.#onMachine?.end()
    this.#world.neighbours.killed(this)
    this.pending.clear()
  }

  pause(): void {
    this.#world.note(this.name, 'stands still')
    this.gate.pause()
  }

  /** `first`: what its users ask for before it has done what is overdue. */
  resume(first?: () => void): void {
    if (this.gate.life !== 'paused') return
    const order = pick(this.#world.stream(`${this.name}/${this.clock.monotonic()}`), WAKE_ORDERS)
    this.#world.note(this.name, `goes on (${order})`)
    this.gate.resume(order, (run) => this.#world.later(run))
    first?.()
    this.#world.later(() => this.#world.check(() => this.#world.handlersAwake()))
  }

  cutLink(): void {
    this.#world.note(this.name, 'loses the store')
    this.#link.cut()
  }

  healLink(): void {
    if (this.#link.isUp) return
    this.#world.note(this.name, 'reaches the store again')
    this.#link.heal()
  }

  jumpWall(ms: number): void {
    this.#world.note(this.name, `has its wall clock set by ${Math.round(ms)} ms`)
    this.clock.jumpWall(ms)
  }

  #refusals(): Refusals | undefined {
    const { profile, clock } = this.#world
    const { refusals: share = 0 } = profile
    if (share === 0) return undefined
    const random = this.#world.stream(`${this.name}/refusals`)
    return new Refusals({ clock, random, share, isCalm: () => this.#world.isCalm })
  }

  #queueOptions(snapshotAfterCommits: number): QueueOptions {
    const { profile, clock } = this.#world
    const random = this.#world.stream(`${this.name}/runtime`)
    const store = createProcessStore({
      ...{ network: this.network, gate: this.gate, link: this.#link, clock },
      random: this.#world.stream(`${this.name}/requests`),
      notifies: profile.notifies ?? false,
      refusals: this.#refusals(),
      onRequest: (operation, key) => {
        this.#world.tally.requests++
        if (this.#world.isTraced) this.#world.note(this.name, `→ ${operation} ${key}`)
        return this.#tread('request', operation, key)
      },
      onTravel: (way) => this.#travels(way),
      onArrival: (operation, key) => void this.#tread('arrival', operation, key),
      onReply: (operation, key, outcome) => {
        if (this.#world.isTraced) this.#world.note(this.name, `← ${operation} ${key}: ${outcome}`)
      },
    })
    const { visibilityTimeoutMs, takeoverAfterMs, maxAttempts, backoff, lingerMs, maxPollMs } = profile
    return {
      ...{ name: 'jobs', store, visibilityTimeoutMs, takeoverAfterMs, maxAttempts, backoff, lingerMs, maxPollMs },
      acknowledgeTimeoutMs: profile.acknowledgeTimeoutMs,
      // Users look before anybody has enqueued.
      ifMissing: 'empty',
      offloadAboveBytes: profile.offloadAboveBytes,
      retention: {
        ...{ deadCount: profile.deadCount, completedCount: profile.variety?.completedCount ?? 100_000 },
        ...profile.ages,
      },
      runtime: {
        ...{ clock: this.clock, random, ids: createIds(this.clock, random) },
        processes: this.#onMachine?.processes ?? unknownProcesses,
        snapshotAfterCommits,
      },
    }
  }
}
