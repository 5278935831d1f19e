/** What all examples have in common. */
import { type QueueMethods, withQueue } from '@s3queue/plugin'
import type { Database } from 's3db.js'

/** Runs to its end and says on the way what happens. Resolves to what came of it. */
export type Example<Result extends object = object> = (db: Database, say: (line: string) => void) => Promise<Result>

type Resource = Database['resources'][string]

function resourceOf(db: Database, name: string): Resource {
  const resource = db.resources[name]
  if (resource === undefined) throw new Error(`There is no resource "${name}".`)
  return resource
}

/** The resource of that name with the methods that its queue gave it. */
export function queued<Task>(db: Database, name: string): Resource & QueueMethods<Task> {
  return withQueue<Task, Resource>(resourceOf(db, name))
}

/** All records of a resource. */
export async function recordsOf<Row>(db: Database, name: string): Promise<Row[]> {
  return (await resourceOf(db, name).list()) as Row[]
}

interface Told {
  on(name: 'plg:s3-queue:message-completed' | 'plg:s3-queue:message-dead', listener: () => void): unknown
}

/** Resolves when so many messages of a queue are at their end, well or badly. */
export function whenEnded(queue: Told, count: number): Promise<void> {
  return new Promise((resolve) => {
    let ended = 0
    const one = (): void => {
      if (++ended === count) resolve()
    }
    queue.on('plg:s3-queue:message-completed', one)
    queue.on('plg:s3-queue:message-dead', one)
  })
}
