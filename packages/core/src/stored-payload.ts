/** A message's payload by its id: there until the message is done, which may happen while it is read. */
import { CorruptObject } from '@s3queue/primitives'
import type { Engine } from './engine/engine.ts'
import { MessageNotFound } from './errors.ts'
import { describeMessage } from './message-info.ts'
import { findInInbox, type QueueView } from './queue-view.ts'
import type { Payload } from './state/batch-codec.ts'
import { findMessage } from './state/lookup.ts'
import type { Batch } from './state/model.ts'
import { notFound } from './wait-for.ts'

interface StoredMessage {
  readonly batch: Batch
  readonly seq: number
  /** Whether it is a dead letter whose id may be that of another message by now. */
  readonly mayBeOld?: boolean | undefined
  /** If it was read with the message: from the inbox. */
  readonly payload?: Payload | undefined
}

/** See `Queue.getPayload`. */
export async function readStoredPayload(engine: Engine, queue: string, id: string): Promise<unknown> {
  const find = (): Promise<StoredMessage | undefined> =>
    engine.views.find(id, (view) => findUnfinished(view, id), mayBeOld)
  const message = await find()
  if (message === undefined) throw await payloadGone(engine, queue, id)
  try {
    const payload = message.payload ?? (await engine.readPayload(message))
    return typeof payload === 'string' ? JSON.parse(payload) : payload
  } catch (error) {
    if (!(error instanceof CorruptObject)) throw error
    throw (await find()) === undefined ? await payloadGone(engine, queue, id) : error
  }
}

function findUnfinished(view: QueueView, id: string): StoredMessage | undefined {
  const waiting = findInInbox(view, id)
  if (waiting !== undefined) {
    const { batch } = waiting.run
    const isLarge = batch.extras?.payloadKey !== undefined
    return { batch, seq: waiting.seq, payload: isLarge ? undefined : waiting.payload }
  }
  const found = findMessage(view.state, id, view.now)
  if (found?.status === 'waiting') return { batch: found.run.batch, seq: found.seq }
  if (found?.status === 'active') return found.claim
  if (found?.status !== 'dead') return undefined
  const { batch, seq } = found.dead
  return { batch, seq, mayBeOld: batch.extras?.id !== undefined }
}

function mayBeOld(found: StoredMessage): boolean {
  return found.mayBeOld === true
}

async function payloadGone(engine: Engine, queue: string, id: string): Promise<MessageNotFound> {
  const known = await engine.views.view((view) => describeMessage(view, id)?.info)
  if (known === undefined) return notFound(id, queue)
  return new MessageNotFound(
    `Message ${JSON.stringify(id)} of queue "${queue}" is ${known.status}, and its payload is gone. What is needed later belongs into its result.`,
  )
}
