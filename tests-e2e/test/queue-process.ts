/**
 * One process on a queue, told by its parent what to do: `{ produce: n }`, `{ work: concurrency }`, `{ stats: true }`, `{ cost: true }`, `{ close: true }`.
 * SIGTERM closes it too. It reports everything it sees, so that the parent can judge from evidence of all processes together.
 */
import { createCoordinatedQueue } from '@s3queue/coordinator'
import { createQueue, type HandlerContext, NotAcknowledged, type Queue } from '@s3queue/core'
import type { ObjectStore } from '@s3queue/storage'
import { openPlace, type Place } from './place.ts'

export interface Setup {
  readonly place: Place
  readonly queue: string
  readonly visibilityTimeoutMs: number
  readonly takeoverAfterMs: number
  /** Whether all processes handle messages, or the writer's alone. */
  readonly coordinated?: boolean
  /** How long a handler takes at most, in ms. Default 80. */
  readonly handlerMs?: number
  /** A handler's time is always `handlerMs`, not any part of it. */
  readonly steady?: boolean
}

export type Order =
  | { readonly produce: number; readonly batch: number }
  | { readonly work: number }
  | { readonly stats: true }
  | { readonly cost: true }
  /** A worker that is not done after `stopAfterMs` gives its messages back; without it, handlers have a visibility timeout. */
  | { readonly close: true; readonly stopAfterMs?: number }

/** Moments are ms on the clock that all processes of the machine share. */
export type Report =
  | { readonly kind: 'acknowledged'; readonly ids: readonly string[] }
  | { readonly kind: 'claimed' | 'refused' | 'completed'; readonly id: string; readonly token: number }
  | {
      readonly kind: 'started'
      readonly id: string
      readonly token: number
      readonly at: number
      /** How long the handler may believe in its claim, if nothing extends it. */
      readonly until: number
    }
  /** A handler that has not ended may believe longer: its claim was extended. */
  | { readonly kind: 'extended'; readonly token: number; readonly until: number }
  | {
      /** The handler came to its end, whatever became of its claim. */
      readonly kind: 'handled'
      readonly id: string
      readonly n: number
      readonly token: number
      readonly at: number
      /** Until when it could believe in its claim: its end, or the moment of its abort or of its deadline, if that was before. */
      readonly trustedUntil: number
      /** Requests of its process to the store so far. */
      readonly requests: number
    }
  | { readonly kind: 'died' | 'expired'; readonly id: string }
  | { readonly kind: 'promoted' | 'demoted'; readonly epoch: number }
  | { readonly kind: 'cost'; readonly requests: number; readonly byKind: Readonly<Record<string, number>> }
  | { readonly kind: 'stats'; readonly stats: Awaited<ReturnType<Queue<unknown>['getStats']>> }
  | { readonly kind: 'produced' | 'closed' | 'ready' }

function report(message: Report): void {
  process.send?.(message)
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function openQueue(setup: Setup, store: ObjectStore): Queue<{ n: number }> {
  const { queue: name, visibilityTimeoutMs, takeoverAfterMs, coordinated = false } = setup
  const options = {
    ...{ name, store, visibilityTimeoutMs, takeoverAfterMs },
    ...{ maxAttempts: 100, backoff: { baseMs: 50 } },
    // The whole history stays, for the test to read.
    runtime: { snapshotAfterCommits: 1_000_000 },
  }
  if (!coordinated) return createQueue(options)
  return createCoordinatedQueue({ ...options, heartbeatIntervalMs: 1000, heartbeatTtlMs: 3000 })
}

/** A handler that takes its time and says when it began, when it ended, and how long it could believe in its claim. */
function handlerFor({ handlerMs = 80, steady = false }: Setup, queue: Queue<unknown>) {
  return async ({ id, payload }: { id: string; payload: { n: number } }, context: HandlerContext): Promise<void> => {
    const { fencingToken: token, signal } = context
    let told = context.deadline
    const deadline = (): number => now() + context.deadline - Date.now()
    report({ kind: 'started', id, token, at: now(), until: deadline() })
    const telling = setInterval(() => {
      if (context.deadline === told) return
      told = context.deadline
      report({ kind: 'extended', token, until: deadline() })
    }, 20)
    let abortedAt = Number.POSITIVE_INFINITY
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, steady ? handlerMs : Math.random() * handlerMs)
      signal.addEventListener('abort', () => {
        abortedAt = now()
        clearTimeout(timer)
        resolve()
      })
    })
    clearInterval(telling)
    const at = now()
    const trustedUntil = Math.min(at, abortedAt, deadline())
    report({ kind: 'handled', id, n: payload.n, token, at, trustedUntil, requests: queue.getCost().requests })
  }
}

async function main(): Promise<void> {
  const setup = JSON.parse(process.argv[2] ?? '') as Setup
  const { store, close } = openPlace(setup.place)
  const queue = openQueue(setup, store)
  for (const kind of ['claimed', 'refused', 'completed'] as const) {
    queue.on(kind, ({ id, fencingToken }) => report({ kind, id, token: fencingToken }))
  }
  for (const kind of ['died', 'expired'] as const) queue.on(kind, ({ id }) => report({ kind, id }))
  for (const kind of ['promoted', 'demoted'] as const) queue.on(kind, ({ epoch }) => report({ kind, epoch }))
  queue.on('trouble', () => {})
  let worker: ReturnType<typeof queue.process> | undefined

  /** With ids of their own: a call that nobody acknowledged is repeated, and no message is in the queue twice. */
  const enqueue = async (payloads: readonly { n: number }[]): Promise<string[]> => {
    for (;;) {
      try {
        const enqueued = await queue.enqueueMany(payloads, ({ n }) => ({ id: `${process.pid}-${n}` }))
        return enqueued.map(({ id }) => id)
      } catch (error) {
        if (!(error instanceof NotAcknowledged)) throw error
      }
    }
  }

  const obey = async (order: Order): Promise<void> => {
    if ('produce' in order) {
      for (let n = 0; n < order.produce; n += order.batch) {
        const size = Math.min(order.batch, order.produce - n)
        const numbers = Array.from({ length: size }, (_, i) => ({ n: n + i }))
        report({ kind: 'acknowledged', ids: await enqueue(numbers) })
      }
      report({ kind: 'produced' })
    } else if ('work' in order) {
      worker = queue.process(handlerFor(setup, queue), { concurrency: order.work, maxPrefetch: 20 })
    } else if ('cost' in order) {
      const { requests, metrics } = queue.getCost()
      const byKind = Object.fromEntries(Object.entries(metrics.kinds).map(([kind, { requests: n }]) => [kind, n]))
      report({ kind: 'cost', requests, byKind })
    } else if ('stats' in order) {
      report({ kind: 'stats', stats: await queue.getStats() })
    } else {
      if (order.stopAfterMs !== undefined) await worker?.stop({ timeoutMs: order.stopAfterMs })
      await queue.close()
      close()
      report({ kind: 'closed' })
      process.disconnect()
    }
  }
  process.on('message', (order) => void obey(order as Order))
  process.once('SIGTERM', () => void obey({ close: true, stopAfterMs: 500 }))
  report({ kind: 'ready' })
}

await main()
