/** Two processes on one queue: one works, the other stands by, and they change places. */
import { createIds, type ObjectStore, seededRandom } from '@s3queue/storage'
import type { ManualClock } from '@s3queue/storage/testing'
import { createQueue, type Handler, type Queue, type QueueOptions } from '../../src/index.ts'

/** What a message wants to happen to it. */
export type Task = 'plain' | 'fails' | 'fails once' | 'snoozes' | 'reports' | 'large' | 'dies'

export interface Job {
  readonly task: Task
  readonly body?: string
}

export interface Crew {
  /** The process that produces now. */
  readonly queue: Queue<Job>
  /** The older process leaves in order, and a new one comes. */
  replace(): Promise<void>
  close(): Promise<void>
}

export interface CrewOptions {
  readonly clock: ManualClock
  readonly store: ObjectStore
  readonly handler: Handler<Job>
  readonly options: Partial<QueueOptions>
}

/** Two processes, both with a worker. */
export function startCrew({ clock, store, handler, options }: CrewOptions): Crew {
  let started = 0
  const start = (): Queue<Job> => {
    const random = seededRandom(++started)
    const runtime = { clock, random, ids: createIds(clock, random), snapshotAfterCommits: 64 }
    const queue = createQueue<Job>({ name: 'jobs', store, runtime, ...options })
    queue.process(handler, { concurrency: 4 })
    return queue
  }
  let processes: readonly [Queue<Job>, Queue<Job>] = [start(), start()]
  return {
    get queue() {
      return processes[1]
    },
    async replace() {
      const [oldest, other] = processes
      processes = [other, start()]
      await oldest.close()
    },
    async close() {
      for (const queue of processes) await queue.close()
    },
  }
}
