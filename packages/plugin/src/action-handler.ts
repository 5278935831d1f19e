/** A handler for messages that say what to do themselves: `{ resource, action, data }`. */
import { classifyLibraryError, QueueError, type RecordData, type S3dbDatabase, type S3dbResource } from '@s3queue/s3db'
import type { HandlerContext, OnMessage } from './handler-context.ts'

export interface ActionMessage {
  readonly resource?: unknown
  /** `insert`, `update` or `delete`. */
  readonly action?: unknown
  /** The record, or what to change of it; with the `id` of the record for `update` and `delete`. */
  readonly data?: unknown
}

type Action = (resource: S3dbResource, data: RecordData, context: HandlerContext) => Promise<unknown>

/** Each may run more than once for one message, and leaves what it left the first time. */
const ACTIONS: Readonly<Record<string, Action>> = {
  async insert(resource, data, { queueId }) {
    const id = typeof data.id === 'string' ? data.id : queueId
    try {
      await resource.insert({ ...data, id })
    } catch (error) {
      if (classifyLibraryError(error) !== 'exists') throw error
    }
    return { id }
  },
  async update(resource, { id, ...changes }) {
    await resource.update(idOf('update', id), changes)
    return { id }
  },
  async delete(resource, { id }) {
    await resource.delete(idOf('delete', id)).catch((error: unknown) => {
      if (classifyLibraryError(error) !== 'missing') throw error
    })
    return { id }
  },
}

/**
 * A handler that carries out what its messages say, on the resources of `database`. A message that cannot be carried out fails with a
 * `QueueError` that is not retriable, so it is a dead letter at once.
 */
export function createActionHandler(database: {
  readonly resources: S3dbDatabase['resources']
}): OnMessage<ActionMessage> {
  return async (message, context) => {
    const { resource: name, action } = message
    if (typeof name !== 'string' || name === '') throw invalid('Resource not found in message', message)
    if (typeof action !== 'string' || action === '') throw invalid('Action not found in message', message)
    const resource = database.resources[name]
    if (resource === undefined) {
      throw new QueueError(`Resource '${name}' not found`, {
        ...{ statusCode: 404, operation: 'action', metadata: { resource: name, action } },
        suggestion: 'Create the resource before messages name it, or mend the name.',
      })
    }
    const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
    if (run === undefined) {
      throw new QueueError(`Unsupported action '${action}'`, {
        ...{ statusCode: 400, operation: 'action', metadata: { resource: name, action } },
        suggestion: 'Use insert, update or delete, or an onMessage of your own.',
      })
    }
    return run(resource, (message.data ?? {}) as RecordData, context)
  }
}

function invalid(text: string, message: ActionMessage): QueueError {
  return new QueueError(text, {
    ...{ statusCode: 400, operation: 'action', metadata: { resource: message.resource, action: message.action } },
    suggestion: 'Give each message a resource and an action when it is enqueued.',
  })
}

function idOf(action: string, id: unknown): string {
  if (typeof id === 'string' && id !== '') return id
  throw new QueueError(`The ${action} of a record needs its id`, {
    ...{ statusCode: 400, operation: 'action', metadata: { id } },
    suggestion: 'Put the id of the record into data.',
  })
}
