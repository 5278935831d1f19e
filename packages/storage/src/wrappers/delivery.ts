/** Notifications on their way to a watcher. State: those that have not arrived; an abort of the watch drops them. */
import type { WatchOptions } from '../port/object-store.ts'
import type { Clock } from '../runtime/clock.ts'

export interface Delivery {
  /** Notifies the watcher after `ms`; with 0 immediately. */
  deliver(ms: number): void
}

export function createDelivery(clock: Clock, { onChange, signal }: WatchOptions): Delivery {
  const underWay = new Set<() => void>()
  const drop = (): void => {
    for (const cancel of underWay) cancel()
    underWay.clear()
  }
  signal.addEventListener('abort', drop, { once: true })
  return {
    deliver(ms) {
      if (signal.aborted) return
      if (ms <= 0) return onChange()
      const cancel = clock.setTimer(ms, () => {
        underWay.delete(cancel)
        onChange()
      })
      underWay.add(cancel)
    },
  }
}
