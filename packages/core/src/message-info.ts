/** What can be said of a message: its status and everything that is remembered of it. */

import { describeFailures, type Failure } from './failure.ts'
import { findInInbox, type QueueView } from './queue-view.ts'
import { shardOf } from './shard/shard-of.ts'
import type { DeadReason, Report } from './state/events.ts'
import { type FailureHistory, textsAtHand } from './state/failures.ts'
import { type Found, findMessage } from './state/lookup.ts'
import { type Claim, type Completion, type DeadLetter, messageId, type Run, type StoredOutcome } from './state/model.ts'

/** `waiting`: visible; `delayed`: not visible yet; `active`: claimed by a worker; `completed`, `dead`: at its end. */
export type MessageStatus = 'waiting' | 'delayed' | 'active' | 'completed' | 'dead'

/** A message as of some moment. Times are ms since 1970. */
export interface MessageInfo {
  readonly id: string
  readonly status: MessageStatus
  /** Attempts made, the one under way included. */
  readonly attempts: number
  readonly enqueuedAt: number
  readonly maxAttempts?: number | undefined
  readonly priority?: number | undefined
  /** Of a delayed message. */
  readonly visibleAt?: number | undefined
  /** Of an active message. */
  readonly workerId?: string | undefined
  readonly claimedAt?: number | undefined
  /**
   * Of an active message: when its handler started. Known in the process of its worker alone, and undefined there while the worker holds the message ahead of a
   * free handler.
   */
  readonly startedAt?: number | undefined
  readonly fencingToken?: number | undefined
  /** Of an active message: `release` was called, and its worker has not confirmed yet that it stopped. */
  readonly releasing?: true | undefined
  /** What the handler reported last with `context.progress`, in the attempt under way or the one that completed the message. */
  readonly progress?: unknown
  /** What it wrote with `context.log` in that attempt, the last 100 lines. */
  readonly log?: readonly string[] | undefined
  readonly completedAt?: number | undefined
  readonly result?: unknown
  readonly diedAt?: number | undefined
  readonly reason?: DeadReason | undefined
  /** The last 20 failed attempts. */
  readonly failures?: readonly Failure[] | undefined
}

/** A message as the state knows it, and where the rest is: see `LogTexts`. */
export interface Described {
  readonly info: MessageInfo
  /** Its failures, if some of their texts are in the log. */
  readonly history?: FailureHistory | undefined
  /** Where its result or its report is, if that is in the log. */
  readonly outcome?: StoredOutcome | undefined
}

function describeFound(id: string, found: Found, now: number): Described {
  switch (found.status) {
    case 'waiting':
      return describeWaiting(id, found.run, now)
    case 'active':
      return describeActive(found.claim)
    case 'dead':
      return describeDead(found.dead)
    case 'completed':
      return describeCompleted(id, found.completion)
  }
}

/** The message with this id. One in the inbox is looked for first: it may have an id that an ended message had. */
export function describeMessage(view: QueueView, id: string): Described | undefined {
  const waiting = findInInbox(view, id)
  if (waiting !== undefined) return describeWaiting(id, waiting.run, view.now)
  const found = findMessage(view.state, id, view.now)
  return found && describeFound(id, found, view.now)
}

/** Whether its id may stand for another message by now: one that the queue gave is never used again. */
export function mayBeReplaced({ info: { id, status } }: Described): boolean {
  return (status === 'completed' || status === 'dead') && shardOf(id) === undefined
}

export function describeWaiting(id: string, run: Run, now: number): Described {
  const { enqueuedAt, maxAttempts, priority } = run.batch
  const { attempts, visibleAt } = run
  const delay = visibleAt > now ? ({ status: 'delayed', visibleAt } as const) : ({ status: 'waiting' } as const)
  return withFailures({ id, ...delay, attempts, enqueuedAt, maxAttempts, priority }, run.failures)
}

export function describeActive(claim: Claim): Described {
  const { enqueuedAt, maxAttempts, priority } = claim.batch
  const { attempt: attempts, worker: workerId, claimedAt, token: fencingToken } = claim
  const info: MessageInfo = {
    ...{ id: messageId(claim), status: 'active', attempts, enqueuedAt, maxAttempts, priority },
    ...{ workerId, claimedAt, fencingToken, ...describeReport(claim.report) },
    ...(claim.releasing ? { releasing: true as const } : {}),
  }
  return withFailures(info, claim.failures)
}

export function describeDead(dead: DeadLetter): Described {
  const { enqueuedAt, maxAttempts, priority } = dead.batch
  const { attempts, diedAt, reason } = dead
  const id = messageId(dead)
  return withFailures(
    { id, status: 'dead', attempts, enqueuedAt, maxAttempts, priority, diedAt, reason },
    dead.failures,
  )
}

function withFailures(info: MessageInfo, history: FailureHistory): Described {
  const failures = textsAtHand(history)
  return failures === undefined ? { info, history } : { info: { ...info, failures: describeFailures(failures) } }
}

export function describeCompleted(
  id: string,
  { attempts, enqueuedAt, completedAt, result, report, stored }: Completion,
): Described {
  const info: MessageInfo = { id, status: 'completed', attempts, enqueuedAt, completedAt }
  return { info: withOutcome(info, { result, report }), outcome: stored }
}

/** What of a result and a report is known. */
export function withOutcome(
  info: MessageInfo,
  { result, report }: { readonly result: string | undefined; readonly report: Report | undefined },
): MessageInfo {
  const value = result === undefined ? {} : { result: JSON.parse(result) as unknown }
  return { ...info, ...value, ...describeReport(report) }
}

function describeReport(report: Claim['report']): Pick<MessageInfo, 'progress' | 'log'> {
  if (report === undefined) return {}
  const progress = report.progress === undefined ? {} : { progress: JSON.parse(report.progress) as unknown }
  return report.log.length > 0 ? { ...progress, log: report.log } : progress
}
