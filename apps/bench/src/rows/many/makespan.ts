/** Whether processes share messages that are enqueued together. */
import { sleep, systemClock } from '@s3queue/storage'
import type { PodOptions, WorkOrder } from '../../pods/protocol.ts'
import { WorkFleet } from '../../pods/work-fleet.ts'
import type { Row } from '../../row.ts'
import { atMost, type ManyPlace, onBothSides } from './sides.ts'

interface Case {
  readonly processes: number
  readonly concurrency: number
  readonly messages: number
  readonly handlerMs: number
  readonly options?: PodOptions
}

const CASES = {
  short: { processes: 4, concurrency: 10, messages: 400, handlerMs: 100 },
  medium: { processes: 4, concurrency: 2, messages: 40, handlerMs: 1000 },
  long: { processes: 3, concurrency: 1, messages: 15, handlerMs: 2000 },
  polled: { processes: 4, concurrency: 10, messages: 400, handlerMs: 100, options: { maxPollMs: 2000 } },
} as const satisfies Readonly<Record<string, Case>>

/** Each slot gets this many messages before anything is measured, on average. */
const WARM_UP_ROUNDS = 2
const PAUSE_MS = 1000
const QUICK_HANDLER_MS = 10
const UNIT = '× ideal'
const TARGET = atMost(1.15)

export const makespan: readonly Row[] = onBothSides({
  name: 'many-makespan',
  about:
    'A process without a worker enqueues messages together, a second after the workers have handled others of the same kind. Time from the start of the first handler to the end of the last, over ' +
    'that of a central queue without delays.',
  onRequest: 'group',
  metrics: {
    short: { label: '4 × 10, 400 of 100 ms', unit: UNIT, target: TARGET },
    medium: { label: '4 × 2, 40 of 1 s', unit: UNIT, target: TARGET },
    long: { label: '3 × 1, 15 of 2 s', unit: UNIT, target: TARGET },
    polled: { label: '4 × 10, 400 of 100 ms, maxPollMs 2,000', unit: UNIT, target: TARGET },
    shortEnqueued: { label: '4 × 10, 400 of 100 ms, from the enqueue', unit: UNIT },
    mediumEnqueued: { label: '4 × 2, 40 of 1 s, from the enqueue', unit: UNIT },
    longEnqueued: { label: '3 × 1, 15 of 2 s, from the enqueue', unit: UNIT },
  },
  async measure(place) {
    const short = await share(place, CASES.short)
    const medium = await share(place, CASES.medium)
    const long = await share(place, CASES.long)
    // BullMQ has no such option.
    const polled = place.side === 'ours' ? await share(place, CASES.polled) : undefined
    return {
      ...{ short: short.ratio, medium: medium.ratio, long: long.ratio, polled: polled?.ratio },
      ...{ shortEnqueued: short.fromEnqueue, mediumEnqueued: medium.fromEnqueue, longEnqueued: long.fromEnqueue },
    }
  },
})

/** Both over the ideal: from the first handler's start, and from the acknowledged enqueue. */
async function share(
  { open, progress, quick }: ManyPlace,
  work: Case,
): Promise<{ readonly ratio: number; readonly fromEnqueue: number }> {
  const { processes, concurrency, messages, options } = work
  const handlerMs = quick ? QUICK_HANDLER_MS : work.handlerMs
  progress(`${processes} × ${concurrency}, ${messages} of ${handlerMs} ms`)
  const order: WorkOrder = { kind: 'work', concurrency, handlerMs, reports: 'progress' }
  const fleet = await WorkFleet.start(open(options), [order, ...Array.from({ length: processes - 1 }, () => order)])
  await fleet.handle(WARM_UP_ROUNDS * processes * concurrency)
  await sleep(systemClock, quick ? 0 : PAUSE_MS)
  const { firstStartAt, lastEndAt, acknowledgedAt } = await fleet.handle(messages)
  await fleet.end()
  const idealMs = (messages / (processes * concurrency)) * handlerMs
  return { ratio: (lastEndAt - firstStartAt) / idealMs, fromEnqueue: (lastEndAt - acknowledgedAt) / idealMs }
}
