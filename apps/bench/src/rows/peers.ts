/** Ours beside BullMQ and graphile-worker, in turn, in one run on one machine: only the ratios mean something on another. */
import { systemIds } from '@s3queue/storage'
import { batches, recipients } from '../payloads.ts'
import { openBullmq, type Peer } from '../peers/bullmq.ts'
import { type PostgresServer, startPostgres } from '../peers/postgres-server.ts'
import { type RedisServer, startRedis } from '../peers/redis-server.ts'
import { podsOnRedis, podsOnStore } from '../pods/pod-source.ts'
import { becomeWriter, openQueue } from '../queues.ts'
import type { MetricSpec, Place, Row } from '../row.ts'
import { type Elapsed, rateOf, startStopwatch } from '../stopwatch.ts'
import { BACKLOGS, workOffTogether } from './many/busy.ts'
import type { ManyPlace } from './many/sides.ts'

const RATIO: MetricSpec['target'] = { bound: 'at least', value: 5 }
const BULK_COUNT = 20_000
/** Messages of one bulk; the same on all sides. */
const BULK_SIZES = [1000, 10_000] as const
const SIDES =
  'ours on MinIO, BullMQ 6 on Redis (no persistence) and graphile-worker on PostgreSQL 15 (local queue of 500), one after the other'

export const peers: Row = workingRow('peers', 100, 20_000)
export const peersOfOne: Row = workingRow('peers-one', 1, 5000)

function workingRow(name: string, concurrency: number, count: number): Row {
  return peerRow({
    name,
    about: `${count.toLocaleString('en')} waiting messages, concurrency ${concurrency}, handlers that do nothing: ${SIDES}.`,
    metrics: rates('', '', RATIO),
    repetition: async (place, peer) => {
      const waiting = place.quick ? count / 20 : count
      const theirs = (each: keyof Peers): Promise<Elapsed> =>
        onPeer(peer[each], async (opened) => {
          await opened.add(recipients(waiting), BULK_SIZES[0])
          return opened.workOff(waiting, concurrency)
        })
      return compared('', waiting, {
        ours: await workOff(place, waiting, concurrency),
        theirs: await theirs('bullmq'),
        graphile: await theirs('graphile'),
      })
    },
  })
}

export const peersInBulk: Row = peerRow({
  name: 'peers-bulk',
  about: `${BULK_COUNT.toLocaleString('en')} messages enqueued in bulk, one call after the other, the same number with each on all sides: ${SIDES}.`,
  metrics: Object.assign({}, ...BULK_SIZES.map((size) => rates(`${size}`, `, bulks of ${size.toLocaleString('en')}`))),
  repetition: async (place, peer) => {
    const scale = place.quick ? 0.05 : 1
    const count = BULK_COUNT * scale
    const found: Record<string, number> = {}
    for (const size of BULK_SIZES) {
      const theirs = (each: keyof Peers): Promise<Elapsed> =>
        onPeer(peer[each], (opened) => opened.add(recipients(count), size * scale))
      const all = {
        ours: await enqueueAll(place, count, size * scale),
        theirs: await theirs('bullmq'),
        graphile: await theirs('graphile'),
      }
      Object.assign(found, compared(`${size}`, count, all))
    }
    return found
  },
})

const TWICE: MetricSpec['target'] = { bound: 'at least', value: 2 }

/** Several processes: graphile-worker is not measured there. */
export const peersOfMany: Row = {
  name: 'peers-pods',
  about:
    'Several worker processes and a producer, all messages waiting before the first handler starts: 4 × 50, handlers of 5 ms and of 20 ms, and 8 × 10, handlers of 100 ms. Ours on MinIO and BullMQ 6 ' +
    'on Redis (no persistence), each in as many processes, one after the other.',
  stores: ['minio'],
  onRequest: 'peers',
  // Each repetition starts processes that are warmed up.
  warmUp: false,
  metrics: {
    ...ratesBesideBullmq('Five', ', 4 × 50, 5 ms', TWICE),
    ...ratesBesideBullmq('Twenty', ', 4 × 50, 20 ms'),
    ...ratesBesideBullmq('Hundred', ', 8 × 10, 100 ms'),
  },
  begin: ({ store, location, quick, progress }) => {
    if (location === undefined) throw new Error('Other processes cannot open a store in memory.')
    return async () => {
      const redis = await startRedis()
      const places: Readonly<Record<'ours' | 'theirs', ManyPlace>> = {
        ours: { quick, progress, side: 'ours', open: () => podsOnStore(store, location) },
        theirs: { quick, progress, side: 'BullMQ', open: () => podsOnRedis(redis) },
      }
      const found: Record<string, number> = {}
      try {
        for (const [suffix, backlog] of [
          ['Five', BACKLOGS.five],
          ['Twenty', BACKLOGS.twenty],
          ['Hundred', BACKLOGS.hundred],
        ] as const) {
          const { rate: ours } = await workOffTogether(places.ours, backlog)
          const { rate: theirs } = await workOffTogether(places.theirs, backlog)
          Object.assign(found, {
            [`ours${suffix}`]: ours,
            [`theirs${suffix}`]: theirs,
            [`ratio${suffix}`]: ours / theirs,
          })
        }
      } finally {
        await redis.stop()
      }
      return found
    }
  },
}

interface Peers {
  readonly bullmq: () => Promise<Peer>
  readonly graphile: () => Promise<Peer>
}

interface PeerRow extends Pick<Row, 'name' | 'about' | 'metrics'> {
  readonly repetition: (place: Place, peers: Peers) => Promise<Record<string, number>>
}

function peerRow({ repetition, ...row }: PeerRow): Row {
  let redis: RedisServer | undefined
  let postgres: PostgresServer | undefined
  return {
    ...row,
    stores: ['minio'],
    onRequest: 'peers',
    begin: async (place) => {
      const onRedis = await startRedis()
      redis = onRedis
      const onPostgres = await startPostgres()
      postgres = onPostgres
      // Loaded when it is needed: no other row needs a client for PostgreSQL.
      const { openGraphile } = await import('../peers/graphile.ts')
      const opened = {
        bullmq: () => openBullmq(onRedis, `bench-${systemIds.ulid()}`),
        graphile: () => openGraphile(onPostgres),
      }
      return () => repetition(place, opened)
    },
    end: async () => {
      await redis?.stop()
      await postgres?.stop()
    },
  }
}

/** What `compared` finds with this suffix. */
function rates(suffix: string, what: string, target?: MetricSpec['target']): Row['metrics'] {
  return {
    ...ratesBesideBullmq(suffix, what, target),
    [`graphile${suffix}`]: { label: `graphile-worker${what}`, unit: 'messages/s' },
    [`graphileRatio${suffix}`]: { label: `ours ÷ graphile-worker${what}`, unit: 'times', target },
  }
}

function ratesBesideBullmq(suffix: string, what: string, target?: MetricSpec['target']): Row['metrics'] {
  return {
    [`ours${suffix}`]: { label: `ours${what}`, unit: 'messages/s' },
    [`theirs${suffix}`]: { label: `BullMQ${what}`, unit: 'messages/s' },
    [`ratio${suffix}`]: { label: `ours ÷ BullMQ${what}`, unit: 'times', target },
  }
}

function compared(
  suffix: string,
  count: number,
  took: Readonly<Record<'ours' | 'theirs' | 'graphile', Elapsed>>,
): Record<string, number> {
  const [ours, theirs, graphile] = [took.ours, took.theirs, took.graphile].map((elapsed) => rateOf(count, elapsed)) as [
    number,
    number,
    number,
  ]
  return {
    ...{ [`ours${suffix}`]: ours, [`theirs${suffix}`]: theirs, [`ratio${suffix}`]: ours / theirs },
    ...{ [`graphile${suffix}`]: graphile, [`graphileRatio${suffix}`]: ours / graphile },
  }
}

async function onPeer(open: () => Promise<Peer>, work: (peer: Peer) => Promise<Elapsed>): Promise<Elapsed> {
  const peer = await open()
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
