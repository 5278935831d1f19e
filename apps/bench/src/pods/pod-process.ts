/** One process on a queue; its parent gives it orders. It ends when the channel to its parent does, so it cannot be left behind. */
import { systemClock } from '@s3queue/storage'
import { batches, recipient, recipients } from '../payloads.ts'
import type { PodQueue } from './pod-queue.ts'
import type { EnqueueOrder, PodOrder, PodReport, PodSetup, WorkOrder } from './protocol.ts'
import { RunLog } from './run-log.ts'

function report(message: PodReport): void {
  process.send?.(message)
}

/** Loads what is needed alone: a process of ours does not load BullMQ. */
async function openQueue(setup: PodSetup): Promise<PodQueue> {
  if (setup.kind === 'redis') return (await import('./bullmq-queue.ts')).openBullmqQueue(setup)
  const { openStoreQueue } = await import('./store-queue.ts')
  return openStoreQueue(setup, () => report({ kind: 'promoted', at: systemClock.now() }))
}

class PodProcess {
  readonly #queue: PodQueue
  #log = new RunLog('starts', report)
  #lastId: string | undefined

  constructor(queue: PodQueue) {
    this.#queue = queue
  }

  async obey(order: PodOrder): Promise<void> {
    const queue = this.#queue
    switch (order.kind) {
      case 'work':
        return this.#work(order)
      case 'enqueue':
        return this.#enqueue(order)
      case 'pause':
        return this.#answer(() => queue.pause())
      case 'resume':
        return this.#answer(() => queue.resume())
      case 'cancel-last':
        return this.#answer(() => queue.cancel(this.#lastId ?? 'none was enqueued'))
      case 'usage': {
        const { user, system } = process.cpuUsage()
        return report({ kind: 'usage', requests: queue.requests(), cpuMs: (user + system) / 1000 })
      }
      case 'handled':
        return report({ kind: 'handled', numbers: this.#log.takeHandled() })
      case 'close':
        await queue.close()
        report({ kind: 'closed', at: systemClock.now() })
        process.disconnect()
    }
  }

  async #work(order: WorkOrder): Promise<void> {
    const { handlerMs, stuckBelow = 0, reports = 'starts' } = order
    const log = new RunLog(reports, report)
    this.#log = log
    await this.#queue.work((n, signal) => {
      const end = log.start(n)
      if (n < stuckBelow)
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      if (handlerMs === 0) return end()
      return new Promise<void>((resolve) => {
        systemClock.setTimer(handlerMs, () => {
          end()
          resolve()
        })
      })
    }, order)
    report({ kind: 'working' })
  }

  async #enqueue({ first, count, batch, priority = 'none', delayMs }: EnqueueOrder): Promise<void> {
    const calledAt = systemClock.now()
    for (const part of batches(count, batch)) {
      const payloads = count === 1 ? [recipient(first)] : recipients(part.count, first + part.first)
      this.#lastId = (await this.#queue.enqueue(payloads, { priority, delayMs })).at(-1)
    }
    report({ kind: 'enqueued', calledAt, at: systemClock.now() })
  }

  async #answer(command: () => Promise<unknown>): Promise<void> {
    const calledAt = systemClock.monotonic()
    await command()
    report({ kind: 'answered', ms: systemClock.monotonic() - calledAt })
  }
}

async function open(setup: PodSetup): Promise<void> {
  const pod = new PodProcess(await openQueue(setup))
  process.on('message', (order) => {
    pod.obey(order as PodOrder).catch((error: unknown) => report({ kind: 'failed', reason: String(error) }))
  })
  report({ kind: 'ready' })
}

process.once('message', (setup) => {
  open(setup as PodSetup).catch((error: unknown) => report({ kind: 'failed', reason: String(error) }))
})
process.once('disconnect', () => process.exit())
