/**
 * One process on a queue, told by its parent what to do. It ends when the channel to its parent does, so it cannot be left behind.
 *
 * Moments are ms of the wall clock, which all processes of a machine share.
 */
import { type CoordinatedQueue, createCoordinatedQueue } from '@s3queue/coordinator'
import type { Worker } from '@s3queue/core'
import { systemClock } from '@s3queue/storage'
import { batches, type Recipient, recipient, recipients } from '../payloads.ts'
import { NAMESPACE } from '../queues.ts'
import { openLocation, type StoreLocation } from '../stores/location.ts'

export interface PodSetup {
  readonly location: StoreLocation
  readonly queue: string
  readonly takeoverAfterMs?: number | undefined
}

export type PodOrder =
  /** Handles messages, each for `handlerMs`; those below `stuckBelow` without end. */
  | {
      readonly kind: 'work'
      readonly concurrency: number
      readonly handlerMs: number
      readonly stuckBelow?: number
      readonly maxPrefetch?: number
    }
  /** Enqueues recipients from `first` on, `batch` at a time, one batch after the other. */
  | { readonly kind: 'enqueue'; readonly first: number; readonly count: number; readonly batch: number }
  | { readonly kind: 'count-requests' }
  | { readonly kind: 'close' }

export type PodReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'promoted'; readonly at: number }
  /** The numbers of messages whose handlers have begun since the last report. */
  | { readonly kind: 'started'; readonly numbers: readonly number[]; readonly at: number }
  | { readonly kind: 'enqueued'; readonly at: number }
  | { readonly kind: 'requests'; readonly requests: number }
  | { readonly kind: 'closed'; readonly at: number }

function report(message: PodReport): void {
  process.send?.(message)
}

function work(queue: CoordinatedQueue<Recipient>, order: Extract<PodOrder, { kind: 'work' }>): Worker {
  const { concurrency, handlerMs, stuckBelow = 0, maxPrefetch } = order
  let started: number[] = []
  const tell = (): void => {
    if (started.length === 0) return
    report({ kind: 'started', numbers: started, at: systemClock.now() })
    started = []
  }
  // All that begin in one turn of the event loop are told of together.
  const note = (n: number): void => {
    if (started.push(n) === 1) setImmediate(tell)
  }
  return queue.process(
    async ({ payload }, { signal }) => {
      note(payload.n)
      if (payload.n < stuckBelow)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      else if (handlerMs > 0) await new Promise<void>((resolve) => systemClock.setTimer(handlerMs, resolve))
    },
    { concurrency, maxPrefetch },
  )
}

async function enqueue(
  queue: CoordinatedQueue<Recipient>,
  { first, count, batch }: Extract<PodOrder, { kind: 'enqueue' }>,
): Promise<void> {
  if (count === 1) await queue.enqueue(recipient(first))
  else for (const part of batches(count, batch)) await queue.enqueueMany(recipients(part.count, first + part.first))
  report({ kind: 'enqueued', at: systemClock.now() })
}

function open({ location, queue: name, takeoverAfterMs }: PodSetup): void {
  const { store, close } = openLocation(location)
  const queue = createCoordinatedQueue<Recipient>({ name, namespace: NAMESPACE, store, takeoverAfterMs })
  queue.on('promoted', () => report({ kind: 'promoted', at: systemClock.now() }))
  queue.on('trouble', () => {})
  let worker: Worker | undefined
  const obey = async (order: PodOrder): Promise<void> => {
    if (order.kind === 'work') worker = work(queue, order)
    else if (order.kind === 'enqueue') await enqueue(queue, order)
    else if (order.kind === 'count-requests') report({ kind: 'requests', requests: queue.getCost().requests })
    else {
      await worker?.stop({ timeoutMs: 0 })
      await queue.close()
      report({ kind: 'closed', at: systemClock.now() })
      close()
      process.disconnect()
    }
  }
  process.on('message', (order) => void obey(order as PodOrder))
  report({ kind: 'ready' })
}

process.once('message', (setup) => open(setup as PodSetup))
process.once('disconnect', () => process.exit())
