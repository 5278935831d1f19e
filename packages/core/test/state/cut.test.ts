import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyContinued, applyEvent, beginCommit } from '../../src/state/apply.ts'
import { cutOf, holdCut, releaseCut } from '../../src/state/cut.ts'
import type { QueueEvent } from '../../src/state/events.ts'
import { emptyState, type QueueState, type Run } from '../../src/state/model.ts'
import { decodeState, encodeCut, encodeState } from '../../src/state/snapshot.ts'

type Enqueued = Extract<QueueEvent, { type: 'enqueued' }>

const START = 1_700_000_000_000
const LONG_AGO = 24 * 3_600_000

function enqueued(seq: number, count: number, more: Partial<Enqueued> = {}): Enqueued {
  return { type: 'enqueued', sender: 'S', seq, count, maxAttempts: 3, priority: 0, visibleAt: 0, ...more }
}

/** A queue of `singles` messages that came one by one, some delayed, some with ids, some active, dead or completed. */
function motley(singles: number): QueueState {
  const state = emptyState()
  beginCommit(state, 1)
  const retention = { completedCount: 100, completedAgeMs: 1e9, completedBytes: 1e6, deadCount: 1e6, deadAgeMs: 1e12 }
  applyEvent(state, { type: 'configured', retention })
  applyEvent(state, { type: 'time', at: START })
  for (let n = 0; n < singles; n++) {
    const id =
      n % 5 === 0
        ? {
            extras: {
              id: `id-${n}`,
              deduplicationKey: `key-${n}`,
              windowMs: 60_000,
              ...(n % 10 === 0 ? { lifo: true as const } : {}),
            },
          }
        : {}
    const visibleAt = n % 3 === 0 ? START + 1000 + ((n * 7919) % 1000) : 0
    applyEvent(
      state,
      enqueued(Math.floor(n / 2), 1, { sender: `S${n % 2}`, priority: n % 7 === 0 ? 1 : 0, visibleAt, ...id }),
    )
  }
  applyEvent(state, { type: 'unnamed', payloadKeys: ['payloads/1', 'payloads/2'] })
  beginCommit(state, 2)
  applyEvent(state, enqueued(singles, 50, { sender: 'MANY' }))
  claim(state, Math.ceil(singles / 4))
  const [first, second] = [...state.active.keys()]
  if (first !== undefined) applyEvent(state, { type: 'completed', tokens: [first], results: [[first, '"done"']] })
  if (second !== undefined) {
    applyEvent(state, { type: 'died', token: second, reason: 'rejected', name: 'E', message: 'no' })
  }
  return state
}

/** Claims the first `count` messages of all that are visible. */
function claim(state: QueueState, count: number): void {
  const runs: number[] = []
  let room = count
  for (const priority of state.priorities) {
    for (const first of state.ready.get(priority) ?? []) {
      for (let run: typeof first | undefined = first; run !== undefined && room > 0; run = run.rest) {
        const many = Math.min(run.count, room)
        if (many > 0) runs.push(run.id, many)
        room -= many
      }
    }
  }
  applyEvent(state, { type: 'claimed', worker: 'W', token: state.nextToken, timeoutMs: 1000, runs })
}

function runsOf(state: QueueState): Run[] {
  return [...state.runs.values()].sort((a, b) => a.id - b.id)
}

/** Everything that changes something in a state, one after the other. */
const changes: readonly ((state: QueueState) => void)[] = [
  (state) => claim(state, 30),
  (state) => {
    for (const token of [...state.active.keys()].slice(0, 20)) {
      applyEvent(state, { type: 'extended', token, timeoutMs: 77 })
    }
    for (const token of [...state.active.keys()].slice(20, 30)) {
      applyEvent(state, { type: 'reported', token, progress: '1', log: ['a line'] })
    }
  },
  (state) =>
    applyEvent(state, { type: 'adopted', ranges: [...state.active.keys()].slice(5, 25).flatMap((t) => [t, 1]) }),
  (state) => applyEvent(state, { type: 'released', tokens: [...state.active.keys()].slice(0, 5), started: false }),
  (state) => {
    const run = runsOf(state).find(({ count }) => count > 10)
    if (run !== undefined) applyEvent(state, { type: 'withdrawn', run: run.id, offset: 5 })
  },
  (state) => {
    for (const { id } of runsOf(state).slice(-20)) applyEvent(state, { type: 'withdrawn', run: id, offset: 0 })
  },
  (state) => {
    const tokens = [...state.active.keys()].slice(-3)
    // One of them is too long for the state.
    const results = tokens.map((token, i): [number, string] => [token, JSON.stringify('so '.repeat(i === 1 ? 400 : 1))])
    applyEvent(state, { type: 'completed', tokens, results })
  },
  (state) => applyEvent(state, { type: 'time', at: state.now + 500 }),
  (state) => {
    beginCommit(state, state.slot + 1)
    applyEvent(state, enqueued(state.nextRun * 1000, 3, { sender: 'LATER' }))
    applyContinued(state, enqueued(state.nextRun * 1000 - 997, 2, { sender: 'LATER' }))
  },
  (state) => applyEvent(state, { type: 'redriven', ids: [...state.dead.keys()] }),
  (state) => {
    const token = [...state.active.keys()].at(-1)
    if (token !== undefined) {
      const message = 'again'.repeat(token % 2 === 0 ? 1 : 200)
      applyEvent(state, { type: 'retried', token, visibleAt: state.now + 10, name: 'E', message })
    }
  },
  (state) => applyEvent(state, { type: 'purged' }),
  (state) => applyEvent(state, { type: 'time', at: state.now + 2 * LONG_AGO }),
]

describe('a cut', () => {
  it('is what the state was, whatever comes until it is read', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: changes.length - 1 }), { maxLength: 30 }), fc.nat(30), (steps, at) => {
        const state = motley(120)
        for (const step of steps.slice(0, at)) changes[step]?.(state)
        const truth = text(encodeState(state))
        const cut = holdCut(state)
        for (const step of steps.slice(at)) changes[step]?.(state)
        const encoding = encodeCut(cut)
        expectSame(text(encoding.next()), truth)
        expect(encoding.next()).toBeUndefined()
        expect([...encoding.live].sort()).toEqual([...decodeState(Buffer.from(truth)).live.keys()].sort())
        releaseCut(state)
      }),
    )
  })

  it('of many rows is read in slices, with changes between them', () => {
    const state = motley(30_000)
    const truth = text(encodeState(state))
    const encoding = encodeCut(holdCut(state))
    let read = ''
    let slices = 0
    for (let slice = encoding.next(); slice !== undefined; slice = encoding.next()) {
      read += text(slice)
      changes[slices++ % changes.length]?.(state)
    }
    expect(slices).toBeGreaterThan(changes.length)
    expectSame(read, truth)
  })

  it('is read one at a time', () => {
    const state = motley(10)
    holdCut(state)
    expect(() => holdCut(state)).toThrow('A cut of this state is being read already')
    releaseCut(state)
    expect(text(encodeState(state))).toBe(text(encodeCut(cutOf(state)).next()))
  })
})

describe('a snapshot', () => {
  it('goes on from where the state was, in every respect', () => {
    const state = motley(500)
    for (const change of [...changes.slice(0, -2), ...changes.slice(0, 4)]) change(state)
    const read = decodeState(encodeState(state))
    expectSame(text(encodeState(read)), text(encodeState(state)))
    for (const part of ['live', 'counts', 'names', 'payloadKeys', 'answers', 'senders'] as const) {
      expect(read[part], part).toEqual(state[part])
    }
    for (const change of changes) {
      change(state)
      change(read)
      expectSame(text(encodeState(read)), text(encodeState(state)))
    }
  })

  it('keeps numbers that no step leads to', () => {
    const times = [5, 1e300, 2 ** 53, 1.5, Number.MAX_SAFE_INTEGER, 7]
    const state = emptyState()
    beginCommit(state, 1)
    for (const [n, visibleAt] of times.entries()) {
      applyEvent(state, enqueued(n * 2, 1, { visibleAt }))
    }
    const read = decodeState(encodeState(state))
    expect(Array.from(read.runs.values(), (run) => run.visibleAt)).toEqual(times)
  })

  it('has a message once that is due at this very moment', () => {
    const state = emptyState()
    beginCommit(state, 1)
    applyEvent(state, enqueued(0, 1, { visibleAt: START }))
    applyEvent(state, enqueued(1, 1, { visibleAt: START + 1 }))
    applyEvent(state, { type: 'time', at: START })
    expect(decodeState(encodeState(state)).counts).toEqual({ waiting: 1, delayed: 1, completed: 0 })
  })

  it('is read back to messages that share what they had in common', () => {
    const state = motley(6000)
    const run = runsOf(state).find(({ count }) => count > 40)
    for (const offset of [40, 30, 20, 10]) applyEvent(state, { type: 'withdrawn', run: run?.id ?? -1, offset })
    const read = decodeState(encodeState(state))
    const batches = new Set(Array.from(read.runs.values(), ({ batch }) => batch).filter(({ size }) => size > 1))
    expect(batches.size).toBe(1)
  })

  it('holds equal backoffs once, and the same bytes whether messages share them or not', () => {
    const folded = (backoffOf: (n: number) => { baseMs: number; maxMs: number; jitter: number }): Uint8Array => {
      const state = emptyState()
      beginCommit(state, 1)
      for (let n = 0; n < 1000; n++) applyEvent(state, enqueued(n, 1, { extras: { backoff: backoffOf(n) } }))
      return encodeState(state)
    }
    const two = [
      { baseMs: 1, maxMs: 2, jitter: 0.5 },
      { baseMs: 1, maxMs: 2, jitter: 0 },
    ] as const
    const shared = folded((n) => two[n % 2] ?? two[0])
    const apart = folded((n) => ({ ...(two[n % 2] ?? two[0]) }))
    expectSame(text(apart), text(shared))
    expect(text(apart).match(/"baseMs"/g)).toHaveLength(2)
    const again = decodeState(apart)
    expectSame(text(encodeState(again)), text(apart))
  })

  it('of another format is refused', () => {
    expect(() => decodeState(Buffer.from('{"format":1,"slot":7}'))).toThrow(
      'The snapshot has format 1; this version reads',
    )
  })
})

/** Throws where two texts part; they are too long to be shown. */
function expectSame(found: string, truth: string): void {
  let at = 0
  while (at < truth.length && found[at] === truth[at]) at++
  if (found === truth) return
  throw new Error(`At ${at} there is\n${found.slice(at - 60, at + 60)}\ninstead of\n${truth.slice(at - 60, at + 60)}`)
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString()
}
