/** Which plugin of this process serves which resource: two on one would take each other's messages. */
import { QueueError, type S3dbResource } from '@s3queue/s3db'

const owners = new WeakMap<S3dbResource, object>()

/** What is returned frees the resource. Throws a `QueueError` 409 if another plugin has it. */
export function takeResource(resource: S3dbResource, plugin: object): () => void {
  const owner = owners.get(resource)
  if (owner !== undefined && owner !== plugin) {
    throw new QueueError(`Resource '${resource.name}' has a queue already.`, {
      ...{ statusCode: 409, operation: 'install', metadata: { resource: resource.name } },
      suggestion:
        'One plugin serves one resource. Raise its concurrency, use enqueue(data, { priority }) for what is urgent, or give the other plugin a resource of its own; db.uninstallPlugin() frees this one.',
    })
  }
  owners.set(resource, plugin)
  return () => {
    if (owners.get(resource) === plugin) owners.delete(resource)
  }
}
