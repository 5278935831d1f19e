/** What is promised of every row. */
import type { ScaleRow } from './measure.ts'
import { S3_LIMITS } from './request-limits.ts'

/** Of `takeoverAfterMs`, which is 30 s, and two seconds. */
const AFTER_KILL_MS = 32_000
/** Messages per second over which the queue may not fall behind. */
const SECONDS_OF_BACKLOG = 2

/** Promises that are not kept, in words. */
export function judge(row: ScaleRow): string[] {
  const { pods, messagesPerSecond, load, backlog, afterKillMs } = row
  const checks: [boolean, string][] = [
    [load.refused === 0, `${load.refused} requests were refused`],
    [load.mostWrites <= S3_LIMITS.writesPerSecond, `${load.mostWrites} writes in a second`],
    [load.mostReads <= S3_LIMITS.readsPerSecond, `${load.mostReads} reads in a second`],
    [backlog <= SECONDS_OF_BACKLOG * messagesPerSecond, `${backlog} messages wait`],
    [
      afterKillMs <= AFTER_KILL_MS,
      `after a crash of the writer the next message waited for ${Math.round(afterKillMs)} ms`,
    ],
  ]
  return checks
    .filter(([isKept]) => !isKept)
    .map(([, what]) => `${pods} pods, ${messagesPerSecond} messages per second: ${what}`)
}
