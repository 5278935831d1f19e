/** What the tests of this package share: processes on one queue in virtual time. */
import { createQueue, type Handler, type ProcessOptions, type Queue, type QueueOptions } from '@s3queue/core'
import { type Clock, createIds, type ObjectStore, seededRandom, sleep, withLatency } from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { Gate } from '../../core/test/sim/world/gate.ts'
import { createProcessClock } from '../../core/test/sim/world/process-clock.ts'
import { type CoordinatorOptions, createMailboxTransport, type MailboxTransport } from '../src/index.ts'

export interface Process<T = unknown> {
  readonly queue: Queue<T>
  readonly transport: MailboxTransport
}

export interface World {
  readonly clock: ManualClock
  readonly store: MemoryStore
  /** What each process has of its own: options of a queue replace it as a whole. */
  runtime(): NonNullable<QueueOptions['runtime']>
  /** A queue as a process of its own has it. */
  open<T = unknown>(options?: Partial<QueueOptions>, coordinator?: CoordinatorOptions, store?: ObjectStore): Process<T>
  /** Runs virtual time until `promise` is settled. */
  run<T>(promise: Promise<T>): Promise<T>
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>
}

export function createWorld(): World {
  const clock = createManualClock()
  const memory = createMemoryStore({ clock })
  let processes = 0
  const run = <T>(promise: Promise<T>): Promise<T> => clock.runUntil(promise, { limitMs: 24 * 3_600_000 })
  const runtime = (): NonNullable<QueueOptions['runtime']> => {
    const random = seededRandom(++processes)
    return { clock, random, ids: createIds(clock, random) }
  }
  return {
    clock,
    store: memory,
    runtime,
    open<T>(options: Partial<QueueOptions> = {}, coordinator: CoordinatorOptions = {}, store: ObjectStore = memory) {
      const transport = createMailboxTransport(coordinator)
      return { transport, queue: createQueue<T>({ name: 'jobs', store, transport, runtime: runtime(), ...options }) }
    },
    run,
    pass: (ms) => run(sleep(clock, ms)),
  }
}

/** A handler that takes its time and notes what it did. */
export function slowly(
  world: World,
  ms: number,
  done: unknown[],
): (message: { readonly payload: unknown }) => Promise<void> {
  return async ({ payload }) => {
    await sleep(world.clock, ms)
    done.push(payload)
  }
}

/** A link to the store that the test can cut: requests made meanwhile get no answer until it is mended, as from a process that was paused. */
export interface Link {
  readonly store: ObjectStore
  cut(): void
  mend(): void
}

export function linkTo(store: ObjectStore): Link {
  let mended: Promise<void> | undefined
  let mend: () => void = () => {}
  const through = async <T>(request: () => Promise<T>): Promise<T> => {
    await mended
    const answer = await request()
    await mended
    return answer
  }
  return {
    store: wrapped(store, through),
    cut() {
      const gate = Promise.withResolvers<void>()
      mended = gate.promise
      mend = gate.resolve
    },
    mend() {
      mended = undefined
      mend()
    },
  }
}

/** A process that the test can stop altogether: until it goes on, none of its timers fires and no answer reaches it. */
export interface Stoppable extends Process {
  readonly clock: Clock
  stop(): void
  goOn(): void
}

export function openStoppable(world: World, options: Partial<QueueOptions>): Stoppable {
  const gate = new Gate()
  const clock = createProcessClock({ world: world.clock, gate, rate: 1, aheadMs: 0 })
  const random = seededRandom(99)
  const through = <T>(request: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request().then(
        (answer) => gate.pass('reply', () => resolve(answer)),
        (error: unknown) => gate.pass('reply', () => reject(error)),
      )
    })
  const runtime = { clock, random, ids: createIds(clock, random) }
  return {
    ...world.open({ ...options, runtime }, {}, wrapped(world.store, through)),
    clock,
    stop: () => gate.pause(),
    goOn: () => gate.resume('timers-first', (run) => void world.clock.setTimer(0, run)),
  }
}

function wrapped(store: ObjectStore, through: <T>(request: () => Promise<T>) => Promise<T>): ObjectStore {
  return {
    description: store.description,
    get: (key, options) => through(() => store.get(key, options)),
    put: (key, body, options) => through(() => store.put(key, body, options)),
    delete: (keys, options) => through(() => store.delete(keys, options)),
    list: (options) => through(() => store.list(options)),
  }
}

/** Troubles that a queue tells of from now on. */
export function troublesOf(queue: Queue<unknown>): Error[] {
  const troubles: Error[] = []
  queue.on('trouble', ({ error }) => troubles.push(error as Error))
  return troubles
}

/** Makes `first` the writer, by starting it before the others. */
export async function startInOrder(world: World, starts: readonly (() => void)[]): Promise<void> {
  for (const start of starts) {
    start()
    await world.pass(1500)
  }
}

/** Starts a worker in each of these processes, of which the first becomes the writer. */
export async function workInOrder<T>(
  world: World,
  processes: readonly { readonly queue: Queue<T> }[],
  handler: Handler<T>,
  options?: ProcessOptions,
): Promise<void> {
  const starts = processes.map(
    ({ queue }) =>
      (): unknown =>
        queue.process(handler, options),
  )
  await startInOrder(world, starts)
}

/** The world's store as S3 is: each request takes 60 ms, and it notifies of nothing. */
export function s3Like(world: World): ObjectStore {
  const ms = 60
  return withLatency(withoutWatch(world.store), { clock: world.clock, putMs: ms, getMs: ms, listMs: ms, deleteMs: ms })
}

/** The same store, but for notifications. */
export function withoutWatch(store: ObjectStore): ObjectStore {
  return wrapped(store, (request) => request())
}
