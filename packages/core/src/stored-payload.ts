/** A message's payload for whoever asks by its id: there until the message is done, which may happen while it is read. */
import { CorruptObject } from '@s3queue/primitives'
import type { Engine } from './engine/engine.ts'
import { MessageNotFound } from './errors.ts'
import { describeMessage } from './message-info.ts'
import { findMessage } from './state/lookup.ts'
import type { Batch, QueueState } from './state/model.ts'
import { notFound } from './wait-for.ts'

/** See `Queue.getPayload`. */
export async function readStoredPayload(engine: Engine, queue: string, id: string): Promise<unknown> {
  const message = await engine.views.find(id, (state) => findUnfinished(state, id))
  if (message === undefined) throw await payloadGone(engine, queue, id)
  try {
    const payload = await engine.readPayload(message)
    return typeof payload === 'string' ? JSON.parse(payload) : payload
  } catch (error) {
    if (!(error instanceof CorruptObject)) throw error
    const isNeeded = await engine.views.view((state) => findUnfinished(state, id) !== undefined)
    throw isNeeded ? error : await payloadGone(engine, queue, id)
  }
}

function findUnfinished(state: QueueState, id: string): { readonly batch: Batch; readonly seq: number } | undefined {
  const found = findMessage(state, id)
  if (found?.status === 'waiting') return { batch: found.run.batch, seq: found.seq }
  return found?.status === 'active' ? found.claim : found?.status === 'dead' ? found.dead : undefined
}

async function payloadGone(engine: Engine, queue: string, id: string): Promise<MessageNotFound> {
  const known = await engine.views.view((state) => describeMessage(state, id))
  if (known === undefined) return notFound(id, queue)
  return new MessageNotFound(
    `Message ${JSON.stringify(id)} of queue "${queue}" is ${known.status}, and its payload is gone. What is needed later belongs into its result.`,
  )
}
