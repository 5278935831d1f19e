/**
 * One process on a queue, told by its parent what to do: `{ produce: n }`, `{ work: concurrency }`, `{ stats: true }`, `{ close: true }`.
 * It reports everything it sees, so that the parent can judge from evidence of all processes together.
 */
import { createCoordinatedQueue } from '@s3queue/coordinator'
import { createQueue, type Queue } from '@s3queue/core'
import { createS3Store, type S3StoreOptions } from '@s3queue/storage-s3'

export interface Setup {
  readonly store: S3StoreOptions
  readonly queue: string
  readonly visibilityTimeoutMs: number
  readonly takeoverAfterMs: number
  /** Whether all processes handle messages, or the writer's alone. */
  readonly coordinated?: boolean
  /** How long a handler takes at most, in ms. Default 80. */
  readonly handlerMs?: number
}

export type Order =
  | { readonly produce: number; readonly batch: number }
  | { readonly work: number }
  | { readonly stats: true }
  | { readonly cost: true }
  | { readonly close: true }

export type Report =
  | { readonly kind: 'acknowledged'; readonly ids: readonly string[] }
  | { readonly kind: 'claimed' | 'refused' | 'completed'; readonly id: string; readonly token: number }
  | {
      readonly kind: 'handled'
      readonly id: string
      readonly n: number
      readonly token: number
      /** When it began and ended, on the clock that all processes of the machine share, in ms. */
      readonly from: number
      readonly to: number
      /** It was told to stop, or its process did not run for a while. */
      readonly disturbed: boolean
    }
  | { readonly kind: 'died' | 'expired'; readonly id: string }
  | { readonly kind: 'promoted'; readonly epoch: number }
  | { readonly kind: 'demoted'; readonly epoch: number }
  | { readonly kind: 'cost'; readonly requests: number; readonly byKind: Readonly<Record<string, number>> }
  | { readonly kind: 'stats'; readonly stats: Awaited<ReturnType<Queue<unknown>['getStats']>> }
  | { readonly kind: 'produced' | 'closed' | 'ready' }

function report(message: Report): void {
  process.send?.(message)
}

/** ms on a clock that all processes of this machine share. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Whether this process stood still, as it does when it is stopped by a signal. */
function watchLoop(): { stoodStillSince(from: number): boolean } {
  const EVERY_MS = 20
  const TOO_LONG_MS = 250
  let last = now()
  let lastGap = Number.NEGATIVE_INFINITY
  const look = (): void => {
    if (now() - last > TOO_LONG_MS) lastGap = now()
    last = now()
  }
  setInterval(look, EVERY_MS).unref()
  return {
    stoodStillSince(from) {
      look()
      return lastGap >= from
    },
  }
}

async function main(): Promise<void> {
  const setup = JSON.parse(process.argv[2] ?? '') as Setup
  const { queue: name, visibilityTimeoutMs, takeoverAfterMs } = setup
  const store = createS3Store(setup.store)
  const options = {
    ...{ name, store, visibilityTimeoutMs, takeoverAfterMs },
    ...{ maxAttempts: 100, backoff: { baseMs: 50 } },
    // The whole history stays, for the test to read.
    runtime: { snapshotAfterCommits: 1_000_000 },
  }
  const { coordinated = false, handlerMs = 80 } = setup
  const queue: Queue<{ n: number }> = coordinated
    ? createCoordinatedQueue({ ...options, heartbeatIntervalMs: 1000, heartbeatTtlMs: 3000 })
    : createQueue(options)
  const loop = watchLoop()
  for (const kind of ['claimed', 'refused', 'completed'] as const) {
    queue.on(kind, ({ id, fencingToken }) => report({ kind, id, token: fencingToken }))
  }
  for (const kind of ['died', 'expired'] as const) queue.on(kind, ({ id }) => report({ kind, id }))
  for (const kind of ['promoted', 'demoted'] as const) queue.on(kind, ({ epoch }) => report({ kind, epoch }))
  queue.on('trouble', () => {})

  const obey = async (order: Order): Promise<void> => {
    if ('produce' in order) {
      for (let n = 0; n < order.produce; n += order.batch) {
        const size = Math.min(order.batch, order.produce - n)
        const enqueued = await queue.enqueueMany(Array.from({ length: size }, (_, i) => ({ n: n + i })))
        report({ kind: 'acknowledged', ids: enqueued.map(({ id }) => id) })
      }
      report({ kind: 'produced' })
    } else if ('work' in order) {
      queue.process(
        async ({ id, payload }, { fencingToken: token, signal }) => {
          const from = now()
          await new Promise((resolve) => setTimeout(resolve, Math.random() * handlerMs))
          const to = now()
          const disturbed = signal.aborted || loop.stoodStillSince(from)
          report({ kind: 'handled', id, n: payload.n, token, from, to, disturbed })
        },
        { concurrency: order.work, maxPrefetch: 20 },
      )
    } else if ('cost' in order) {
      const { requests, metrics } = queue.getCost()
      const byKind = Object.fromEntries(Object.entries(metrics.kinds).map(([kind, { requests: n }]) => [kind, n]))
      report({ kind: 'cost', requests, byKind })
    } else if ('stats' in order) {
      report({ kind: 'stats', stats: await queue.getStats() })
    } else {
      await queue.close()
      store.destroy()
      report({ kind: 'closed' })
      process.disconnect()
    }
  }
  process.on('message', (order) => void obey(order as Order))
  process.once('SIGTERM', () => void obey({ close: true }))
  report({ kind: 'ready' })
}

await main()
