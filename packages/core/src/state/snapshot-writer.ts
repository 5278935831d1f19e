/** From a cut of the state to the lines of a snapshot, some rows at a time. */
import { packNumbers, packValues } from './columns.ts'
import type { StateCut } from './cut.ts'
import { slotsOf } from './failures.ts'
import type { Run } from './model.ts'
import { FORMAT, type Line } from './snapshot-lines.ts'
import { packClaims, packDead, packRuns, type RunRow } from './snapshot-rows.ts'

/** Rows of a line, at most but for runs in pieces. To encode so many takes some ms. */
export const ROWS = 2048

/** `needs` is called with the slots of the commits in which payloads or texts are still needed. */
export function* linesOf(cut: StateCut, needs: (slot: number) => void): Generator<Line, void> {
  const { slot, now, nextToken, nextRun, paused, shared, retention, completedCount, sweptAt, images } = cut
  yield {
    kind: 'head',
    format: FORMAT,
    slot,
    now,
    nextToken,
    nextRun,
    paused,
    shared,
    retention,
    completedCount,
    sweptAt,
  }
  for (const rows of slices(cut.senders.length)) {
    const senders = cut.senders.slice(...rows)
    yield {
      ...{ kind: 'senders', rows: senders.length, name: packValues(senders, ({ name }) => name) },
      ...{ next: packNumbers(senders, ({ next }) => next), seenAt: packNumbers(senders, ({ seenAt }) => seenAt) },
      early: packValues(senders, ({ early }) => (early.length > 0 ? early : null)),
    }
  }
  for (const rows of runRows(cut)) {
    needsOf(rows, needs)
    yield packRuns(rows)
  }
  for (const rows of slices(cut.active.length)) {
    const claims = cut.active.slice(...rows)
    needsOf(claims, needs)
    yield packClaims(claims, images)
  }
  for (const rows of slices(cut.dead.length)) {
    const dead = cut.dead.slice(...rows)
    needsOf(dead, needs)
    yield packDead(dead)
  }
  yield* endedLines(cut, needs)
}

function needsOf(messages: readonly Pick<RunRow, 'batch' | 'failures'>[], needs: (slot: number) => void): void {
  for (const { batch, failures } of messages) {
    needs(batch.slot)
    if (failures.stored.length > 0) for (const slot of slotsOf(failures)) needs(slot)
  }
}

/** What is remembered of messages that are gone, and of commands. */
function* endedLines(cut: StateCut, needs: (slot: number) => void): Generator<Line, void> {
  for (const rows of slices(cut.completed.length)) {
    const completions = cut.completions.slice(...rows)
    for (const { stored } of completions) if (stored !== undefined) needs(stored.slot)
    yield {
      ...{ kind: 'completed', rows: completions.length, id: packValues(cut.completed.slice(...rows), (id) => id) },
      ordinal: packNumbers(completions, ({ ordinal }) => ordinal),
      attempts: packNumbers(completions, ({ attempts }) => attempts),
      enqueuedAt: packNumbers(completions, ({ enqueuedAt }) => enqueuedAt),
      completedAt: packNumbers(completions, ({ completedAt }) => completedAt),
      result: packValues(completions, ({ result }) => result ?? null),
      report: packValues(completions, ({ report }) => report ?? null),
      stored: packValues(completions, ({ stored }) =>
        stored === undefined ? null : ([stored.slot, stored.token] as const),
      ),
      chars: packNumbers(completions, ({ chars }) => chars),
    }
  }
  for (const rows of slices(cut.endedIds.length)) {
    const ids = cut.endedIds.slice(...rows)
    const until = packNumbers(cut.endedUntil.slice(...rows), (at) => at)
    yield { kind: 'ended', rows: ids.length, id: packValues(ids, (id) => id), until }
  }
  for (const rows of slices(cut.keys.length)) {
    const keyed = cut.keyed.slice(...rows)
    yield {
      ...{ kind: 'keys', rows: keyed.length, key: packValues(cut.keys.slice(...rows), (key) => key) },
      ...{ id: packValues(keyed, ({ id }) => id), until: packNumbers(keyed, ({ until }) => until) },
    }
  }
  for (const rows of slices(cut.left.length)) {
    const left = cut.left.slice(...rows)
    const worker = packValues(left, ([name]) => name)
    yield { kind: 'left', rows: left.length, worker, at: packNumbers(left, ([, at]) => at) }
  }
  for (const rows of slices(cut.answers.length)) {
    const answers = cut.answers.slice(...rows)
    yield {
      ...{ kind: 'answers', rows: answers.length, to: packValues(answers, ([to]) => to) },
      ...{ result: packNumbers(answers, ([, { result }]) => result), at: packNumbers(answers, ([, { at }]) => at) },
    }
  }
  for (const rows of slices(cut.garbage.length)) {
    const keys = cut.garbage.slice(...rows)
    yield { kind: 'garbage', rows: keys.length, key: packValues(keys, (key) => key) }
  }
  for (const rows of slices(cut.unnamed.length)) {
    const unnamed = cut.unnamed.slice(...rows)
    yield {
      ...{ kind: 'unnamed', rows: unnamed.length, key: packValues(unnamed, ([key]) => key) },
      since: packNumbers(unnamed, ([, since]) => since),
    }
  }
}

/** Visible runs in the order of their turns, then the others, some at a time. */
function* runRows({ ready, delayed, now, images }: StateCut): Generator<RunRow[], void> {
  let rows: RunRow[] = []
  for (const runs of ready) {
    for (const first of runs) {
      for (let run: Run | undefined = first; run !== undefined; run = images.runOf(run).rest) {
        const { seq, count } = images.runOf(run)
        if (count > 0) rows.push({ run, batch: run.batch, failures: run.failures, seq, count })
      }
      if (rows.length < ROWS) continue
      yield rows
      rows = []
    }
  }
  for (const run of delayed) {
    const { seq, count } = images.runOf(run)
    if (run.visibleAt <= now || count === 0) continue
    if (rows.push({ run, batch: run.batch, failures: run.failures, seq, count }) < ROWS) continue
    yield rows
    rows = []
  }
  if (rows.length > 0) yield rows
}

function* slices(length: number): Iterable<[from: number, to: number]> {
  for (let from = 0; from < length; from += ROWS) yield [from, from + ROWS]
}
