import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideControl } from '../../src/control.ts'
import { decideDispatch } from '../../src/dispatch.ts'
import { decideEnqueue } from '../../src/enqueue.ts'
import { decideExpire } from '../../src/expire.ts'
import { describeMessage } from '../../src/message-info.ts'
import { decideSettle } from '../../src/settle.ts'
import { applyEvent, beginCommit } from '../../src/state/apply.ts'
import type { ControlAction, EnqueueCommand, Settlement } from '../../src/state/commands.ts'
import type { QueueEvent } from '../../src/state/events.ts'
import { describeStats, emptyState, messageId, numberedId } from '../../src/state/model.ts'
import { decodeState, encodeState } from '../../src/state/snapshot.ts'
import { NaiveQueue } from './naive-queue.ts'

// Durations are tiny, so that moments meet to the millisecond.
const WINDOW_MS = 3
const pick = fc.nat({ max: 1000 })
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('enqueue' as const),
      count: fc.integer({ min: 1, max: 4 }),
      priority: fc.constantFrom(0, 0, 0, 1, -2),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      delay: fc.constantFrom(0, 0, 0, 1, 2, 4),
      named: fc.constantFrom(undefined, undefined, undefined, undefined, 'x', 'y'),
      key: fc.constantFrom(undefined, undefined, undefined, undefined, 'k', 'l'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('complete', 'fail', 'fatal', 'release', 'return', 'expire', 'snooze', 'reject', 'stale'),
      pick,
      ms: fc.constantFrom(0, 1, 3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancel', 'release-by-id', 'redrive', 'pause', 'resume', 'purge', 'redrive-all'),
      pick,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('commit', 'snapshot') }) },
)

/** Both queues, driven together. */
class Pair {
  state = emptyState()
  readonly naive = new NaiveQueue()
  #seq = 0
  #now = 1000

  constructor() {
    beginCommit(this.state, 1)
    this.pass(0)
  }

  pass(ms: number): void {
    this.#now += ms
    this.#record([{ type: 'time', at: this.#now }])
    this.naive.time(this.#now)
  }

  enqueue(s: {
    count: number
    priority: number
    maxAttempts: number
    delay: number
    named?: string | undefined
    key?: string | undefined
  }): void {
    const plain = s.named === undefined && s.key === undefined
    const count = plain ? s.count : 1
    const visibleAt = s.delay === 0 ? 0 : this.#now + s.delay
    const extras = plain ? {} : { extras: { id: s.named, deduplicationKey: s.key, windowMs: WINDOW_MS } }
    const command: EnqueueCommand = {
      type: 'enqueue',
      sender: 'S',
      seq: this.#seq,
      count,
      maxAttempts: s.maxAttempts,
      priority: s.priority,
      visibleAt,
      ...extras,
    }
    const decision = decideEnqueue(this.state, command)
    if (decision.kind === 'repeated') throw new Error('a fresh number was taken before')
    this.#record([decision.event])
    for (let i = 0; i < count; i++) {
      const of = this.naive.enqueue(numberedId('S', this.#seq + i), {
        ...s,
        visibleAt,
        windowMs: WINDOW_MS,
        group: this.#seq,
      })
      expect(decision.kind === 'duplicate' ? decision.of : undefined).toBe(of)
    }
    this.#seq += count
  }

  claim(limit: number): void {
    const dispatch = decideDispatch(this.state, { worker: 'w', limit, timeoutMs: 100 })
    if (dispatch !== undefined) this.#record([dispatch.event])
    const tokens = this.naive.claim(limit)
    expect(dispatch?.count ?? 0).toBe(tokens.length)
    for (const token of tokens) {
      const claim = this.state.active.get(token)
      const message = this.naive.by(token)
      expect(claim && [messageId(claim), claim.attempt]).toEqual([message?.id, message?.attempts])
    }
  }

  settle(kind: string, at: number, ms: number): void {
    const tokens = [...this.state.active.keys()]
    const token = kind === 'stale' ? 1_000_000 : tokens[at % Math.max(1, tokens.length)]
    const message = this.naive.by(token ?? -1)
    if (token === undefined) return
    if (kind === 'expire') {
      this.#record(decideExpire(this.state, [token]))
      if (message) this.naive.expire(message)
      return
    }
    const failure = { token, name: 'E', message: 'm' }
    const settlements: Record<string, Settlement> = {
      complete: { token, kind: 'complete', result: '1' },
      fail: { ...failure, kind: 'fail', retriable: true },
      fatal: { ...failure, kind: 'fail', retriable: false },
      release: { token, kind: 'release', started: false },
      return: { token, kind: 'release', started: true },
      snooze: { token, kind: 'snooze', ms },
      reject: { ...failure, kind: 'reject' },
      stale: { token, kind: 'complete' },
    }
    const { events, results } = decideSettle(this.state, [settlements[kind] as Settlement], () => ms)
    this.#record(events)
    if (message === undefined) expect(results).toEqual(['stale'])
    else if (kind === 'complete') this.naive.end(message, 'completed', WINDOW_MS)
    else if (kind === 'fail') this.naive.fail(message, true, ms)
    else if (kind === 'fatal' || kind === 'reject') this.naive.fail(message, false, 0)
    else if (kind === 'snooze') this.naive.snooze(message, ms)
    else this.naive.release(message, kind === 'return')
  }

  control(kind: string, at: number): void {
    const { messages } = this.naive
    const message = messages[at % Math.max(1, messages.length)]
    // An id may have had several lives: the one that is known counts.
    const current = messages.findLast((other) => other.id === message?.id)
    const id = message?.id ?? 'nobody'
    const actions: Record<string, ControlAction> = {
      cancel: { kind: 'cancel', id },
      'release-by-id': { kind: 'release', id },
      redrive: { kind: 'redrive', ids: [id] },
      'redrive-all': { kind: 'redrive' },
      pause: { kind: 'pause' },
      resume: { kind: 'resume' },
      purge: { kind: 'purge' },
    }
    const decision = decideControl(this.state, {
      type: 'control',
      sender: 'S',
      seq: this.#seq++,
      action: actions[kind] as ControlAction,
    })
    this.#record(decision?.events ?? [])
    expect(decision?.result).toBe(this.#controlNaive(kind, current))
  }

  #controlNaive(kind: string, message: NaiveQueue['messages'][number] | undefined): number {
    const { naive } = this
    const each = (status: string, change: (message: NaiveQueue['messages'][number]) => void): number => {
      const chosen = naive.messages.filter((other) => other.status === status).sort((a, b) => a.since - b.since)
      for (const other of chosen) change(other)
      return chosen.length
    }
    if (kind === 'pause' || kind === 'resume') {
      const changes = naive.paused !== (kind === 'pause')
      naive.paused = kind === 'pause'
      return changes ? 1 : 0
    }
    const gone = (other: NaiveQueue['messages'][number]): void => naive.end(other, 'gone', WINDOW_MS)
    if (kind === 'purge') return each('waiting', gone) + each('delayed', gone)
    if (kind === 'redrive-all') return each('dead', (other) => naive.redrive(other))
    if (message === undefined) return 0
    if (kind === 'cancel' && ['waiting', 'delayed', 'active'].includes(message.status)) {
      naive.withdraw(message, WINDOW_MS)
      return 1
    }
    if (kind === 'redrive' && message.status === 'dead') {
      naive.redrive(message)
      return 1
    }
    if (kind === 'release-by-id' && message.status === 'active') {
      // An operator's release costs no last attempt.
      naive.release(message, message.attempts < message.maxAttempts)
      return 1
    }
    return 0
  }

  commit(): void {
    beginCommit(this.state, this.state.slot + 1)
  }

  snapshot(): void {
    this.state = decodeState(encodeState(this.state))
    this.commit()
  }

  compare(): void {
    const { waiting, delayed, active, completed, dead } = describeStats(this.state)
    const { naive } = this
    expect({ waiting, delayed, active, completed, dead }).toEqual({
      ...{ waiting: naive.count('waiting'), delayed: naive.count('delayed'), active: naive.count('active') },
      ...{ completed: naive.count('completed'), dead: naive.count('dead') },
    })
    for (const message of naive.messages) {
      if (!['waiting', 'delayed', 'active', 'dead'].includes(message.status)) continue
      expect(describeMessage(this.state, message.id)).toMatchObject({
        status: message.status,
        attempts: message.attempts,
      })
    }
  }

  #record(events: readonly QueueEvent[]): void {
    for (const event of events) applyEvent(this.state, JSON.parse(JSON.stringify(event)) as QueueEvent)
  }
}

describe('the state machine', () => {
  it('does what a naive queue does, command by command', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const pair = new Pair()
        for (const s of steps) {
          if (s.kind === 'enqueue' && 'count' in s) pair.enqueue(s)
          else if (s.kind === 'claim' && 'limit' in s) pair.claim(s.limit)
          else if ('ms' in s && 'pick' in s) pair.settle(s.kind, s.pick, s.ms)
          else if ('pick' in s) pair.control(s.kind, s.pick)
          else if ('ms' in s) pair.pass(s.ms)
          else if (s.kind === 'snapshot') pair.snapshot()
          else pair.commit()
          pair.compare()
        }
      }),
      { numRuns: 600 },
    )
  })
})
