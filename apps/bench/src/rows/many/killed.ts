/** How long nothing is handled after a kill of the process that writes, while other workers are alive. */
import { sleep, systemClock, systemRandom } from '@s3queue/storage'
import type { WorkOrder } from '../../pods/protocol.ts'
import { WorkFleet } from '../../pods/work-fleet.ts'
import type { Row } from '../../row.ts'
import { idleTrials } from './idle-trials.ts'
import { atMost, type ManyPlace, onBothSides } from './sides.ts'
import { StartTimes } from './start-times.ts'

const WORKERS = 4
const TRIALS = 3
const BUSY: WorkOrder = { kind: 'work', concurrency: 4, handlerMs: 100 }
/** A minute's work. */
const BACKLOG = 9600
/** The workers are busy for about that long before the kill, and after another process has become the writer. */
const BEFORE_MS = 3000
const AFTER_MS = 5000
/** The next writer is there by then. */
const WATCH_MS = 50_000
/** From the kill on an idle queue to the next message. */
const LATER_MS = 1000

export const killed: readonly Row[] = onBothSides({
  name: 'many-killed',
  about: `A producer and ${WORKERS} workers, each in a process; SIGKILL ends the process that writes (with BullMQ: one of the workers). Busy: a backlog of handlers of 100 ms; the longest time without the start of a \
handler. Idle: after an idle time of 5 to 8 s; a second after the kill a message is enqueued, time until its handler starts. The longest of ${TRIALS} trials each.`,
  onRequest: 'group',
  metrics: {
    busy: { label: 'nothing handled, busy', unit: 'ms', target: atMost(5000) },
    idle: { label: 'next message, idle', unit: 'ms', target: atMost(8000) },
  },
  async measure(place) {
    place.progress('busy')
    const trials = Array.from({ length: place.quick ? 1 : TRIALS }, () => killBusy(place))
    const busy = Math.max(...(await Promise.all(trials)))
    const idle = await idleTrials(place, { workers: WORKERS, trials: TRIALS }, async ({ fleet, starts }) => {
      await fleet.writer.kill()
      await sleep(systemClock, LATER_MS)
      const { first, calledAt } = await fleet.enqueue(1)
      return (await starts.of(first)) - calledAt
    })
    return { busy, idle: Math.max(...idle) }
  },
})

async function killBusy({ open, side, quick }: ManyPlace): Promise<number> {
  const fleet = await WorkFleet.start(open(), [BUSY, ...Array.from({ length: WORKERS - 1 }, () => BUSY)])
  await fleet.enqueue(BACKLOG)
  await sleep(systemClock, quick ? 100 : BEFORE_MS * (1 + systemRandom.next()))
  const { writer } = fleet
  const alive = fleet.workers.filter((pod) => pod !== writer)
  const starts = new StartTimes(alive)
  const promoted = side === 'ours' ? Promise.race(alive.map((pod) => pod.next('promoted'))) : Promise.resolve()
  promoted.catch(() => {})
  const killedAt = systemClock.now()
  await writer.kill()
  await Promise.race([promoted, sleep(systemClock, WATCH_MS)])
  await sleep(systemClock, AFTER_MS)
  const moments = [killedAt, ...starts.since(killedAt).map(({ at }) => at), systemClock.now()]
  await fleet.end()
  return Math.max(...moments.map((at, i) => at - (moments[i - 1] ?? at)))
}
