/** How long an urgent message waits behind a backlog. */
import { sleep, systemClock } from '@s3queue/storage'
import type { WorkOrder } from '../../pods/protocol.ts'
import { WorkFleet } from '../../pods/work-fleet.ts'
import type { Row } from '../../row.ts'
import { atMost, type ManyPlace, onBothSides } from './sides.ts'
import { StartTimes } from './start-times.ts'

const CONCURRENCY = 2
const HANDLER_MS = 1000
const BACKLOG = 40
const AFTER_MS = 2500
const WARM_UP = 4
/** One handler's time, and the way to the writer and back. */
const TARGET = atMost(HANDLER_MS + 100)
const TARGET_OF_THREE = atMost(HANDLER_MS + 300)

export const urgent: readonly Row[] = onBothSides({
  name: 'many-urgent',
  about:
    'Concurrency 2, handlers of 1 s, a backlog of 40; after 2.5 s a message of the highest priority is enqueued. Time until its handler starts: in one process that does everything, and in three ' +
    'that get all from a process without a worker.',
  onRequest: 'group',
  metrics: {
    one: { label: 'urgent message, one process', unit: 'ms', target: TARGET },
    three: { label: 'urgent message, three processes', unit: 'ms', target: TARGET_OF_THREE },
  },
  async measure(place) {
    return { one: await waitOf(place, 1), three: await waitOf(place, 3) }
  },
})

async function waitOf({ open, progress, quick }: ManyPlace, processes: 1 | 3): Promise<number> {
  progress(`${processes} × ${CONCURRENCY}`)
  const scale = quick ? 0.05 : 1
  const order: WorkOrder = { kind: 'work', concurrency: CONCURRENCY, handlerMs: HANDLER_MS * scale }
  const fleet = await WorkFleet.start(open(), [order, ...Array.from({ length: processes - 1 }, () => order)])
  const by = processes === 1 ? fleet.writer : fleet.producer
  const starts = new StartTimes(fleet.workers)
  const { first } = await fleet.enqueue(WARM_UP * processes, { by })
  await starts.all(first, WARM_UP * processes)
  await sleep(systemClock, 2 * HANDLER_MS * scale)
  await fleet.enqueue(BACKLOG * processes, { by, priority: 'low' })
  await sleep(systemClock, AFTER_MS * scale)
  const sent = await fleet.enqueue(1, { by, priority: 'urgent' })
  const startedAt = await starts.of(sent.first)
  await fleet.end()
  return startedAt - sent.calledAt
}
