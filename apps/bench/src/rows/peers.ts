/** Ours and BullMQ side by side, in turn, in one run on one machine: only the ratio means something elsewhere. */

import { batches, recipients } from '../payloads.ts'
import { type PeerRun, runBullmq } from '../peers/bullmq.ts'
import { type RedisServer, startRedis } from '../peers/redis-server.ts'
import { becomeWriter, openQueue } from '../queues.ts'
import type { Findings, MetricSpec, Place, Row } from '../row.ts'
import { rateOf, startStopwatch } from '../stopwatch.ts'

const RATIO: MetricSpec['target'] = { bound: 'at least', value: 5 }

export const peers: Row = peerRow('peers', 100, 20_000)
export const peersOfOne: Row = peerRow('peers-one', 1, 5000)

function peerRow(name: string, concurrency: number, count: number): Row {
  let redis: RedisServer | undefined
  return {
    name,
    about: `${count.toLocaleString('en')} messages, concurrency ${concurrency}, handlers that do nothing: ours on MinIO and BullMQ 6 on Redis (no persistence), one after the other.`,
    stores: ['minio'],
    onRequest: 'peers',
    metrics: {
      ours: { label: 'ours', unit: 'messages/s' },
      theirs: { label: 'BullMQ', unit: 'messages/s' },
      ratio: { label: 'ours ÷ BullMQ', unit: 'times', target: RATIO },
      ourEnqueue: { label: 'ours, bulk enqueue', unit: 'messages/s' },
      theirEnqueue: { label: 'BullMQ, bulk add', unit: 'messages/s' },
    },
    begin: async (place) => {
      const server = await startRedis()
      redis = server
      const payloads = recipients(place.quick ? count / 20 : count)
      return async (): Promise<Findings> => {
        const theirs = await runBullmq(server, payloads, concurrency)
        const ours = await runOurs(place, payloads.length, concurrency)
        const rates = { ours: rateOf(payloads.length, ours.process), theirs: rateOf(payloads.length, theirs.process) }
        return {
          ...rates,
          ratio: rates.ours / rates.theirs,
          ourEnqueue: rateOf(payloads.length, ours.enqueue),
          theirEnqueue: rateOf(payloads.length, theirs.enqueue),
        }
      }
    },
    end: async () => redis?.stop(),
  }
}

async function runOurs({ store }: Place, count: number, concurrency: number): Promise<PeerRun> {
  const opened = openQueue(store)
  const { queue } = opened
  await becomeWriter(opened)
  const parts = [...batches(count, 10_000)].map((batch) => recipients(batch.count, batch.first))
  const enqueueing = startStopwatch()
  for (const part of parts) await queue.enqueueMany(part)
  const enqueue = enqueueing()
  let handled = 0
  const working = startStopwatch()
  queue.process(async () => void handled++, { concurrency })
  await queue.drain()
  const process = working()
  await queue.close()
  if (handled !== count) throw new Error(`${handled} messages were handled; ${count} were enqueued.`)
  return { enqueue, process }
}
