/**
 * Pages of messages by status. Each message has a place that never changes while it keeps its status, and a page begins behind a
 * place: so nothing is shown twice and nothing is skipped, whatever comes and goes between two pages. One exception: a process that does not write
 * shows messages that still lie in the inbox last, and shows them again if they get their place in the log between two pages.
 */
import { assertKnownKeys, InvalidOption, numberOption } from '@s3queue/storage'
import {
  type Described,
  describeActive,
  describeCompleted,
  describeDead,
  describeWaiting,
  type MessageInfo,
  type MessageStatus,
} from './message-info.ts'
import { completions, deadLetters, type QueueView, waitingRuns } from './queue-view.ts'
import { type Batch, messageId, payloadIndex, type Run } from './state/model.ts'

/** Which messages `Queue.list` gives. */
export interface ListOptions {
  readonly status: MessageStatus
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
}

/** One page of `Queue.list`. */
export interface MessagePage {
  /** Waiting ones by priority and age, delayed ones by the time they are due, active ones by token, others by their end. */
  readonly messages: readonly MessageInfo[]
  /** Where the next page begins; undefined if this was the last. */
  readonly next: string | undefined
}

type Place = readonly number[]

interface Entry {
  readonly place: Place
  readonly describe: () => Described
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

/** A page as the state knows it. */
interface DescribedPage {
  readonly messages: readonly Described[]
  readonly next: string | undefined
}

export function listMessages(view: QueueView, { status, limit, after }: ResolvedListOptions): DescribedPage {
  // One more tells whether there is another page.
  const found = leastOf(entriesOf(view, status, after, limit + 1), after, limit + 1)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const next = found.length > limit && last !== undefined ? `${status}:${last.place.join(':')}` : undefined
  return { messages: page.map(({ describe }) => describe()), next }
}

/** The messages of a status, in any order; at least the first `count` of those behind `after`. */
function* entriesOf(view: QueueView, status: MessageStatus, after: Place | undefined, count: number): Iterable<Entry> {
  const { state } = view
  if (status === 'waiting' || status === 'delayed') {
    yield* waitingEntries(view, status, after, count)
  } else if (status === 'active') {
    for (const claim of state.active.values()) yield { place: [claim.token], describe: () => describeActive(claim) }
  } else if (status === 'dead') {
    for (const letter of deadLetters(view))
      yield { place: [letter.diedAt, ...origin(letter)], describe: () => describeDead(letter) }
  } else {
    for (const [id, completion] of completions(view))
      yield { place: [completion.ordinal], describe: () => describeCompleted(id, completion) }
  }
}

function* waitingEntries(
  view: QueueView,
  status: 'waiting' | 'delayed',
  after: Place | undefined,
  count: number,
): Iterable<Entry> {
  const placeOf = (run: Run, seq: number): Place => [
    status === 'waiting' ? -run.batch.priority : run.visibleAt,
    ...origin({ batch: run.batch, seq }),
  ]
  // By their last messages: a run may begin before the page and reach into it. Each has one at least, so no more than `count` are needed.
  const runs = leastOf(lastPlaces(view, status, placeOf), after, count)
  for (const { run } of runs) {
    const first = run.seq + indexBehindIn(placeOf(run, run.seq), after)
    for (let seq = first; seq < Math.min(run.seq + run.count, first + count); seq++) {
      const id = messageId({ batch: run.batch, seq })
      yield { place: placeOf(run, seq), describe: () => describeWaiting(id, run, view.now) }
    }
  }
}

/** How many messages of a run, of which some are behind `after`, are not. Within a run only the last part of the place grows, by one each. */
function indexBehindIn(first: Place, after: Place | undefined): number {
  if (after === undefined || compare(first, after) > 0) return 0
  return (after.at(-1) ?? 0) - (first.at(-1) ?? 0) + 1
}

function* lastPlaces(
  view: QueueView,
  status: 'waiting' | 'delayed',
  placeOf: (run: Run, seq: number) => Place,
): Iterable<{ readonly place: Place; readonly run: Run }> {
  for (const run of waitingRuns(view)) {
    if (run.count > 0 && run.visibleAt > view.now === (status === 'delayed'))
      yield { place: placeOf(run, run.seq + run.count - 1), run }
  }
}

/** The `count` first behind `after`, in order. One pass; entries that come in order cost a comparison each. */
function leastOf<T extends { readonly place: Place }>(
  entries: Iterable<T>,
  after: Place | undefined,
  count: number,
): T[] {
  const least: T[] = []
  for (const entry of entries) {
    const { place } = entry
    if (after !== undefined && compare(place, after) <= 0) continue
    const last = least.at(-1)
    if (last === undefined || compare(place, last.place) >= 0) {
      if (least.length < count) least.push(entry)
      continue
    }
    least.splice(indexBehind(least, place), 0, entry)
    if (least.length > count) least.pop()
  }
  return least
}

/** Where in the sorted entries those begin that come behind `place`. */
function indexBehind(sorted: readonly { readonly place: Place }[], place: Place): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const there = sorted[middle]
    if (there !== undefined && compare(there.place, place) <= 0) from = middle + 1
    else to = middle
  }
  return from
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
  const [of, ...parts] = String(after).split(':')
  const place = parts.map(Number)
  if (of === status && place.length > 0 && place.every(Number.isFinite)) return place
  throw new InvalidOption(
    'list',
    'after',
    `must be the "next" of a page of ${status} messages, not ${JSON.stringify(after)}.`,
  )
}
