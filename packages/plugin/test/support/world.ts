/** What a row begins with: a database with a resource, and plugins on it that are stopped when the test ends. */
import type { Database } from 's3db.js'
import { onTestFinished } from 'vitest'
import {
  type QueueMethods,
  type S3QueueEventName,
  type S3QueueEvents,
  type S3QueueOptions,
  S3QueuePlugin,
  withQueue,
} from '../../src/index.ts'
import { connect, type Place } from './place.ts'
import { TASKS, type Task } from './tasks.ts'

export { gate, TASKS, type Task } from './tasks.ts'

type Resource = Database['resources'][string]
export type TaskResource = Resource & QueueMethods<Task>

export interface World {
  readonly location: string
  readonly db: Database
  readonly tasks: Resource
  /** Installs a plugin, by default one that waits for nothing. */
  use(
    options?: Partial<S3QueueOptions<Task>>,
    name?: string,
  ): Promise<{ queue: S3QueuePlugin<Task>; tasks: TaskResource }>
  /** The same place as another process would see it. */
  other(): Promise<World>
}

export async function openWorld(place: Place, location?: string): Promise<World> {
  const where = location ?? (await place.location())
  const db = await connect(where)
  onTestFinished(() => db.disconnect())
  const tasks = db.resources.tasks ?? (await db.createResource({ ...TASKS }))
  return {
    ...{ location: where, db, tasks },
    async use(options = {}, name) {
      const queue = new S3QueuePlugin<Task>({ resource: 'tasks', coordinatorElectionInterval: 500, ...options })
      await db.usePlugin(queue, name)
      return { queue, tasks: withQueue<Task, Resource>(db.resources[options.resource ?? 'tasks'] as Resource) }
    },
    other: () => openWorld(place, where),
  }
}

/** The next event of this name, from now on. */
export function next<N extends S3QueueEventName>(
  queue: S3QueuePlugin<Task>,
  name: N,
  matches: (event: S3QueueEvents[N]) => boolean = () => true,
): Promise<S3QueueEvents[N]> {
  return new Promise((resolve) => {
    queue.on(name, (event: S3QueueEvents[N]) => {
      if (matches(event)) resolve(event)
    })
  })
}

/** Every event of these names, in order. */
export function recorded(queue: S3QueuePlugin<Task>, ...names: S3QueueEventName[]): [string, object][] {
  const seen: [string, object][] = []
  for (const name of names)
    queue.on(name, (event: object) => void seen.push([name.replace('plg:s3-queue:', ''), event]))
  return seen
}

/** Asks again until it is so. For what no event tells. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}
