/** One row of the table: so many pods, so much traffic, and what that costs and how it feels. */
import { diffMetrics, REQUEST_KINDS, type RequestKind } from '@s3queue/storage'
import { type Fleet, type Pod, startFleet } from './fleet.ts'
import type { Load } from './request-limits.ts'
import { Traffic } from './traffic.ts'

export interface Scale {
  readonly pods: number
  readonly messagesPerSecond: number
  /** How long each handler takes. */
  readonly handlerMs: number
  readonly seed: number
  /** Virtual time to pass before anything is counted, and while it is. */
  readonly warmUpMs: number
  readonly measureMs: number
  /** Told of each virtual second or so. */
  readonly onProgress: (what: string) => void
}

export interface ScaleRow extends Pick<Scale, 'pods' | 'messagesPerSecond' | 'handlerMs'> {
  /** Requests per second of all processes together. */
  readonly perSecond: Readonly<Record<RequestKind, number>>
  readonly load: Load
  readonly dollarsPerMonth: number
  /** From enqueue to handler, ms; undefined without traffic. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** Messages that waited for their handlers at the end. */
  readonly backlog: number
  /** From the moment at which the writer is gone to the handler of the next message that is enqueued, ms. */
  readonly afterCloseMs: number
  readonly afterKillMs: number
  /** From a kill of the writer until another process writes, ms. */
  readonly takeOverMs: number
}

const MONTH_S = 30 * 24 * 3600
const STEP_MS = 1000
/** After a change of the writer, until all is as before. */
const SETTLE_MS = 60_000
const GONE_FOR_GOOD_MS = 300_000

export async function measureScale(scale: Scale): Promise<ScaleRow> {
  const { pods, messagesPerSecond, handlerMs, seed, warmUpMs, measureMs, onProgress } = scale
  onProgress('starting')
  const fleet = await startFleet(pods, handlerMs, seed)
  const traffic = new Traffic(fleet, messagesPerSecond)
  // Somebody writes, and everybody knows.
  await fleet.clock.runUntil(traffic.probe())
  const pass = (what: string, ms: number): Promise<void> =>
    passTime(fleet, ms, (share) => onProgress(`${what} ${share}`))
  await pass('warming up', warmUpMs)
  fleet.limited.reset()
  traffic.takeLatencies()
  const before = fleet.meter.metrics()
  await pass('counting', measureMs)
  const { kinds, dollars } = diffMetrics(fleet.meter.metrics(), before)
  const load = fleet.limited.load()
  const seconds = measureMs / 1000
  const latencies = messagesPerSecond > 0 ? traffic.takeLatencies() : []
  const quantile = (share: number): number | undefined => latencies[Math.floor(share * (latencies.length - 1))]
  const { backlog } = traffic
  onProgress('the writer stops')
  const { handledMs: afterCloseMs } = await standStill(fleet, traffic, ({ queue }) => queue.close())
  await pass('settling', SETTLE_MS)
  onProgress('the writer is killed')
  const { handledMs: afterKillMs, takeOverMs } = await standStill(fleet, traffic, async (pod) => pod.kill())
  traffic.stop()
  return {
    ...{ pods, messagesPerSecond, handlerMs, load, backlog, afterCloseMs, afterKillMs, takeOverMs },
    perSecond: Object.fromEntries(REQUEST_KINDS.map((kind) => [kind, kinds[kind].requests / seconds])) as Record<
      RequestKind,
      number
    >,
    dollarsPerMonth: (dollars / seconds) * MONTH_S,
    ...{ p50: quantile(0.5), p99: quantile(0.99) },
  }
}

/** Ends the writer, and measures from when it is gone until another process writes, and until the handler of a message that is enqueued then. */
async function standStill(
  fleet: Fleet,
  traffic: Traffic,
  end: (writer: Pod) => Promise<void>,
): Promise<{ readonly takeOverMs: number; readonly handledMs: number }> {
  const { pods, clock } = fleet
  const writer = pods.find(({ queue }) => queue.health().isCoordinator)
  if (writer === undefined) throw new Error('None of the pods writes.')
  const limitMs = GONE_FOR_GOOD_MS
  await clock.runUntil(end(writer), { limitMs })
  const goneAt = clock.monotonic()
  let writesAt = Number.POSITIVE_INFINITY
  fleet.onPromoted = () => {
    writesAt = Math.min(writesAt, clock.monotonic())
  }
  const handledMs = await clock.runUntil(traffic.probe(), { limitMs })
  return { takeOverMs: writesAt - goneAt, handledMs }
}

async function passTime({ clock }: Fleet, ms: number, onShare: (share: string) => void): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    await clock.advance(Math.min(STEP_MS, ms - passed))
    onShare(`${Math.min(100, Math.round(((passed + STEP_MS) / ms) * 100))} %`)
  }
}
