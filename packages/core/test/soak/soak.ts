/**
 * Days of traffic in virtual time on one queue, with every feature that leaves something behind: does anything grow that should not?
 */
import { create, createIds, seededRandom } from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { type Handler, retry, snooze } from '../../src/index.ts'
import { type Crew, type Job, startCrew, type Task } from './crew.ts'
import { type Sample, takeSample } from './sample.ts'

const HOUR_MS = 3_600_000
const ORPHANS_PER_DAY = 10
const LARGE = 'x'.repeat(3000)
const TASKS: readonly Task[] = ['plain', 'plain', 'fails', 'fails once', 'snoozes', 'reports', 'large', 'dies']

const OPTIONS = {
  ...{ offloadAboveBytes: 2000, takeoverAfterMs: 120_000, maxPollMs: 60_000, deduplicationWindowMs: HOUR_MS },
  backoff: { baseMs: 1000 },
  retention: { completedCount: 300, completedAgeMs: 6 * HOUR_MS, deadCount: 100, deadAgeMs: 24 * HOUR_MS },
} as const

export interface SoakOptions {
  readonly days: number
  /** Bursts of traffic in an hour. */
  readonly burstsPerHour: number
  readonly seed: number
  readonly onDay: (sample: Sample) => void
}

export interface SoakResult {
  readonly samples: readonly Sample[]
  /** Messages that were acknowledged, and what became of them. */
  readonly enqueued: number
  readonly ended: {
    readonly completed: number
    readonly dead: number
    readonly redriven: number
  }
}

const handler: Handler<Job> = ({ payload: { task } }, context) => {
  if (task === 'fails' || (task === 'fails once' && context.attempt === 1))
    return retry({ reason: 'as it was asked to' })
  if (task === 'snoozes' && context.enqueuedAt > context.claimedAt - 60_000) return snooze(60_000)
  if (task === 'dies') throw Object.assign(new Error('no good'), { retriable: false })
  if (task === 'reports') {
    context.progress({ percent: 50 })
    context.log('half way')
  }
  return { task }
}

/** Runs all of it. */
export async function runSoak({ days, burstsPerHour, seed, onDay }: SoakOptions): Promise<SoakResult> {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const crew = startCrew({ clock, store, handler, options: OPTIONS })
  const soak = new Soak(clock, store, crew, seed)
  const samples: Sample[] = []
  for (let day = 1; day <= days; day++) {
    for (let hour = 0; hour < 24; hour++) await soak.hour(burstsPerHour)
    await soak.endOfDay(day)
    const sample = await soak.run(takeSample(day, store, clock))
    samples.push(sample)
    onDay(sample)
  }
  return { samples, ...(await soak.finish()) }
}

class Soak {
  readonly #clock: ManualClock
  readonly #store: MemoryStore
  readonly #crew: Crew
  readonly #random: ReturnType<typeof seededRandom>
  #enqueued = 0
  #redriven = 0
  #named = 0

  constructor(clock: ManualClock, store: MemoryStore, crew: Crew, seed: number) {
    this.#clock = clock
    this.#store = store
    this.#crew = crew
    this.#random = seededRandom(seed)
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.#clock.runUntil(promise, { limitMs: 24 * HOUR_MS })
  }

  async hour(bursts: number): Promise<void> {
    for (let burst = 0; burst < bursts; burst++) {
      await this.run(this.#burst())
      await this.#pass(HOUR_MS / bursts)
    }
  }

  /** A redrive, objects that nobody will name, and a change of places. */
  async endOfDay(day: number): Promise<void> {
    this.#redriven += await this.run(this.#crew.queue.redrive())
    const ids = createIds(this.#clock, seededRandom(day))
    for (let n = 0; n < ORPHANS_PER_DAY; n++) {
      const key = `s3queue/jobs/0/payloads/${ids.ulid()}`
      await this.run(this.#store.put(key, new Uint8Array([1]), { condition: create }))
    }
    await this.run(this.#crew.replace())
  }

  async finish(): Promise<Pick<SoakResult, 'enqueued' | 'ended'>> {
    await this.run(this.#crew.queue.drain())
    const { completed, dead } = await this.run(this.#crew.queue.getStats())
    await this.run(this.#crew.close())
    return { enqueued: this.#enqueued, ended: { completed, dead, redriven: this.#redriven } }
  }

  async #burst(): Promise<void> {
    const { queue } = this.#crew
    const jobs = TASKS.map((task): Job => (task === 'large' ? { task, body: LARGE } : { task }))
    await queue.enqueueMany(jobs, () => ({ priority: this.#random.next() < 0.2 ? 1 : 0 }))
    await queue.enqueue({ task: 'plain' }, { delayMs: Math.floor(this.#random.next() * 2 * HOUR_MS) })
    const id = `order-${++this.#named}`
    await queue.enqueue({ task: 'plain' }, { id })
    await queue.enqueue({ task: 'plain' }, { id })
    await queue.enqueue({ task: 'large', body: LARGE }, { deduplicationKey: `hour-${this.#named}` })
    await queue.enqueue({ task: 'large', body: LARGE }, { deduplicationKey: `hour-${this.#named}` })
    this.#enqueued += jobs.length + 3
    const { id: unwanted } = await queue.enqueue({ task: 'large', body: LARGE }, { delayMs: HOUR_MS })
    if (!(await queue.cancel(unwanted))) throw new Error(`${unwanted} is delayed, and was not cancelled.`)
  }

  async #pass(ms: number): Promise<void> {
    await this.run(new Promise<void>((resolve) => this.#clock.setTimer(ms, resolve)))
  }
}
