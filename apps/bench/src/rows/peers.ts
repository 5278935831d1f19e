/** Ours and BullMQ side by side, in turn, in one run on one machine: only the ratio means something elsewhere. */
import { systemIds } from '@s3queue/storage'
import { batches, recipients } from '../payloads.ts'
import { openBullmq, type Peer } from '../peers/bullmq.ts'
import { type RedisServer, startRedis } from '../peers/redis-server.ts'
import { becomeWriter, openQueue } from '../queues.ts'
import type { MetricSpec, Place, Row } from '../row.ts'
import { type Elapsed, rateOf, startStopwatch } from '../stopwatch.ts'

const RATIO: MetricSpec['target'] = { bound: 'at least', value: 5 }
const BULK_COUNT = 20_000
/** Messages of one bulk; the same on both sides. */
const BULK_SIZES = [1000, 10_000] as const
const SIDES = 'ours on MinIO and BullMQ 6 on Redis (no persistence), one after the other'

export const peers: Row = workingRow('peers', 100, 20_000)
export const peersOfOne: Row = workingRow('peers-one', 1, 5000)

function workingRow(name: string, concurrency: number, count: number): Row {
  return peerRow({
    name,
    about: `${count.toLocaleString('en')} waiting messages, concurrency ${concurrency}, handlers that do nothing: ${SIDES}.`,
    metrics: rates('', '', RATIO),
    repetition: async (place, redis) => {
      const waiting = place.quick ? count / 20 : count
      const theirs = await onBullmq(redis, async (peer) => {
        await peer.add(recipients(waiting), BULK_SIZES[0])
        return peer.workOff(waiting, concurrency)
      })
      return compared('', waiting, await workOff(place, waiting, concurrency), theirs)
    },
  })
}

export const peersInBulk: Row = peerRow({
  name: 'peers-bulk',
  about: `${BULK_COUNT.toLocaleString('en')} messages enqueued in bulk, one call after the other, the same number with each on both sides: ${SIDES}.`,
  metrics: Object.assign({}, ...BULK_SIZES.map((size) => rates(`${size}`, `, bulks of ${size.toLocaleString('en')}`))),
  repetition: async (place, redis) => {
    const scale = place.quick ? 0.05 : 1
    const count = BULK_COUNT * scale
    const found: Record<string, number> = {}
    for (const size of BULK_SIZES) {
      const theirs = await onBullmq(redis, (peer) => peer.add(recipients(count), size * scale))
      Object.assign(found, compared(`${size}`, count, await enqueueAll(place, count, size * scale), theirs))
    }
    return found
  },
})

interface PeerRow extends Pick<Row, 'name' | 'about' | 'metrics'> {
  readonly repetition: (place: Place, redis: RedisServer) => Promise<Record<string, number>>
}

function peerRow({ repetition, ...row }: PeerRow): Row {
  let redis: RedisServer | undefined
  return {
    ...row,
    stores: ['minio'],
    onRequest: 'peers',
    begin: async (place) => {
      const server = await startRedis()
      redis = server
      return () => repetition(place, server)
    },
    end: async () => redis?.stop(),
  }
}

/** What `compared` finds with this suffix. */
function rates(suffix: string, what: string, target?: MetricSpec['target']): Row['metrics'] {
  return {
    [`ours${suffix}`]: { label: `ours${what}`, unit: 'messages/s' },
    [`theirs${suffix}`]: { label: `BullMQ${what}`, unit: 'messages/s' },
    [`ratio${suffix}`]: { label: `ours ÷ BullMQ${what}`, unit: 'times', target },
  }
}

function compared(suffix: string, count: number, ours: Elapsed, theirs: Elapsed): Record<string, number> {
  const [our, their] = [rateOf(count, ours), rateOf(count, theirs)]
  return { [`ours${suffix}`]: our, [`theirs${suffix}`]: their, [`ratio${suffix}`]: our / their }
}

async function onBullmq(redis: RedisServer, work: (peer: Peer) => Promise<Elapsed>): Promise<Elapsed> {
  const peer = await openBullmq(redis, `bench-${systemIds.ulid()}`)
  try {
    return await work(peer)
  } finally {
    await peer.close()
  }
}

async function enqueueAll({ store }: Place, count: number, size: number): Promise<Elapsed> {
  const opened = openQueue(store)
  const { queue } = opened
  await becomeWriter(opened)
  const parts = [...batches(count, size)].map((batch) => recipients(batch.count, batch.first))
  const elapsed = startStopwatch()
  for (const part of parts) await queue.enqueueMany(part)
  const took = elapsed()
  await queue.close()
  return took
}

async function workOff({ store }: Place, count: number, concurrency: number): Promise<Elapsed> {
  const opened = openQueue(store)
  const { queue } = opened
  await becomeWriter(opened)
  for (const batch of batches(count, BULK_SIZES[0])) await queue.enqueueMany(recipients(batch.count, batch.first))
  let handled = 0
  const elapsed = startStopwatch()
  queue.process(async () => void handled++, { concurrency })
  await queue.drain()
  const took = elapsed()
  await queue.close()
  if (handled !== count) throw new Error(`${handled} messages were handled; ${count} were enqueued.`)
  return took
}
