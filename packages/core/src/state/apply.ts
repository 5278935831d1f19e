/**
 * `applyEvent(state, event)`: how each event changes the state. Pure but for changing `state`, and deterministic: the same
 * log gives the same state in every process.
 *
 * The writer applies each event before it enters a commit, so every event of a log fits. Should a log hold one that does not (a token
 * that no claim has, a message that is not in the dead letters), the part that does not fit is left out and reported. All folds leave out
 * the same, so the state stays the same in every process, and the queue stays usable. An event of an unknown type throws: a newer version
 * wrote it, and leaving it out would make the two versions disagree.
 */
import { complete, dropCompletion, forgetEnded, forgetMessage, keepCompletion, keepDead } from './endings.ts'
import type { FailureText, QueueEvent } from './events.ts'
import { addFailure, addUnsettled, type FailureHistory, failureTextOf, NO_FAILURES } from './failures.ts'
import { retain } from './live.ts'
import { type Batch, type Claim, countHeld, numberedId, type QueueState } from './model.ts'
import { enterNames, forgetNames } from './names.ts'
import { dropPayloadObject, noteUnnamed, usePayloadObject } from './payload-keys.ts'
import { addRun, growRun, placeOf, promoteDue, takeAll, takeFirst, takeOut } from './runs.ts'
import { forgetSilent, take } from './senders.ts'

const LOG_LINES_KEPT = 100
const ANSWERS_KEPT_MS = 3_600_000
/** What a worker leaves behind in the store is deleted within an hour. */
const LEFT_KEPT_MS = 2 * 3_600_000
const TIDY_EVERY_MS = 300_000

/** Starts a new commit: its payloads are counted from 0. */
export function beginCommit(state: QueueState, slot: number): void {
  state.slot = slot
  state.payloads = 0
}

type Enqueued = Extract<QueueEvent, { type: 'enqueued' }>

/** Receives the reason for each part of an event that does not fit the state and is left out. */
export type OnUnfit = (reason: string) => void

type Apply = {
  readonly [T in QueueEvent['type']]: (
    state: QueueState,
    event: Extract<QueueEvent, { type: T }>,
    unfit: OnUnfit,
  ) => void
}

const table: Apply = {
  time(state, { at }) {
    if (at <= state.now) return
    // Objects that no message names are first looked for a day after the queue began.
    if (state.now === 0) state.payloadKeys.sweptAt = at
    const tidy = Math.floor(at / TIDY_EVERY_MS) !== Math.floor(state.now / TIDY_EVERY_MS)
    state.now = at
    promoteDue(state)
    forgetEnded(state)
    if (tidy) tidyUp(state)
  },

  configured(state, { retention }) {
    state.retention = retention
    forgetEnded(state)
  },

  shared(state) {
    state.shared = true
  },

  enqueued(state, { sender, seq, count, maxAttempts, priority, visibleAt, extras }) {
    const { name } = take(state.senders, sender, seq, count, state.now)
    const { slot, payloads: index, now: enqueuedAt } = state
    state.payloads += count
    retain(state.live, slot, count)
    // Its id stands for it alone from now on.
    if (extras?.id !== undefined) dropCompletion(state, extras.id)
    enterNames(state.names, extras, extras?.id ?? numberedId(sender, seq), state.now)
    if (extras?.payloadKey !== undefined) usePayloadObject(state, extras.payloadKey)
    const batch: Batch = { sender: name, seq, size: count, slot, index, priority, maxAttempts, enqueuedAt, extras }
    addRun(state, { batch, seq, count, visibleAt, attempts: 0, failures: NO_FAILURES }, placeOf(batch))
  },

  duplicate(state, { sender, seq, payloadKey }) {
    take(state.senders, sender, seq, 1, state.now)
    if (payloadKey !== undefined) dropPayloadObject(state, payloadKey)
  },

  claimed(state, { worker, token, timeoutMs, runs }, unfit) {
    let next = token
    for (let i = 0; i < runs.length; i += 2) {
      next = claimFrom(state, runs[i] as number, runs[i + 1] as number, worker, next, timeoutMs, unfit)
    }
    state.nextToken = next
  },

  extended(state, { token, timeoutMs }, unfit) {
    const claim = held(state, token, unfit)
    if (claim === undefined) return
    state.watch?.claimChanges(claim)
    claim.timeoutMs = timeoutMs
    claim.adoptedAt = undefined
  },

  adopted(state, { ranges }, unfit) {
    for (let i = 0; i < ranges.length; i += 2) {
      const [first, count] = [ranges[i] as number, ranges[i + 1] as number]
      for (let token = first; token < first + count; token++) {
        const claim = held(state, token, unfit)
        if (claim === undefined) continue
        state.watch?.claimChanges(claim)
        claim.adoptedAt = state.now
      }
    }
  },

  reported(state, { token, progress, log = [] }, unfit) {
    const claim = held(state, token, unfit)
    if (claim === undefined) return
    state.watch?.claimChanges(claim)
    const lines = [...(claim.report?.log ?? []), ...log].slice(-LOG_LINES_KEPT)
    claim.report = { progress: progress ?? claim.report?.progress, log: lines }
  },

  completed(state, { tokens, results = [], reports }, unfit) {
    const resultOf = new Map(results)
    const reportOf = reports && new Map(reports)
    // A result that those behind it push out of the retention is not kept to begin with.
    const firstKept = tokens.length - state.retention.completedCount
    tokens.forEach((token, i) => {
      const claim = end(state, token, unfit)
      if (claim === undefined) return
      const ordinal = complete(state, claim)
      if (i >= firstKept) keepCompletion(state, claim, ordinal, resultOf.get(token), reportOf?.get(token))
    })
  },

  retried(state, { token, visibleAt, ...event }, unfit) {
    const claim = end(state, token, unfit)
    if (claim === undefined) return
    putBack(state, claim, claim.attempt, visibleAt, failuresWith(state, claim, event), 'back')
  },

  snoozed(state, { token, visibleAt }, unfit) {
    const claim = end(state, token, unfit)
    if (claim === undefined) return
    putBack(state, claim, claim.attempt - 1, visibleAt, claim.failures, 'back')
  },

  releasing(state, { token }, unfit) {
    const claim = held(state, token, unfit)
    if (claim === undefined) return
    state.watch?.claimChanges(claim)
    claim.releasing = true
  },

  released(state, { tokens, started, counted = started }, unfit) {
    for (let i = tokens.length - 1; i >= 0; i--) {
      const claim = end(state, tokens[i] as number, unfit)
      if (claim === undefined) continue
      putBack(state, claim, counted ? claim.attempt : claim.attempt - 1, 0, claim.failures, 'front')
    }
  },

  expired(state, { tokens, crashed = false, failures: texts }, unfit) {
    const textOf = texts && new Map(texts)
    for (let i = tokens.length - 1; i >= 0; i--) {
      const claim = end(state, tokens[i] as number, unfit)
      if (claim === undefined) continue
      const text = textOf?.get(claim.token)
      const failures =
        text === undefined
          ? addUnsettled(
              state.live,
              claim.failures,
              { attempt: claim.attempt, at: state.now },
              claim.timeoutMs,
              crashed,
            )
          : failuresWith(state, claim, text)
      putBack(state, claim, claim.attempt, 0, failures, 'front')
    }
  },

  died(state, { token, reason, ...event }, unfit) {
    const claim = end(state, token, unfit)
    if (claim === undefined) return
    keepDead(state, claim, reason, failuresWith(state, claim, event))
  },

  restored(state, { token }) {
    state.nextToken = Math.max(state.nextToken, token)
  },

  left(state, { worker }) {
    state.left.set(worker, state.now)
  },

  paused(state, { paused }) {
    state.paused = paused
  },

  cancelled(state, { token }, unfit) {
    const claim = end(state, token, unfit)
    if (claim !== undefined) forgetMessage(state, claim)
  },

  withdrawn(state, { run: id, offset }, unfit) {
    const run = state.runs.get(id)
    if (run === undefined || offset >= run.count)
      return unfit(`it withdraws message ${offset} of run ${id}, which has ${run?.count ?? 0}`)
    takeOut(state, run, offset)
    forgetMessage(state, run)
  },

  purged(state) {
    for (const run of takeAll(state)) for (let i = 0; i < run.count; i++) forgetMessage(state, run)
  },

  redriven(state, { ids }, unfit) {
    for (const id of ids) {
      const dead = state.dead.get(id)
      if (dead === undefined) {
        unfit(`it redrives message ${JSON.stringify(id)}, which is not in the dead letters`)
        continue
      }
      state.dead.delete(id)
      const { batch, seq, failures } = dead
      addRun(state, { batch, seq, count: 1, visibleAt: 0, attempts: 0, failures }, 'back')
    }
  },

  forgotten(state, { ids }) {
    for (const id of ids) {
      const dead = state.dead.get(id)
      if (dead === undefined) {
        dropCompletion(state, id)
      } else {
        state.dead.delete(id)
        forgetMessage(state, dead)
      }
    }
  },

  answered(state, { sender, seq, result }) {
    take(state.senders, sender, seq, 1, state.now)
    state.answers.set(numberedId(sender, seq), { result, at: state.now })
  },

  unnamed(state, { payloadKeys }) {
    state.payloadKeys.sweptAt = state.now
    for (const key of payloadKeys) noteUnnamed(state, key)
  },

  abandoned(state, { payloadKeys }) {
    for (const key of payloadKeys) dropPayloadObject(state, key)
  },

  collected(state, { payloadKeys }) {
    for (const key of payloadKeys) state.payloadKeys.garbage.delete(key)
  },
}

/** More messages of the enqueue that was applied last, as if they had come with it. */
export function applyContinued(state: QueueState, { sender, seq, count }: Enqueued): void {
  const run = state.runs.get(state.nextRun - 1)
  if (run === undefined) throw new Error(`Message ${seq} of ${sender} continues a run that is gone.`)
  take(state.senders, sender, seq, count, state.now)
  state.payloads += count
  retain(state.live, state.slot, count)
  run.batch.size += count
  growRun(state, run, count)
}

const leaveOut: OnUnfit = () => {}

/** Changes `state` by `event`, without the parts that do not fit it. */
export function applyEvent(state: QueueState, event: QueueEvent, unfit: OnUnfit = leaveOut): void {
  // Each entry of the table takes the events of its own type: the compiler checks the table, but cannot follow the lookup.
  const apply = table[event.type] as ((state: QueueState, event: QueueEvent, unfit: OnUnfit) => void) | undefined
  if (apply === undefined)
    throw new Error(`The log holds an event of the unknown type ${JSON.stringify((event as QueueEvent).type)}.`)
  apply(state, event, unfit)
}

/** In how many parts an event may fit the state or not. */
export function partsOf(event: QueueEvent): number {
  if ('tokens' in event) return event.tokens.length
  if ('ids' in event) return event.ids.length
  if (event.type === 'claimed') return event.runs.length / 2
  if (event.type !== 'adopted') return 1
  return event.ranges.reduce((sum, count, i) => (i % 2 === 1 ? sum + count : sum), 0)
}

function claimFrom(
  state: QueueState,
  id: number,
  count: number,
  worker: string,
  token: number,
  timeoutMs: number,
  unfit: OnUnfit,
): number {
  const run = state.runs.get(id)
  if (run === undefined || run.count < count) {
    unfit(`it claims ${count} messages of run ${id}, which has ${run?.count ?? 0}`)
    // The tokens are used up: those behind them belong to other claims of the event.
    return token + count
  }
  const { batch, seq, failures } = run
  const attempt = run.attempts + 1
  const claimedAt = state.now
  for (let i = 0; i < count; i++) {
    const claim: Claim = {
      batch,
      seq: seq + i,
      token: token + i,
      worker,
      attempt,
      claimedAt,
      timeoutMs,
      failures,
      report: undefined,
      releasing: false,
      adoptedAt: undefined,
    }
    state.active.set(claim.token, claim)
  }
  countHeld(state, worker, batch.priority, count)
  takeFirst(state, run, count)
  return token + count
}

function held(state: QueueState, token: number, unfit: OnUnfit): Claim | undefined {
  const claim = state.active.get(token)
  if (claim === undefined) unfit(`it names token ${token}, which no claim has`)
  return claim
}

/** Ends a claim: its token is void from here on. */
function end(state: QueueState, token: number, unfit: OnUnfit): Claim | undefined {
  const claim = held(state, token, unfit)
  if (claim === undefined) return undefined
  state.active.delete(token)
  countHeld(state, claim.worker, claim.batch.priority, -1)
  return claim
}

/** Once the attempt of `claim` has failed, too, as an event of this commit says. */
function failuresWith(state: QueueState, claim: Claim, event: FailureText): FailureHistory {
  const { attempt, token, failures } = claim
  return addFailure(state.live, failures, { attempt, at: state.now, slot: state.slot, token }, failureTextOf(event))
}

function putBack(
  state: QueueState,
  { batch, seq }: Claim,
  attempts: number,
  visibleAt: number,
  failures: Claim['failures'],
  place: 'front' | 'back',
): void {
  addRun(state, { batch, seq, count: 1, visibleAt, attempts, failures }, place)
}

/** Forgets what is too old to matter; now and then is enough. */
function tidyUp(state: QueueState): void {
  forgetSilent(state.senders, state.now)
  forgetNames(state.names, state.now)
  for (const [key, { at }] of state.answers) if (state.now - at > ANSWERS_KEPT_MS) state.answers.delete(key)
  for (const [worker, at] of state.left) if (state.now - at > LEFT_KEPT_MS) state.left.delete(worker)
}
