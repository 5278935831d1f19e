/** What one worker can do that gets all messages from another process. */
import { usageOf, WorkFleet } from '../../pods/work-fleet.ts'
import type { Row } from '../../row.ts'
import { atLeast, type ManyPlace, onBothSides } from './sides.ts'

const MESSAGES = 20_000
const QUICK_MESSAGES = 500
const CONCURRENCY = 100
/** Messages before anything is measured. */
const WARM_UP = 5000
/** Keeps the writer's own worker busy for the whole measurement. */
const STUCK = 0

export const podsRemote: readonly Row[] = onBothSides({
  name: 'pods-remote',
  about: `One worker, concurrency ${CONCURRENCY}, gets all messages from another process, whose own worker is busy with one long message. ${MESSAGES.toLocaleString('en')} messages wait after a warm-up of ${WARM_UP.toLocaleString('en')}; handlers do \
nothing. Counted from the start of the first handler to the end of the last; CPU time and requests from the enqueue on. With BullMQ the worker is the only one.`,
  metrics: {
    rate: { label: 'one remote worker', unit: 'messages/s', target: atLeast(10_000, 'minio') },
    requests: { label: 'requests per message', unit: 'requests' },
    writerCpu: { label: 'CPU per message, writer', unit: 'µs' },
    workerCpu: { label: 'CPU per message, worker', unit: 'µs' },
  },
  measure: (place) => (place.side === 'ours' ? throughWriter(place) : withoutWriter(place)),
})

async function throughWriter({ open, quick, progress }: ManyPlace): Promise<Record<string, number>> {
  const count = quick ? QUICK_MESSAGES : MESSAGES
  const shared = { kind: 'work', handlerMs: 0 } as const
  const fleet = await WorkFleet.start(
    open(),
    [
      { ...shared, reports: 'starts', concurrency: 1, maxPrefetch: 0, stuckBelow: STUCK + 1 },
      { ...shared, reports: 'progress', concurrency: CONCURRENCY },
    ],
    async (first) => {
      const stuck = first.next('started')
      first.order({ kind: 'enqueue', first: STUCK, count: 1, batch: 1 })
      await stuck
    },
  )
  const { writer, workers } = fleet
  const worker = workers.find((pod) => pod !== writer) ?? writer
  progress('warming up')
  await fleet.handle(quick ? QUICK_MESSAGES : WARM_UP)
  progress(`${count} messages`)
  const before = await Promise.all([usageOf(writer), usageOf(worker), fleet.requests()])
  const { firstStartAt, lastEndAt } = await fleet.handleBacklog(count)
  const after = await Promise.all([usageOf(writer), usageOf(worker), fleet.requests()])
  await fleet.end()
  return {
    rate: count / ((lastEndAt - firstStartAt) / 1000),
    requests: (after[2] - before[2]) / count,
    writerCpu: ((after[0].cpuMs - before[0].cpuMs) / count) * 1000,
    workerCpu: ((after[1].cpuMs - before[1].cpuMs) / count) * 1000,
  }
}

async function withoutWriter({ open, quick }: ManyPlace): Promise<Record<string, number>> {
  const count = quick ? QUICK_MESSAGES : MESSAGES
  const fleet = await WorkFleet.start(open(), [
    { kind: 'work', concurrency: CONCURRENCY, handlerMs: 0, reports: 'progress' },
  ])
  await fleet.handle(quick ? QUICK_MESSAGES : WARM_UP)
  const before = await usageOf(fleet.writer)
  const { firstStartAt, lastEndAt } = await fleet.handleBacklog(count)
  const after = await usageOf(fleet.writer)
  await fleet.end()
  return {
    rate: count / ((lastEndAt - firstStartAt) / 1000),
    workerCpu: ((after.cpuMs - before.cpuMs) / count) * 1000,
  }
}
