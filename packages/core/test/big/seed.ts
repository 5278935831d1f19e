/** Writes a backlog into a store as a crashed writer would have left it: a log, or a log with a snapshot at its end. */
import { createFencedLog, type FencedLog } from '@s3queue/primitives'
import { type ObjectStore, systemClock, systemIds, systemRandom } from '@s3queue/storage'
import { encodeBatch } from '../../src/state/batch-codec.ts'
import type { QueueEvent } from '../../src/state/events.ts'
import { queueFold } from '../../src/state/fold.ts'
import { encodeState } from '../../src/state/snapshot.ts'
import { type ShapeName, shapes } from './shapes.ts'

export type Source = 'log' | 'snapshot'

const QUEUE = 'big'
const LONG_MS = 12 * 3_600_000

/** What opens the queue that `seed` fills. */
export const bigQueue: { readonly name: string } = { name: QUEUE }

export interface Backlog {
  readonly shape: ShapeName
  readonly count: number
  /** So many of them, the first ones, are in the hands of a worker. Only where messages come one by one and are visible. Default 0. */
  readonly active?: number | undefined
}

export async function seed(store: ObjectStore, { shape, count, active = 0 }: Backlog, source: Source): Promise<void> {
  const { writer } = await openLog(store).takeOver(queueFold)
  for (const { events, payloads } of shapes[shape].commits(count)) await writer.append(encodeBatch(events, payloads))
  if (active > 0) {
    const runs = Array.from({ length: active }, (_, i) => [i + 1, 1]).flat()
    const claimed: QueueEvent = { type: 'claimed', worker: 'WORKERWORK', token: 1, timeoutMs: LONG_MS, runs }
    await writer.append(encodeBatch([claimed], []))
  }
  if (source === 'log') return
  const { writer: next, state } = await openLog(store).takeOver(queueFold)
  await next.checkpoint(next.position, encodeState(state))
}

function openLog(store: ObjectStore): FencedLog {
  const onTrouble = (error: unknown): void => {
    throw error
  }
  const prefix = `s3queue/${QUEUE}/0/`
  return createFencedLog({ store, prefix, clock: systemClock, random: systemRandom, ids: systemIds, onTrouble })
}
