/** How long a queue that processes share stands still when the one that writes is gone. */
import { systemRandom } from '@s3queue/storage'
import type { Fleet, FleetOptions } from '../pods/fleet.ts'
import { startFleet } from '../pods/real-fleet.ts'
import { virtualFleet } from '../pods/virtual-fleet.ts'
import type { Findings, Row } from '../row.ts'
import { virtualWorld } from '../world.ts'

const SHORT_MS = 2000
/** The default of `takeoverAfterMs`. */
const DEFAULT_MS = 30_000
/** Handlers of the first messages do not end, so that there is work. */
const STUCK = 2
const STORY =
  'A producer and three workers, each in a process of its own. At a random moment the process that writes is killed, or has closed; then the producer enqueues a message. Counted until ' +
  'another process writes, and until the handler of the message starts. Busy: two messages are being handled. Idle: nothing is left to do'

const ENDS = ['killed', 'closed'] as const
const ACTIVITIES = ['Busy', 'Idle'] as const

function metrics(takeoverAfterMs: number, isIdleAtOnce: boolean): Row['metrics'] {
  const limits = { killed: takeoverAfterMs + 2000, closed: 1000 }
  return Object.fromEntries(
    ENDS.flatMap((how) => {
      const target = { bound: 'at most', value: limits[how], every: true } as const
      return [
        [`${how}BusyWriter`, { label: `${how}, busy: next writer`, unit: 'ms', target }],
        [`${how}BusyHandler`, { label: `${how}, busy: next message`, unit: 'ms', target }],
        [`${how}IdleWriter`, { label: `${how}, idle: next writer`, unit: 'ms', target }],
        [
          `${how}IdleHandler`,
          { label: `${how}, idle: next message`, unit: 'ms', target: isIdleAtOnce ? target : undefined },
        ],
      ]
    }),
  )
}

export const podsTakeOver: Row = {
  name: 'pods-take-over',
  about: `${STORY}. takeoverAfterMs is 2,000.`,
  stores: ['fs', 'minio'],
  repetitions: 3,
  warmUp: false,
  metrics: metrics(SHORT_MS, true),
  begin: ({ location, quick, progress }) => {
    if (location === undefined) throw new Error('Other processes cannot open a store in memory.')
    const takeoverAfterMs = quick ? 500 : SHORT_MS
    const start = (options: FleetOptions): Promise<Fleet> => startFleet(location, options)
    const wanted = quick ? [{ how: 'killed', activity: 'Busy' } as const] : ALL
    return () => measureAll({ wanted, takeoverAfterMs, start, progress })
  },
}

export const podsTakeOverByDefault: Row = {
  name: 'pods-take-over-default',
  about: `${STORY}: then processes look every 10 s or so, and the message waits for the first of them. All options at their defaults, in virtual time.`,
  stores: ['memory'],
  repetitions: 25,
  warmUp: false,
  metrics: metrics(DEFAULT_MS, false),
  begin:
    ({ progress }) =>
    async () => {
      const world = await virtualWorld()
      const start = (options: FleetOptions): Promise<Fleet> => virtualFleet(world, options)
      return measureAll({ wanted: ALL, takeoverAfterMs: DEFAULT_MS, start, progress })
    },
}

interface Measurement {
  readonly how: (typeof ENDS)[number]
  readonly activity: (typeof ACTIVITIES)[number]
}

const ALL: readonly Measurement[] = ENDS.flatMap((how) => ACTIVITIES.map((activity) => ({ how, activity })))

interface Plan {
  readonly wanted: readonly Measurement[]
  readonly takeoverAfterMs: number
  readonly start: (options: FleetOptions) => Promise<Fleet>
  readonly progress: (text: string) => void
}

async function measureAll({ wanted, takeoverAfterMs, start, progress }: Plan): Promise<Findings> {
  const found: Record<string, number> = {}
  for (const { how, activity } of wanted) {
    progress(`${how}, ${activity.toLowerCase()}`)
    const fleet = await start({ workers: 3, takeoverAfterMs, stuckBelow: activity === 'Busy' ? STUCK : 0 })
    try {
      const { writer, handler } = await standStill(fleet, how, takeoverAfterMs)
      found[`${how}${activity}Writer`] = writer
      found[`${how}${activity}Handler`] = handler
    } finally {
      await fleet.end()
    }
  }
  return found
}

async function standStill(
  fleet: Fleet,
  how: Measurement['how'],
  takeoverAfterMs: number,
): Promise<{ readonly writer: number; readonly handler: number }> {
  await fleet.run(fleet.enqueue(0, STUCK))
  for (let n = 0; n < STUCK; n++) await fleet.run(fleet.started(n))
  // Until all know each other, and whether there is work. The looks and signs of all of them come at intervals: the end may lie anywhere in between.
  await fleet.pass(takeoverAfterMs * (1 + systemRandom.next()))
  const promoted = fleet.nextWriter()
  const goneAt = await fleet.run(fleet.endWriter(how))
  const done = Promise.all([promoted, fleet.started(STUCK), fleet.enqueue(STUCK, 1)])
  const [writerAt, handlerAt] = await fleet.run(done)
  return { writer: writerAt - goneAt, handler: handlerAt - goneAt }
}
