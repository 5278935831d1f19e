/** The messages that wait: runs in the order of their turns. Keeps `runs`, `ready`, `delayed` and the counts of a state together. */
import { Deque } from './deque.ts'
import type { QueueState, Run } from './model.ts'

/** So many emptied runs are not worth a look. */
const FEW = 1000

/** The visible runs of a priority. */
function readyRuns(state: QueueState, priority: number): Deque<Run> {
  let runs = state.ready.get(priority)
  if (runs === undefined) {
    runs = new Deque()
    state.ready.set(priority, runs)
    state.priorities = [...state.ready.keys()].sort((a, b) => b - a)
  }
  return runs
}

/** A run and what lies behind it, in order. */
function* chainOf(run: Run): Iterable<Run> {
  for (let link: Run | undefined = run; link !== undefined; link = link.rest) yield link
}

/** Visible runs, first to go first. */
export function* visibleRuns(state: QueueState): Iterable<Run> {
  for (const priority of state.priorities) for (const run of state.ready.get(priority) ?? []) yield* chainOf(run)
}

/** The highest priority of a visible message; undefined if none is visible. */
export function topPriority(state: QueueState): number | undefined {
  return state.priorities.find((priority) => (state.ready.get(priority)?.size ?? 0) > 0)
}

/** Where messages take their place when their time has come. */
export function placeOf({ extras }: Run['batch']): 'front' | 'back' {
  return extras?.lifo === true ? 'front' : 'back'
}

/** Adds a run of messages that wait. Returned messages go to the front of those with the same priority: they were first before. */
export function addRun(state: QueueState, run: Omit<Run, 'id' | 'rest'>, place: 'front' | 'back'): void {
  const { batch, seq, count, visibleAt, attempts, failures } = run
  const id = state.nextRun++
  placeRun(state, { id, batch, seq, count, visibleAt, attempts, failures, rest: undefined }, place)
}

/** The same for a run that has an id. */
export function placeRun(state: QueueState, run: Run, place: 'front' | 'back'): void {
  state.runs.set(run.id, run)
  if (run.visibleAt > state.now) {
    state.delayed.push(run)
    state.counts.delayed += run.count
    return
  }
  const ready = readyRuns(state, run.batch.priority)
  if (place === 'front') ready.pushFront(run)
  else ready.push(run)
  state.counts.waiting += run.count
}

/** A run that nobody has touched gets longer at its end. */
export function growRun(state: QueueState, run: Run, count: number): void {
  run.count += count
  if (run.visibleAt > state.now) state.counts.delayed += count
  else state.counts.waiting += count
}

/** Makes visible what is due at the state's time. */
export function promoteDue(state: QueueState): void {
  for (let run = state.delayed.peek(); run !== undefined && run.visibleAt <= state.now; run = state.delayed.peek()) {
    state.delayed.pop()
    if (run.count === 0) continue
    const ready = readyRuns(state, run.batch.priority)
    if (placeOf(run.batch) === 'front') ready.pushFront(run)
    else ready.push(run)
    state.counts.delayed -= run.count
    state.counts.waiting += run.count
  }
}

/** Takes the first `count` messages of a visible run. */
export function takeFirst(state: QueueState, run: Run, count: number): void {
  state.watch?.runChanges(run)
  run.seq += count
  run.count -= count
  state.counts.waiting -= count
  if (run.count > 0) return
  state.runs.delete(run.id)
  skipEmpty(state, run.batch.priority)
}

/**
 * Takes the message at `offset` out of a run, visible or not. What is behind it is a run of its own then; in a delayed run it goes
 * after others that are due at the same moment.
 */
export function takeOut(state: QueueState, run: Run, offset: number): void {
  const isVisible = run.visibleAt <= state.now
  const behind = run.count - offset - 1
  state.watch?.runChanges(run)
  if (isVisible) state.counts.waiting--
  else state.counts.delayed--
  if (behind > 0) {
    const rest: Run = { ...run, id: state.nextRun++, seq: run.seq + offset + 1, count: behind }
    state.runs.set(rest.id, rest)
    if (isVisible) run.rest = rest
    else state.delayed.push(rest)
  }
  run.count = offset
  if (offset > 0) return
  state.runs.delete(run.id)
  if (isVisible) skipEmpty(state, run.batch.priority)
  state.withdrawn++
  if (state.withdrawn > FEW) forgetWithdrawn(state)
}

/** Runs that were emptied before their turn go when they are as many as the others: so they cost little, and never pile up. */
function forgetWithdrawn(state: QueueState): void {
  if (state.withdrawn < state.runs.size) return
  const isNeeded = (run: Run): boolean => run.count > 0 || run.rest !== undefined
  for (const runs of state.ready.values()) runs.retain(isNeeded)
  state.delayed.retain(isNeeded)
  state.withdrawn = 0
}

/** Takes out everything that waits, and returns it. */
export function takeAll(state: QueueState): Run[] {
  // By number: the map's order is another one in a state that was read back.
  const all = [...state.runs.values()].sort((a, b) => a.id - b.id)
  state.runs.clear()
  state.ready.clear()
  state.priorities = []
  while (state.delayed.pop() !== undefined);
  state.counts.waiting = 0
  state.counts.delayed = 0
  return all
}

/** Sees to it that the first run of a priority has messages, or there is none. */
function skipEmpty(state: QueueState, priority: number): void {
  const ready = state.ready.get(priority)
  for (let run = ready?.peek(); run !== undefined && run.count === 0; run = ready?.peek()) {
    ready?.shift()
    if (run.rest !== undefined) ready?.pushFront(run.rest)
  }
}
