/**
 * The state as of one moment, to be read in pieces while the state goes on.
 *
 * A cut copies references alone, which takes some ms for a million messages; looking at each of them would take a hundred times as long.
 * What changes in place is kept as it was by whoever changes it, for as long as a cut is read: see `BeforeImages`. Everything else in a
 * state is never changed, only replaced.
 */
import type { Retention } from './events.ts'
import type { ChangeWatch, Claim, Completion, DeadLetter, QueueState, Run } from './model.ts'
import type { Named } from './names.ts'
import type { SenderRecord } from './senders.ts'

type RunImage = Pick<Run, 'seq' | 'count' | 'rest'>
type ClaimImage = Pick<Claim, 'timeoutMs' | 'report' | 'releasing' | 'adoptedAt'>

/** Runs and claims as they were before they were changed for the first time since the cut. */
export class BeforeImages implements ChangeWatch {
  readonly #runs = new Map<Run, RunImage>()
  readonly #claims = new Map<Claim, ClaimImage>()

  runChanges(run: Run): void {
    if (!this.#runs.has(run)) this.#runs.set(run, { seq: run.seq, count: run.count, rest: run.rest })
  }

  claimChanges(claim: Claim): void {
    if (this.#claims.has(claim)) return
    const { timeoutMs, report, releasing, adoptedAt } = claim
    this.#claims.set(claim, { timeoutMs, report, releasing, adoptedAt })
  }

  runOf(run: Run): RunImage {
    return this.#runs.get(run) ?? run
  }

  claimOf(claim: Claim): ClaimImage {
    return this.#claims.get(claim) ?? claim
  }
}

export interface StateCut {
  readonly slot: number
  readonly now: number
  readonly nextToken: number
  readonly nextRun: number
  readonly paused: boolean
  readonly shared: boolean
  readonly retention: Retention
  readonly completedCount: number
  /** Visible runs in the order of their turns, priority by priority; what lies behind them in their chains is not among them. */
  readonly ready: readonly (readonly Run[])[]
  /** Every run that is not visible yet is among these, and they are in the order of their ids. */
  readonly delayed: readonly Run[]
  readonly active: readonly Claim[]
  readonly dead: readonly DeadLetter[]
  readonly completed: readonly string[]
  readonly completions: readonly Completion[]
  readonly senders: readonly SenderRecord[]
  readonly endedIds: readonly string[]
  readonly endedUntil: readonly number[]
  readonly keys: readonly string[]
  readonly keyed: readonly Named[]
  readonly left: readonly (readonly [string, number])[]
  readonly answers: readonly (readonly [string, { readonly result: number; readonly at: number }])[]
  readonly garbage: readonly string[]
  readonly unnamed: readonly (readonly [key: string, since: number])[]
  readonly sweptAt: number
  readonly images: BeforeImages
}

/** The state as it is now. Good until the next event, unless `holdCut` made it. */
export function cutOf(state: QueueState): StateCut {
  return {
    slot: state.slot,
    now: state.now,
    nextToken: state.nextToken,
    nextRun: state.nextRun,
    paused: state.paused,
    shared: state.shared,
    retention: state.retention,
    completedCount: state.counts.completed,
    ready: state.priorities.map((priority) => state.ready.get(priority)?.toArray() ?? []),
    delayed: state.counts.delayed === 0 ? [] : [...state.runs.values()],
    active: [...state.active.values()],
    dead: [...state.dead.values()],
    completed: [...state.completed.keys()],
    completions: [...state.completed.values()],
    senders: [...state.senders.values()],
    endedIds: [...state.names.ended.keys()],
    endedUntil: [...state.names.ended.values()],
    keys: [...state.names.keys.keys()],
    keyed: [...state.names.keys.values()],
    left: [...state.left],
    answers: [...state.answers],
    garbage: [...state.payloadKeys.garbage],
    unnamed: [...state.payloadKeys.unnamed],
    sweptAt: state.payloadKeys.sweptAt,
    images: new BeforeImages(),
  }
}

/** The state as it is now, good until `releaseCut`. One at a time. */
export function holdCut(state: QueueState): StateCut {
  if (state.watch !== undefined) throw new Error('A cut of this state is being read already.')
  const cut = cutOf(state)
  state.watch = cut.images
  return cut
}

/** Nobody reads a cut of this state any more. */
export function releaseCut(state: QueueState): void {
  state.watch = undefined
}
