import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideDispatch } from '../../src/dispatch.ts'
import { decideEnqueue } from '../../src/enqueue.ts'
import { decideExpire } from '../../src/expire.ts'
import { decideSettle } from '../../src/settle.ts'
import { applyEvent, beginCommit } from '../../src/state/apply.ts'
import { decodeBatch, encodeBatch } from '../../src/state/batch-codec.ts'
import type { Settlement } from '../../src/state/commands.ts'
import type { QueueEvent } from '../../src/state/events.ts'
import { slotsOf } from '../../src/state/failures.ts'
import { queueFold } from '../../src/state/fold.ts'
import { describeStats, emptyState, messageId, type QueueState } from '../../src/state/model.ts'
import { decodeState, encodeState } from '../../src/state/snapshot.ts'

/** A state machine driven by hand, with the log it would have written. */
function machine() {
  const state = emptyState()
  const log: QueueEvent[][] = []
  const commit = (): void => {
    log.push([])
    beginCommit(state, log.length)
  }
  commit()
  const record = (events: readonly QueueEvent[]): void => {
    for (const event of events) {
      log.at(-1)?.push(event)
      applyEvent(state, event)
    }
  }
  let seq = 0
  return {
    state,
    log,
    commit,
    record,
    at: (at: number) => record([{ type: 'time', at }]),
    enqueue(count: number, more: { maxAttempts?: number; priority?: number; visibleAt?: number } = {}) {
      const command = {
        type: 'enqueue',
        sender: 'S',
        seq,
        count,
        maxAttempts: 3,
        priority: 0,
        visibleAt: 0,
        ...more,
      } as const
      seq += count
      const decision = decideEnqueue(state, command)
      if (decision.kind !== 'repeated') record([decision.event])
    },
    claim(limit: number, worker = 'w'): number[] {
      const dispatch = decideDispatch(state, { worker, limit, timeoutMs: 1000 })
      if (dispatch === undefined) return []
      record([dispatch.event])
      return Array.from({ length: dispatch.count }, (_, i) => dispatch.event.token + i)
    },
    settle(...settlements: Settlement[]) {
      const { events, results } = decideSettle(state, settlements, ({ attempt }) => attempt * 100)
      record(events)
      return results
    },
    expire: (...tokens: number[]) => record(decideExpire(state, tokens)),
  }
}

const fail = (token: number, retriable = true): Settlement => ({
  token,
  kind: 'fail',
  name: 'E',
  message: 'm',
  retriable,
})
/** One in two is too long for the state. */
const longOrShort = (token: number): string => JSON.stringify('m'.repeat(token % 2 === 0 ? 1 : 600))
const idsOf = (state: QueueState): string[] => Array.from(state.active.values(), messageId)

describe('dispatch', () => {
  it('goes by priority, then by age, and hands out no more than there is room for', () => {
    const m = machine()
    m.enqueue(2)
    m.enqueue(1, { priority: 5 })
    m.enqueue(2)
    expect(m.claim(4)).toEqual([1, 2, 3, 4])
    expect(idsOf(m.state)).toEqual(['S-2', 'S-0', 'S-1', 'S-3'])
    expect(m.claim(0)).toEqual([])
    expect(m.claim(9)).toEqual([5])
    expect(m.claim(9)).toEqual([])
  })

  it('does not hand out what is not visible yet', () => {
    const m = machine()
    m.at(1000)
    m.enqueue(1, { visibleAt: 1500 })
    m.at(1499)
    expect(m.claim(1)).toEqual([])
    m.at(1500)
    expect(m.claim(1)).toEqual([1])
  })
})

describe('enqueue', () => {
  it('takes each number of a sender once, in whatever order and however often they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 60, size: 'max' }), (batches) => {
        const m = machine()
        for (const batch of batches) {
          const command = {
            type: 'enqueue',
            sender: 'S',
            seq: batch * 3,
            count: 3,
            maxAttempts: 1,
            priority: 0,
            visibleAt: 0,
          } as const
          const decision = decideEnqueue(m.state, command)
          if (decision.kind !== 'repeated') m.record([decision.event])
        }
        expect(describeStats(m.state).waiting).toBe(new Set(batches).size * 3)
        const sender = m.state.senders.get('S')
        if (new Set(batches).size === 16) expect(sender).toMatchObject({ next: 48, early: [] })
      }),
    )
  })

  it('forgets a sender only long after a request of it can still be late', () => {
    const m = machine()
    m.at(0)
    m.enqueue(1)
    m.at(23 * 3_600_000)
    expect(m.state.senders.has('S')).toBe(true)
    m.at(26 * 3_600_000)
    expect(m.state.senders.has('S')).toBe(false)
  })
})

describe('settle', () => {
  it('takes only the current token, and each token once', () => {
    const m = machine()
    m.enqueue(2)
    m.claim(2)
    expect(
      m.settle({ token: 1, kind: 'complete' }, { token: 1, kind: 'complete' }, { token: 9, kind: 'complete' }),
    ).toEqual(['completed', 'stale', 'stale'])
    m.expire(2)
    const [token] = m.claim(1)
    expect(token).toBe(3)
    expect(m.settle(fail(2), { token: 3, kind: 'complete' })).toEqual(['stale', 'completed'])
    expect(describeStats(m.state)).toMatchObject({ completed: 2, total: 2 })
  })

  it('counts attempts, backs off, and ends in the dead letters with the history', () => {
    const m = machine()
    m.at(10_000)
    m.enqueue(1)
    expect(m.settle(fail(m.claim(1)[0] as number))).toEqual(['retried'])
    expect(describeStats(m.state)).toMatchObject({ delayed: 1, waiting: 0 })
    m.at(10_100)
    expect(m.settle(fail(m.claim(1)[0] as number))).toEqual(['retried'])
    m.at(10_300)
    expect(m.settle(fail(m.claim(1)[0] as number))).toEqual(['died'])
    const dead = m.state.dead.get('S-0')
    expect(dead).toMatchObject({ attempts: 3, reason: 'attempts-used-up', diedAt: 10_300 })
    expect(dead?.failures.short.map(({ attempt, at }) => [attempt, at])).toEqual([
      [1, 10_000],
      [2, 10_100],
      [3, 10_300],
    ])
  })

  it('gives back to the front, and counts no attempt, whether it was started or not', () => {
    const m = machine()
    m.enqueue(3, { maxAttempts: 1 })
    const [a, b] = m.claim(2) as [number, number]
    m.settle({ token: a, kind: 'release', started: false }, { token: b, kind: 'release', started: true })
    m.claim(3)
    expect(Array.from(m.state.active.values(), (claim) => [messageId(claim), claim.attempt]).sort()).toEqual([
      ['S-0', 1],
      ['S-1', 1],
      ['S-2', 1],
    ])
  })
})

describe('expire', () => {
  it('makes visible again at the front, or moves to the dead letters after the last attempt', () => {
    const m = machine()
    m.enqueue(2, { maxAttempts: 2 })
    m.claim(1)
    m.expire(1)
    m.expire(1)
    const [again] = m.claim(1)
    expect(idsOf(m.state)).toEqual(['S-0'])
    m.expire(again as number)
    expect(m.state.dead.get('S-0')).toMatchObject({ reason: 'timed-out', attempts: 2 })
    expect(m.state.dead.get('S-0')?.failures.short.map(({ name }) => name)).toEqual([
      'VisibilityTimeout',
      'VisibilityTimeout',
    ])
  })
})

describe('apply', () => {
  it('refuses an event of an unknown type', () => {
    expect(() => applyEvent(emptyState(), { type: 'celebrated' } as never)).toThrow(
      /The log holds an event of the unknown/,
    )
  })

  it('leaves out the parts of an event that do not fit, says why, and applies the others', () => {
    const m = machine()
    m.enqueue(3)
    const [first = 0, second = 0, third = 0] = m.claim(3)
    const reasons: string[] = []
    const apply = (event: QueueEvent): void => applyEvent(m.state, event, (reason) => void reasons.push(reason))
    apply({ type: 'completed', tokens: [first, 77, second] })
    apply({ type: 'completed', tokens: [first] })
    apply({ type: 'withdrawn', run: 99, offset: 0 })
    apply({ type: 'redriven', ids: ['nothing'] })
    apply({ type: 'claimed', worker: 'w', token: 90, timeoutMs: 1, runs: [99, 2] })
    expect(describeStats(m.state)).toMatchObject({ completed: 2, active: 1, total: 3 })
    expect([...m.state.active.keys()]).toEqual([third])
    expect(m.state.nextToken).toBe(92)
    expect(reasons).toEqual([
      'it names token 77, which no claim has',
      `it names token ${first}, which no claim has`,
      'it withdraws message 0 of run 99, which has 0',
      'it redrives message "nothing", which is not in the dead letters',
      'it claims 2 messages of run 99, which has 0',
    ])
  })
})

/** Random commands against the machine; it decides what of them makes sense. */
const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('enqueue' as const),
      count: fc.integer({ min: 1, max: 5 }),
      priority: fc.integer({ min: 0, max: 2 }),
      delay: fc.constantFrom(0, 0, 50, 500),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'complete' as const,
        'fail' as const,
        'fatal' as const,
        'release' as const,
        'return' as const,
        'expire' as const,
      ),
      pick: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
)
type Step = typeof command extends fc.Arbitrary<infer C> ? C : never

function play(steps: readonly Step[]) {
  const m = machine()
  let now = 1_000_000
  m.at(now)
  let enqueued = 0
  for (const step of steps) {
    const tokens = [...m.state.active.keys()]
    const token = 'pick' in step ? tokens[step.pick % Math.max(1, tokens.length)] : undefined
    if (step.kind === 'enqueue') {
      m.enqueue(step.count, { priority: step.priority, visibleAt: step.delay === 0 ? 0 : now + step.delay })
      enqueued += step.count
    } else if (step.kind === 'claim') m.claim(step.limit)
    else if (step.kind === 'pass') {
      now += step.ms
      m.at(now)
    } else if (step.kind === 'commit') m.commit()
    else if (token === undefined) continue
    else if (step.kind === 'complete') m.settle({ token, kind: 'complete', result: longOrShort(token) })
    else if (step.kind === 'release' || step.kind === 'return')
      m.settle({ token, kind: 'release', started: step.kind === 'return' })
    else if (step.kind === 'expire') m.expire(token)
    else m.settle({ token, kind: 'fail', name: 'E', message: longOrShort(token), retriable: step.kind === 'fail' })
    expect(describeStats(m.state).total).toBe(enqueued)
  }
  return m
}

describe('the state', () => {
  it('keeps every message in exactly one place, and as many payloads and texts live as are needed', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80, size: 'max' }), (steps) => {
        const { state } = play(steps)
        const places = [
          ...[...state.runs.values()].flatMap((run) =>
            Array.from({ length: run.count }, (_, i) => messageId({ batch: run.batch, seq: run.seq + i })),
          ),
          ...idsOf(state),
          ...state.dead.keys(),
        ]
        expect(new Set(places).size).toBe(places.length)
        const histories = [...state.runs.values(), ...state.active.values(), ...state.dead.values()]
        const texts = [
          ...histories.flatMap(({ failures }) => [...slotsOf(failures)]),
          ...[...state.completed.values()].filter(({ stored }) => stored !== undefined),
        ]
        expect([...state.live.values()].reduce((sum, count) => sum + count, 0)).toBe(places.length + texts.length)
        const { waiting, delayed } = state.counts
        expect([...state.runs.values()].reduce((sum, run) => sum + run.count, 0)).toBe(waiting + delayed)
      }),
    )
  })

  it('is the same when it is folded from the log, and when it goes on from a snapshot', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80, size: 'max' }), fc.nat(), (steps, cut) => {
        const { state, log } = play(steps)
        const at = cut % (log.length + 1)
        let folded = queueFold.start(undefined)
        for (const [i, events] of log.entries()) {
          if (i === at) folded = decodeState(encodeState(folded))
          queueFold.apply(folded, { kind: 'commit', slot: i + 1, epoch: 1, body: encodeBatch(events, []) })
        }
        expect(Buffer.from(encodeState(folded)).toString()).toBe(Buffer.from(encodeState(state)).toString())
      }),
    )
  })

  it('gives tokens that only grow', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80, size: 'max' }), (steps) => {
        const claims = play(steps)
          .log.flat()
          .filter((event) => event.type === 'claimed')
        for (const [i, claim] of claims.entries()) expect(claim.token).toBeGreaterThan(claims[i - 1]?.token ?? 0)
      }),
    )
  })
})

describe('batches as bytes', () => {
  it('carry any payload unharmed', () => {
    fc.assert(
      fc.property(fc.array(fc.json()), (payloads) => {
        const batch = decodeBatch<QueueEvent>(encodeBatch<QueueEvent>([{ type: 'time', at: 1 }], payloads))
        expect(batch.entries).toEqual([{ type: 'time', at: 1 }])
        expect(batch.payloads.all()).toEqual(payloads)
      }),
    )
  })

  it('says which payload is not there', () => {
    expect(() => decodeBatch(encodeBatch([], ['1'])).payloads.at(1)).toThrow('There is no payload 1')
  })
})
