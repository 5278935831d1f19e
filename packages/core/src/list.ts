/**
 * Pages of messages by status. Each message has a place that never changes while it keeps its status, and a page begins behind a
 * place: so nothing is shown twice and nothing is skipped, whatever comes and goes between two pages.
 */
import { assertKnownKeys, InvalidOption, numberOption } from '@s3queue/storage'
import {
  describeActive,
  describeCompleted,
  describeDead,
  describeWaiting,
  type MessageInfo,
  type MessageStatus,
} from './message-info.ts'
import { type Batch, messageId, payloadIndex, type QueueState, type Run } from './state/model.ts'

export interface ListOptions {
  readonly status: MessageStatus
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

export interface MessagePage {
  /** Waiting ones by priority and age, delayed ones by the time they are due, active ones by token, others by their end. */
  readonly messages: readonly MessageInfo[]
  /** Where the next page begins; undefined if this was the last. */
  readonly next: string | undefined
}

type Place = readonly number[]

interface Entry {
  readonly place: Place
  readonly describe: () => MessageInfo
}

const STATUSES: readonly MessageStatus[] = ['waiting', 'delayed', 'active', 'completed', 'dead']

export interface ResolvedListOptions {
  readonly status: MessageStatus
  readonly limit: number
  readonly after: Place | undefined
}

/** Throws `InvalidOption` for a status, a limit or a cursor that is none. */
export function resolveListOptions(options: ListOptions): ResolvedListOptions {
  assertKnownKeys('list', options, ['status', 'limit', 'after'])
  const { status, limit, after } = options
  if (!STATUSES.includes(status))
    throw new InvalidOption('list', 'status', `must be one of ${STATUSES.join(', ')}, not ${String(status)}.`)
  return {
    status,
    limit: numberOption('list', 'limit', limit, 100, { min: 1, max: 1000, integer: true }),
    after: parsePlace(status, after),
  }
}

export function listMessages(state: QueueState, { status, limit, after }: ResolvedListOptions): MessagePage {
  const found: Entry[] = []
  for (const entry of entriesOf(state, status, after)) {
    if (after !== undefined && compare(entry.place, after) <= 0) continue
    if (found.push(entry) > limit) break
  }
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const next = found.length > limit && last !== undefined ? `${status}:${last.place.join(':')}` : undefined
  return { messages: page.map(({ describe }) => describe()), next }
}

/** All messages of a status in the order of their places; those at or before `after` may be left out. */
function* entriesOf(state: QueueState, status: MessageStatus, after: Place | undefined): Iterable<Entry> {
  if (status === 'waiting' || status === 'delayed') {
    yield* waitingEntries(state, status, after)
  } else if (status === 'active') {
    for (const claim of state.active.values()) yield { place: [claim.token], describe: () => describeActive(claim) }
  } else if (status === 'dead') {
    const dead = [...state.dead.values()].map((letter) => ({ place: [letter.diedAt, ...origin(letter)], letter }))
    for (const { place, letter } of dead.sort((a, b) => compare(a.place, b.place)))
      yield { place, describe: () => describeDead(letter) }
  } else {
    for (const [id, completion] of state.completed) {
      yield { place: [completion.ordinal], describe: () => describeCompleted(id, completion) }
    }
  }
}

function* waitingEntries(state: QueueState, status: 'waiting' | 'delayed', after: Place | undefined): Iterable<Entry> {
  const placeOf = (run: Run, seq: number): Place => [
    status === 'waiting' ? -run.batch.priority : run.visibleAt,
    ...origin({ batch: run.batch, seq }),
  ]
  const runs = [...state.runs.values()]
    .filter((run) => run.count > 0 && run.visibleAt > state.now === (status === 'delayed'))
    .filter((run) => after === undefined || compare(placeOf(run, run.seq + run.count - 1), after) > 0)
    .sort((a, b) => compare(placeOf(a, a.seq), placeOf(b, b.seq)))
  for (const run of runs) {
    for (let seq = run.seq; seq < run.seq + run.count; seq++) {
      const id = messageId({ batch: run.batch, seq })
      yield { place: placeOf(run, seq), describe: () => describeWaiting(id, run, state.now) }
    }
  }
}

function origin(message: { readonly batch: Batch; readonly seq: number }): Place {
  return [message.batch.slot, payloadIndex(message)]
}

function compare(a: Place, b: Place): number {
  for (const [i, part] of a.entries()) {
    const other = b[i] ?? 0
    if (part !== other) return part - other
  }
  return 0
}

function parsePlace(status: MessageStatus, after: string | undefined): Place | undefined {
  if (after === undefined) return undefined
  const [of, ...parts] = after.split(':')
  const place = parts.map(Number)
  if (of === status && place.length > 0 && place.every(Number.isFinite)) return place
  throw new InvalidOption(
    'list',
    'after',
    `must be the "next" of a page of ${status} messages, not ${JSON.stringify(after)}.`,
  )
}
