/** The same work done by graphile-worker on PostgreSQL, at its fastest: with a local queue, and completions that share a statement. */

import { promisify } from 'node:util'
import { systemIds } from '@s3queue/storage'
import { Logger, makeWorkerUtils, type Runner, run, type WorkerUtils } from 'graphile-worker'
import { batches, type Recipient } from '../payloads.ts'
import { type Elapsed, startStopwatch } from '../stopwatch.ts'
import type { Peer } from './bullmq.ts'
import type { PostgresServer } from './postgres-server.ts'

const TASK = 'job'
const nextTurn = promisify(setImmediate)
const QUIET = new Logger(() => () => {})
const FASTEST = { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } } as const

/** Its own schema on the server. */
export async function openGraphile({ connectionString }: PostgresServer): Promise<Peer> {
  const schema = `bench_${systemIds.ulid().toLowerCase()}`
  const shared = { connectionString, schema, logger: QUIET }
  const utils = await makeWorkerUtils(shared)
  await utils.migrate()
  return {
    async add(payloads: readonly Recipient[], atOnce: number): Promise<Elapsed> {
      const bulks = [...batches(payloads.length, atOnce)].map(({ first, count }) =>
        payloads.slice(first, first + count).map((payload) => ({ identifier: TASK, payload })),
      )
      const elapsed = startStopwatch()
      for (const bulk of bulks) await utils.addJobs(bulk)
      return elapsed()
    },
    /** From the start of the first handler, so that connecting does not count, until all completions are recorded. */
    async workOff(count: number, concurrency: number): Promise<Elapsed> {
      const { promise: done, resolve } = Promise.withResolvers<() => Elapsed>()
      let elapsed: (() => Elapsed) | undefined
      let handled = 0
      const handle = async (): Promise<void> => {
        elapsed ??= startStopwatch()
        if (++handled === count) resolve(elapsed)
      }
      const runner: Runner = await run({
        ...shared,
        concurrency,
        noHandleSignals: true,
        taskList: { [TASK]: handle },
        parsedCronItems: [],
        preset: FASTEST,
      })
      const elapsedSoFar = await done
      // A job is removed when it is completed.
      while (await hasJobs(utils, schema)) await nextTurn()
      const took = elapsedSoFar()
      await runner.stop()
      return took
    },
    close: async () => utils.release(),
  }
}

function hasJobs({ withPgClient }: WorkerUtils, schema: string): Promise<boolean> {
  return withPgClient(async (client) => {
    const { rows } = await client.query(`select 1 from "${schema}".jobs limit 1`)
    return rows.length > 0
  })
}
