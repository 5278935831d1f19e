/**
 * Runs a scenario in every order that its steps can take. A run is made of the choices so far, then goes on with the first choice open;
 * the next run differs from it in the last choice that has an alternative left.
 *
 * Two things keep this short without leaving anything out. Orders that differ only by neighbours that touch nothing in
 * common are one order: sleep sets (P. Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996,
 * chapter 5) skip the others. And where a run gets into a state that another was in, with no more asleep than there, it ends.
 */
import { type Board, conflicts, createBoard, quiet, type Waiting } from './board.ts'

export interface Exploration {
  /** Runs that came to an end of their own, and were checked. */
  readonly runs: number
  /** Different states on the way. */
  readonly states: number
}

export interface Run {
  /** Everything that what follows depends on, and everything that the check looks at. */
  fingerprint(): string
  /** Called in every state that no run was in before. */
  readonly visit?: (() => Promise<void>) | undefined
  /** Called when nobody may go on. */
  check(): Promise<void>
}

/** Starts all actors on the board; they have made their first steps known once it is quiet. */
export type Scenario = (board: Board) => Promise<Run>

interface Choice {
  readonly options: readonly Waiting[]
  /** Steps that were run first in other runs, with nothing since that they could matter to. */
  readonly asleep: readonly Waiting[]
  readonly done: Waiting[]
  taken: Waiting
}

export async function explore(scenario: Scenario): Promise<Exploration> {
  const choices: Choice[] = []
  const seen = new Map<string, (readonly string[])[]>()
  let runs = 0
  do {
    const board = createBoard()
    const run = await scenario(board)
    await quiet()
    for (const { taken } of choices) await board.grant(taken.id)
    for (;;) {
      const options = board.waiting()
      if (options.length === 0) {
        runs++
        if (run.visit) await explained(run.visit(), choices)
        await explained(run.check(), choices)
        break
      }
      // Whoever looks at every state on the way can tell neighbours apart that touch nothing in common.
      const asleep = run.visit === undefined ? stillAsleep(choices.at(-1)) : []
      const first = options.find((step) => !includes(asleep, step))
      if (first === undefined) break
      const fingerprint = run.fingerprint()
      const isNew = !seen.has(fingerprint)
      if (wasSeen(seen, fingerprint, asleep)) break
      if (isNew && run.visit) await explained(run.visit(), choices)
      choices.push({ options, asleep, done: [], taken: first })
      await board.grant(first.id)
    }
  } while (nextChoice(choices))
  return { runs, states: seen.size }
}

function stillAsleep(last: Choice | undefined): Waiting[] {
  if (last === undefined) return []
  const { asleep, done, taken } = last
  return [...asleep, ...done].filter((step) => !conflicts(step, taken))
}

/** Whether all that could follow has been run from this state; remembers that it will have been. */
function wasSeen(seen: Map<string, (readonly string[])[]>, fingerprint: string, asleep: readonly Waiting[]): boolean {
  const ids = asleep.map(({ id }) => id)
  const before = seen.get(fingerprint) ?? []
  if (before.some((other) => other.every((id) => ids.includes(id)))) return true
  seen.set(fingerprint, [...before, ids])
  return false
}

/** Moves on to the next order; false when there is none. */
function nextChoice(choices: Choice[]): boolean {
  for (let last = choices.at(-1); last !== undefined; last = choices.at(-1)) {
    const { options, asleep, done } = last
    done.push(last.taken)
    const next = options.find((step) => !includes(asleep, step) && !includes(done, step))
    if (next !== undefined) {
      last.taken = next
      return true
    }
    choices.pop()
  }
  return false
}

function includes(steps: readonly Waiting[], { id }: Waiting): boolean {
  return steps.some((step) => step.id === id)
}

/** Adds to an error which steps led to it. */
async function explained(checking: Promise<void>, choices: readonly Choice[]): Promise<void> {
  try {
    await checking
  } catch (error) {
    const steps = choices.map(({ taken }) => `  ${taken.actor}: ${taken.label}`).join('\n')
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${steps}`, { cause: error })
  }
}
