/**
 * One process on a queue, told by its parent what to do: `{ produce: n }`, `{ work: concurrency }`, `{ stats: true }`, `{ close: true }`.
 * It reports everything it sees, so that the parent can judge from evidence of all processes together.
 */
import { createQueue, type Queue } from '@s3queue/core'
import { createS3Store, type S3StoreOptions } from '@s3queue/storage-s3'

export interface Setup {
  readonly store: S3StoreOptions
  readonly queue: string
  readonly visibilityTimeoutMs: number
  readonly takeoverAfterMs: number
}

export type Order =
  | { readonly produce: number; readonly batch: number }
  | { readonly work: number }
  | { readonly stats: true }
  | { readonly close: true }

export type Report =
  | { readonly kind: 'acknowledged'; readonly ids: readonly string[] }
  | { readonly kind: 'claimed' | 'refused' | 'completed'; readonly id: string; readonly token: number }
  | { readonly kind: 'handled'; readonly id: string; readonly n: number }
  | { readonly kind: 'died' | 'expired'; readonly id: string }
  | { readonly kind: 'promoted'; readonly epoch: number }
  | { readonly kind: 'demoted'; readonly epoch: number }
  | { readonly kind: 'stats'; readonly stats: Awaited<ReturnType<Queue<unknown>['getStats']>> }
  | { readonly kind: 'produced' | 'closed' | 'ready' }

function report(message: Report): void {
  process.send?.(message)
}

async function main(): Promise<void> {
  const setup = JSON.parse(process.argv[2] ?? '') as Setup
  const { queue: name, visibilityTimeoutMs, takeoverAfterMs } = setup
  const store = createS3Store(setup.store)
  const queue = createQueue<{ n: number }>({
    name,
    store,
    visibilityTimeoutMs,
    takeoverAfterMs,
    maxAttempts: 100,
    backoff: { baseMs: 50 },
  })
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
        async ({ id, payload }) => {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 80))
          report({ kind: 'handled', id, n: payload.n })
        },
        { concurrency: order.work, maxPrefetch: 20 },
      )
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
  report({ kind: 'ready' })
}

await main()
