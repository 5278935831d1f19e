/** How fast several processes work off a backlog of short handlers. */
import type { WorkOrder } from '../../pods/protocol.ts'
import { WorkFleet } from '../../pods/work-fleet.ts'
import type { Row } from '../../row.ts'
import { atLeast, atMost, type ManyPlace, onBothSides } from './sides.ts'

interface Backlog {
  readonly processes: number
  readonly concurrency: number
  readonly handlerMs: number
  readonly messages: number
}

export const BACKLOGS: Readonly<Record<'five' | 'twenty' | 'hundred', Backlog>> = {
  five: { processes: 4, concurrency: 50, handlerMs: 5, messages: 40_000 },
  twenty: { processes: 4, concurrency: 50, handlerMs: 20, messages: 20_000 },
  hundred: { processes: 8, concurrency: 10, handlerMs: 100, messages: 8000 },
}

/** Each slot gets this many messages before anything is measured, on average. */
const WARM_UP_ROUNDS = 20
const QUICK_ROUNDS = 2

export const podsBusy: readonly Row[] = onBothSides({
  name: 'pods-busy',
  about:
    'A producer and 4 workers × 50, handlers of 5 ms and of 20 ms, and 8 × 10, handlers of 100 ms: each in a process, after a warm-up with messages of the same kind. All messages wait before the ' +
    'first handler starts; counted from then to the end of the last handler. The ideal is the rate of all handlers without any delay; a timer may be late, and "handler" says how long one took.',
  metrics: {
    five: { label: '4 × 50, 5 ms', unit: 'messages/s' },
    fiveRequests: { label: '4 × 50, 5 ms', unit: 'requests/message' },
    fiveHandler: { label: '4 × 50, 5 ms: handler', unit: 'ms' },
    twenty: { label: '4 × 50, 20 ms', unit: 'messages/s' },
    twentyShare: { label: '4 × 50, 20 ms', unit: '% of ideal', target: atLeast(95) },
    twentyRequests: { label: '4 × 50, 20 ms', unit: 'requests/message' },
    twentyHandler: { label: '4 × 50, 20 ms: handler', unit: 'ms' },
    hundred: { label: '8 × 10, 100 ms', unit: 'messages/s' },
    hundredShare: { label: '8 × 10, 100 ms', unit: '% of ideal', target: atLeast(98) },
    hundredRequests: { label: '8 × 10, 100 ms', unit: 'requests/message', target: atMost(0.1) },
    hundredHandler: { label: '8 × 10, 100 ms: handler', unit: 'ms' },
  },
  async measure(place) {
    const five = await workOffTogether(place, BACKLOGS.five)
    const twenty = await workOffTogether(place, BACKLOGS.twenty)
    const hundred = await workOffTogether(place, BACKLOGS.hundred)
    return {
      ...{ five: five.rate, fiveRequests: five.requests, fiveHandler: five.handlerMs },
      ...{ twenty: twenty.rate, twentyShare: twenty.share, twentyRequests: twenty.requests },
      ...{ twentyHandler: twenty.handlerMs, hundred: hundred.rate, hundredShare: hundred.share },
      ...{ hundredRequests: hundred.requests, hundredHandler: hundred.handlerMs },
    }
  },
})

export async function workOffTogether(
  { open, progress, quick, side }: ManyPlace,
  { processes, concurrency, handlerMs, messages }: Backlog,
): Promise<{
  readonly rate: number
  /** Of what the handlers could do without any delay, in per cent. */
  readonly share: number
  /** For each message, of all processes; undefined where there is no store. */
  readonly requests: number | undefined
  readonly handlerMs: number
}> {
  progress(`${processes} × ${concurrency}, handlers of ${handlerMs} ms`)
  const slots = processes * concurrency
  const order: WorkOrder = { kind: 'work', concurrency, handlerMs, reports: 'progress' }
  const fleet = await WorkFleet.start(open(), [order, ...Array.from({ length: processes - 1 }, () => order)])
  await fleet.handle((quick ? QUICK_ROUNDS : WARM_UP_ROUNDS) * slots)
  const count = quick ? QUICK_ROUNDS * slots : messages
  const before = await fleet.requests()
  const batch = await fleet.handleBacklog(count)
  const requests = (await fleet.requests()) - before
  await fleet.end()
  const rate = count / ((batch.lastEndAt - batch.firstStartAt) / 1000)
  return {
    rate,
    share: (rate / ((slots * 1000) / handlerMs)) * 100,
    requests: side === 'ours' ? requests / count : undefined,
    handlerMs: batch.handlerMs,
  }
}
