/** What is promised of every row. */
import type { ScaleRow } from './measure.ts'
import { S3_LIMITS } from './request-limits.ts'

/** From a kill of the writer to the next one: of an idle queue from the next enqueue, which comes right after it. */
const TAKE_OVER_MS = 8_000
/** From then on to the next handler: behind everything that was enqueued meanwhile, and as long as messages take anyway. */
const NEXT_MESSAGE_MS = 3000
/** Messages per second over which the queue may not fall behind. */
const SECONDS_OF_BACKLOG = 2

/** Promises that are not kept, in words. */
export function judge(row: ScaleRow): string[] {
  const { pods, messagesPerSecond, handlerMs, load, backlog, takeOverMs, afterKillMs } = row
  const checks: [boolean, string][] = [
    [load.refused === 0, `${load.refused} requests were refused`],
    [load.mostWrites <= S3_LIMITS.writesPerSecond, `${load.mostWrites} writes in a second`],
    [load.mostReads <= S3_LIMITS.readsPerSecond, `${load.mostReads} reads in a second`],
    [backlog <= SECONDS_OF_BACKLOG * messagesPerSecond, `${backlog} messages wait`],
    [takeOverMs <= TAKE_OVER_MS, `no other process wrote for ${Math.round(takeOverMs)} ms after a crash of the writer`],
    [
      afterKillMs <= takeOverMs + NEXT_MESSAGE_MS,
      `the next message waited for ${Math.round(afterKillMs - takeOverMs)} ms after the take-over`,
    ],
  ]
  return checks
    .filter(([isKept]) => !isKept)
    .map(([, what]) => `${pods} pods, ${messagesPerSecond} messages per second, handlers of ${handlerMs} ms: ${what}`)
}
