/** Rows of real processes that share a queue: each is measured with ours, on files and on MinIO, and with BullMQ. */

import { type RedisServer, startRedis } from '../../peers/redis-server.ts'
import { type PodSource, podsOnRedis, podsOnStore } from '../../pods/pod-source.ts'
import type { PodOptions } from '../../pods/protocol.ts'
import type { Findings, Place, Row, Target } from '../../row.ts'

export interface ManyPlace extends Pick<Place, 'quick' | 'progress'> {
  readonly side: 'ours' | 'BullMQ'
  /** A new queue. Its processes end with the repetition. `options` are those of ours. */
  open(options?: PodOptions): PodSource
}

export interface ManyRow extends Pick<Row, 'name' | 'about' | 'metrics' | 'onRequest'> {
  readonly measure: (place: ManyPlace) => Promise<Findings>
}

/** A quick run shows that everything works, not how fast. All other runs have the defaults. */
const QUICK: PodOptions = { takeoverAfterMs: 500, visibilityTimeoutMs: 1000 }

/** The name of the row in which BullMQ does the same. */
export function bullmqRow(name: string): string {
  return `${name}-bullmq`
}

/** Our row, and BullMQ's, which has no targets. */
export function onBothSides({ measure, ...row }: ManyRow): readonly [Row, Row] {
  const shared = { ...row, group: 'many-processes', repetitions: 1, warmUp: false } as const
  let redis: RedisServer | undefined
  return [
    {
      ...shared,
      stores: ['fs', 'minio'],
      begin: ({ store, location, quick, progress }) => {
        if (location === undefined) throw new Error('Other processes cannot open a store in memory.')
        return () =>
          whileOpen((remember) =>
            measure({
              quick,
              progress,
              side: 'ours',
              open: (options) => remember(podsOnStore(store, location, quick ? { ...QUICK, ...options } : options)),
            }),
          )
      },
    },
    {
      ...shared,
      name: bullmqRow(row.name),
      about: `The same with BullMQ 6 on Redis, no persistence.`,
      onRequest: 'group',
      stores: [],
      metrics: Object.fromEntries(
        Object.entries(row.metrics).map(([metric, { label, unit }]) => [metric, { label, unit }]),
      ),
      begin: async ({ quick, progress }) => {
        const server = await startRedis()
        redis = server
        return () =>
          whileOpen((remember) =>
            measure({ quick, progress, side: 'BullMQ', open: () => remember(podsOnRedis(server)) }),
          )
      },
      end: async () => redis?.stop(),
    },
  ]
}

export function atMost(value: number, ...stores: NonNullable<Target['stores']>): Target {
  return { bound: 'at most', value, ...(stores.length > 0 ? { stores } : {}) }
}

export function atLeast(value: number, ...stores: NonNullable<Target['stores']>): Target {
  return { bound: 'at least', value, ...(stores.length > 0 ? { stores } : {}) }
}

/** Runs `work` and ends all processes that it has started. */
async function whileOpen<T>(work: (remember: (source: PodSource) => PodSource) => Promise<T>): Promise<T> {
  const sources: PodSource[] = []
  try {
    return await work((source) => {
      sources.push(source)
      return source
    })
  } finally {
    await Promise.all(sources.map((source) => source.end()))
  }
}
