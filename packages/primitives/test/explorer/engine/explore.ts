/**
 * Goes through every state of the world that can be reached, nearest first, so that the trace to a violation is a shortest one.
 */
import type { Contents } from './contents.ts'
import { describeAnswer, describeMove } from './describe-move.ts'
import type { Move } from './move.ts'
import { movesIn } from './moves.ts'
import { Parts } from './parts.ts'
import { type Scenario, Violation } from './scenario.ts'
import { StateTable } from './state-table.ts'
import { Steps } from './steps.ts'

export interface ExploreOptions<M> {
  /** Stop after this many states. Default: none. */
  readonly maxStates?: number | undefined
  /** Called now and then. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Whether states that nobody can tell apart are made equal. Default true; false is slow, and shows that nothing is lost by it. */
  readonly reductions?: boolean | undefined
  /** Called with what the monitor knows in each state that nothing can follow. */
  readonly onEnd?: ((state: M, contents: Contents) => void) | undefined
}

export interface Progress {
  /** Different states of the world. */
  readonly states: number
  /** Steps between them. */
  readonly steps: number
  /** Steps on a shortest way from the start to the last state looked at. */
  readonly depth: number
  /** States that are still to be looked at. */
  readonly waiting: number
  /** Different situations of a process: real code ran once for each step between them. */
  readonly behaviours: number
  /** How often real code was started, and how many answers it was told. */
  readonly runs: number
  readonly answers: number
}

export interface Exploration extends Progress {
  /** Whether everything that can be reached within the bounds was seen. */
  readonly exhausted: boolean
  readonly violation: FoundViolation | undefined
}

export interface FoundViolation {
  readonly message: string
  /** The steps from the start that lead to it. */
  readonly trace: readonly string[]
}

const PROGRESS_EVERY = 16_384

export async function explore<M>(scenario: Scenario<M>, options: ExploreOptions<M> = {}): Promise<Exploration> {
  const { maxStates = Number.POSITIVE_INFINITY, reductions = true, onProgress, onEnd } = options
  const parts = new Parts(scenario, reductions)
  const world = new Steps(parts)
  const table = new StateTable(parts.layout.width)
  table.add(parts.start(), -1, 0)
  const row = new Int32Array(table.width)
  const next = new Int32Array(table.width)
  let steps = 0
  let depth = 0
  let levelEnds = 1
  let at = 0
  const progress = (): Progress => ({
    states: table.size,
    steps,
    depth,
    waiting: table.size - at,
    behaviours: parts.behaviours.size,
    runs: parts.behaviours.runs,
    answers: parts.behaviours.answers,
  })
  for (; at < table.size && table.size <= maxStates; at++) {
    if (at === levelEnds) {
      depth++
      levelEnds = table.size
    }
    if (at % PROGRESS_EVERY === 0) onProgress?.(progress())
    table.read(at, row)
    const moves = movesIn(parts, row)
    if (moves.length === 0) onEnd?.(parts.monitorOf(row), parts.contents)
    for (const [index, move] of moves.entries()) {
      try {
        const running = world.apply(row, move, next)
        if (running !== undefined) await running
      } catch (error) {
        if (!(error instanceof Violation)) throw error
        const trace = await traceTo(parts, world, table, at, move)
        return { ...progress(), exhausted: false, violation: { message: error.message, trace } }
      }
      steps++
      table.add(next, at, index)
    }
  }
  return { ...progress(), exhausted: at === table.size, violation: undefined }
}

/** Makes the moves to the violation once more, and tells them. */
async function traceTo<M>(
  parts: Parts<M>,
  world: Steps<M>,
  table: StateTable,
  last: number,
  move: Move,
): Promise<string[]> {
  const rows = [last]
  for (let at = last; table.parentOf(at) >= 0; at = table.parentOf(at)) rows.unshift(table.parentOf(at))
  const trace: string[] = []
  const row = new Int32Array(table.width)
  const next = new Int32Array(table.width)
  world.onEager = (state, place, waiting) => {
    const { process } = parts.behaviours.at(parts.layout.actorAt(state, place))
    trace.push(`${parts.nameOf(process)} ${describeAnswer(parts, state, waiting, 'served')}`)
  }
  for (const [i, at] of rows.entries()) {
    table.read(at, row)
    const following = rows[i + 1]
    const made = following === undefined ? move : movesIn(parts, row)[table.moveOf(following)]
    if (made === undefined) throw new RangeError('A state was reached by a move that there is not.')
    trace.push(describeMove(parts, row, made))
    try {
      await world.apply(row, made, next)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
    }
  }
  return trace
}
