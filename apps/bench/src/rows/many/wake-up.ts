/** How long a message waits that is enqueued in one process while the worker process is idle. */

import type { Row } from '../../row.ts'
import { quantile } from '../../sample.ts'
import { idleTrials } from './idle-trials.ts'
import { atMost, onBothSides } from './sides.ts'

const TRIALS = 15
const ON_FILES = atMost(50, 'fs')

export const wakeUp: readonly Row[] = onBothSides({
  name: 'many-wake-up',
  about: `A process without a worker enqueues a message after an idle time of 5 to 8 s; another process has the worker. Time from the call to the start of the handler, of ${TRIALS} messages.`,
  onRequest: 'group',
  metrics: {
    p50: { label: 'enqueue to handler, p50', unit: 'ms', target: [ON_FILES, atMost(1000)] },
    longest: { label: 'enqueue to handler, longest', unit: 'ms', target: [ON_FILES, atMost(2000)] },
  },
  async measure(place) {
    const waits = await idleTrials(place, { workers: 1, trials: TRIALS }, async ({ fleet, starts }) => {
      const { first, calledAt } = await fleet.enqueue(1)
      return (await starts.of(first)) - calledAt
    })
    return { p50: quantile(waits, 0.5), longest: Math.max(...waits) }
  },
})
