/** How long an operator's commands take that another process gives while the queue is idle. */

import type { Row } from '../../row.ts'
import { quantile } from '../../sample.ts'
import { idleTrials } from './idle-trials.ts'
import { atMost, onBothSides } from './sides.ts'

const TRIALS = 6
const HOUR_MS = 3_600_000
const TARGET = atMost(2000)

export const operator: readonly Row[] = onBothSides({
  name: 'many-operator',
  about: `A process without a worker pauses the queue, or cancels a delayed message, after an idle time of 5 to 8 s. Time until the call resolves, of ${TRIALS} calls each.`,
  onRequest: 'group',
  metrics: {
    pause: { label: 'pause, p50', unit: 'ms' },
    pauseLongest: { label: 'pause, longest', unit: 'ms', target: TARGET },
    cancel: { label: 'cancel, p50', unit: 'ms' },
    cancelLongest: { label: 'cancel, longest', unit: 'ms', target: TARGET },
  },
  async measure(place) {
    const pauses = await idleTrials(place, { workers: 1, trials: TRIALS }, async ({ fleet: { producer } }) => {
      const { ms } = await producer.ask({ kind: 'pause' }, 'answered')
      await producer.ask({ kind: 'resume' }, 'answered')
      return ms
    })
    const cancels = await idleTrials(
      place,
      { workers: 1, trials: TRIALS, prepare: (fleet) => fleet.enqueue(1, { delayMs: HOUR_MS }) },
      async ({ fleet: { producer } }) => (await producer.ask({ kind: 'cancel-last' }, 'answered')).ms,
    )
    return {
      ...{ pause: quantile(pauses, 0.5), pauseLongest: Math.max(...pauses) },
      ...{ cancel: quantile(cancels, 0.5), cancelLongest: Math.max(...cancels) },
    }
  },
})
