import type { S3dbResource } from '@s3queue/s3db'
import { notInstalled } from './not-installed.ts'
import type { QueueMethods } from './resource-methods.ts'

/** The same resource, with the methods that its queue gave it, for TypeScript. Throws a `QueueError` 409 if it has no queue. */
export function withQueue<
  Task = Record<string, unknown>,
  R extends Pick<S3dbResource, 'name'> = Pick<S3dbResource, 'name'>,
>(resource: R): R & QueueMethods<Task> {
  if (typeof (resource as Partial<QueueMethods>).enqueue === 'function') return resource as R & QueueMethods<Task>
  throw notInstalled(`withQueue(${resource.name})`)
}
