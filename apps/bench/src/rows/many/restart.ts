/** How long a process that starts again after a SIGKILL is silent, on one machine. */
import { sleep, systemClock } from '@s3queue/storage'
import type { Pod } from '../../pods/pod.ts'
import type { PodSource } from '../../pods/pod-source.ts'
import type { WorkOrder } from '../../pods/protocol.ts'
import type { Row } from '../../row.ts'
import { atMost, type ManyPlace, onBothSides } from './sides.ts'
import { StartTimes } from './start-times.ts'

const TRIALS = 3
const HANDLER_MS = 1000
const BACKLOG = 20
const WARM_UP = 2
/** Into the handlers. */
const KILL_AFTER_MS = 2500

export const restart: readonly Row[] = onBothSides({
  name: 'many-restart',
  about: `One process enqueues ${BACKLOG} messages and handles them, two at a time for 1 s; SIGKILL ends it in the middle, and another process starts. Time from its process() to the first handler of any message, and to \
the first of those that were cut off. The longest of ${TRIALS} trials.`,
  onRequest: 'group',
  metrics: {
    any: { label: 'restart: the first handler', unit: 'ms', target: atMost(1000) },
    cutOff: { label: 'restart: a message that was cut off', unit: 'ms', target: atMost(1000) },
  },
  async measure(place) {
    // Its lock of 30 s is checked every 30 s.
    if (place.quick && place.side === 'BullMQ') return {}
    const trials = Array.from({ length: place.quick ? 1 : TRIALS }, () => restartOnce(place))
    const silences = await Promise.all(trials)
    return {
      any: Math.max(...silences.map(({ any }) => any)),
      cutOff: Math.max(...silences.map(({ cutOff }) => cutOff)),
    }
  },
})

async function restartOnce({ open, quick }: ManyPlace): Promise<{ readonly any: number; readonly cutOff: number }> {
  const scale = quick ? 0.2 : 1
  const order: WorkOrder = { kind: 'work', concurrency: 2, handlerMs: HANDLER_MS * scale }
  const source = open()
  const { cutOff } = await workAndDie(source, order, KILL_AFTER_MS * scale)
  const pod = await source.start()
  const starts = new StartTimes([pod])
  const startedAt = systemClock.now()
  pod.order(order)
  const again = await Promise.race(cutOff.map((n) => starts.of(n)))
  const [any] = starts.since(startedAt)
  await source.end()
  return { any: (any?.at ?? again) - startedAt, cutOff: again - startedAt }
}

/** Resolves to the numbers of the messages whose handlers ran when the process was killed. */
async function workAndDie(
  source: PodSource,
  order: WorkOrder,
  afterMs: number,
): Promise<{ readonly cutOff: readonly number[] }> {
  const pod = await source.start()
  const starts = new StartTimes([pod])
  await pod.ask(order, source.hasWriter ? 'promoted' : 'working')
  await enqueue(pod, 0, WARM_UP)
  await starts.all(0, WARM_UP)
  await sleep(systemClock, order.handlerMs)
  await enqueue(pod, WARM_UP, BACKLOG)
  await starts.of(WARM_UP)
  await sleep(systemClock, afterMs)
  const killedAt = systemClock.now()
  await pod.kill()
  return { cutOff: starts.since(killedAt - order.handlerMs).map(({ n }) => n) }
}

function enqueue(pod: Pod, first: number, count: number): Promise<unknown> {
  return pod.ask({ kind: 'enqueue', first, count, batch: count }, 'enqueued')
}
