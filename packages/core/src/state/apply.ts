/**
 * `apply(state, event)`: how each event changes the state. Pure but for changing `state`, and deterministic: the same
 * log gives the same state in every process.
 *
 * An event that does not fit the state (a token nobody holds, a run that is too short) cannot come from a log that was written
 * by `decide`; it throws, since going on would mean to guess.
 */
import type { QueueEvent } from './events.ts'
import { addRun, type Claim, dropPayload, messageId, promoteDue, type QueueState } from './model.ts'
import { forgetSilent, take } from './senders.ts'

const FAILURES_KEPT = 20
const NO_FAILURES: readonly never[] = []

/** Starts a new commit: its payloads are counted from 0. */
export function beginCommit(state: QueueState, slot: number): void {
  state.slot = slot
  state.payloads = 0
}

type Apply = {
  readonly [T in QueueEvent['type']]: (state: QueueState, event: Extract<QueueEvent, { type: T }>) => void
}

const table: Apply = {
  time(state, { at }) {
    if (at <= state.now) return
    if (Math.floor(at / 3_600_000) !== Math.floor(state.now / 3_600_000)) forgetSilent(state.senders, at)
    state.now = at
    promoteDue(state)
  },

  enqueued(state, { sender, seq, count, maxAttempts, priority, visibleAt }) {
    take(state.senders, sender, seq, count, state.now)
    const { slot, payloads: index, now: enqueuedAt } = state
    state.payloads += count
    state.live.set(slot, (state.live.get(slot) ?? 0) + count)
    const origin = { sender, seq, slot, index, priority, maxAttempts, enqueuedAt }
    addRun(state, { ...origin, count, visibleAt, attempts: 0, failures: NO_FAILURES }, 'back')
  },

  claimed(state, { worker, token, timeoutMs, runs }) {
    let next = token
    for (let i = 0; i < runs.length; i += 2)
      next = claimFrom(state, runs[i] as number, runs[i + 1] as number, worker, next, timeoutMs)
    state.nextToken = next
  },

  extended(state, { token, timeoutMs }) {
    held(state, token).timeoutMs = timeoutMs
  },

  completed(state, { tokens }) {
    for (const token of tokens) {
      dropPayload(state, end(state, token).slot)
      state.counts.completed++
    }
  },

  retried(state, { token, visibleAt, name, message }) {
    const claim = end(state, token)
    putBack(
      state,
      claim,
      { attempts: claim.attempt, visibleAt, failures: withFailure(state, claim, name, message) },
      'back',
    )
  },

  released(state, { tokens, started }) {
    for (let i = tokens.length - 1; i >= 0; i--) {
      const claim = end(state, tokens[i] as number)
      const attempts = started ? claim.attempt : claim.attempt - 1
      putBack(state, claim, { attempts, visibleAt: 0, failures: claim.failures }, 'front')
    }
  },

  expired(state, { tokens }) {
    for (let i = tokens.length - 1; i >= 0; i--) {
      const claim = end(state, tokens[i] as number)
      const failures = withFailure(state, claim, 'VisibilityTimeout', `no settlement within ${claim.timeoutMs} ms`)
      putBack(state, claim, { attempts: claim.attempt, visibleAt: 0, failures }, 'front')
    }
  },

  died(state, { token, reason, name, message }) {
    const claim = end(state, token)
    const { sender, seq, slot, index, priority, maxAttempts, enqueuedAt, attempt } = claim
    const failures = withFailure(state, claim, name, message)
    state.dead.set(messageId(claim), {
      ...{ sender, seq, slot, index, priority, maxAttempts, enqueuedAt },
      ...{ reason, attempts: attempt, diedAt: state.now, failures },
    })
  },
}

/** Changes `state` by `event`. */
export function applyEvent(state: QueueState, event: QueueEvent): void {
  // Each entry of the table takes the events of its own type: the compiler checks the table, but cannot follow the lookup.
  const apply = table[event.type] as ((state: QueueState, event: QueueEvent) => void) | undefined
  if (apply === undefined)
    throw new Error(`The log holds an event of the unknown type ${JSON.stringify((event as QueueEvent).type)}.`)
  apply(state, event)
}

function claimFrom(
  state: QueueState,
  id: number,
  count: number,
  worker: string,
  token: number,
  timeoutMs: number,
): number {
  const run = state.runs.get(id)
  if (run === undefined || run.count < count)
    throw new Error(`The log claims ${count} messages of run ${id}, which has ${run?.count ?? 0}.`)
  const { sender, slot, priority, maxAttempts, enqueuedAt, failures } = run
  const attempt = run.attempts + 1
  const claimedAt = state.now
  for (let i = 0; i < count; i++) {
    state.active.set(token + i, {
      token: token + i,
      sender,
      seq: run.seq + i,
      slot,
      index: run.index + i,
      priority,
      maxAttempts,
      enqueuedAt,
      worker,
      attempt,
      claimedAt,
      timeoutMs,
      failures,
    })
  }
  run.seq += count
  run.index += count
  run.count -= count
  state.counts.waiting -= count
  if (run.count === 0) {
    state.runs.delete(id)
    const ready = state.ready.get(priority)
    while (ready?.peek()?.count === 0) ready.shift()
  }
  return token + count
}

function held(state: QueueState, token: number): Claim {
  const claim = state.active.get(token)
  if (claim === undefined) throw new Error(`The log speaks of token ${token}, which no claim holds.`)
  return claim
}

/** Ends a claim: its token is void from here on. */
function end(state: QueueState, token: number): Claim {
  const claim = held(state, token)
  state.active.delete(token)
  return claim
}

function withFailure(state: QueueState, claim: Claim, name: string, message: string): Claim['failures'] {
  return [...claim.failures.slice(1 - FAILURES_KEPT), { attempt: claim.attempt, at: state.now, name, message }]
}

function putBack(
  state: QueueState,
  claim: Claim,
  change: { readonly attempts: number; readonly visibleAt: number; readonly failures: Claim['failures'] },
  place: 'front' | 'back',
): void {
  const { sender, seq, slot, index, priority, maxAttempts, enqueuedAt } = claim
  addRun(state, { sender, seq, slot, index, priority, maxAttempts, enqueuedAt, count: 1, ...change }, place)
}
