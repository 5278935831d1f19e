/** The state machine and a naive queue side by side: the same commands, and the same answers or an error. */
import { expect } from 'vitest'
import type { ControlAction, EnqueueCommand, Settlement } from '../../src/state/commands.ts'
import type { QueueEvent } from '../../src/state/events.ts'
import type { QueueState } from '../../src/state/model.ts'
import { type NaiveMessage, NaiveQueue } from './naive-queue.ts'
import type { Control, Enqueue, Settle, Step } from './steps.ts'

export type Machine = typeof import('./machine.ts')

const WINDOW_MS = 3
/** Retention by count and bytes is compared in `endings.test.ts`. Ages are a few steps long. */
const RETENTION = { completedCount: 1e5, completedAgeMs: 9, completedBytes: 1e9, deadCount: 1e5, deadAgeMs: 6 }
/** How far views look beyond the state's clock, in ms, one after the other: to now, and beyond each age. */
const AHEAD_MS = [0, 1, 7, 0, 10]

/** Both queues, driven together. Throws where they differ. */
class Pair {
  readonly #machine: Machine
  state: QueueState
  readonly naive = new NaiveQueue({ ...RETENTION, windowMs: WINDOW_MS })
  #seq = 0
  #looks = 0
  #now = 1000

  constructor(machine: Machine) {
    this.#machine = machine
    this.state = machine.emptyState()
    machine.beginCommit(this.state, 1)
    this.#record([{ type: 'configured', retention: RETENTION }])
    this.pass(0)
  }

  pass(ms: number): void {
    this.#now += ms
    this.#record([{ type: 'time', at: this.#now }])
    this.naive.time(this.#now)
  }

  enqueue(s: Enqueue): void {
    const plain = s.named === undefined && s.key === undefined && !s.lifo
    const count = plain ? s.count : 1
    const visibleAt = s.delay === 0 ? 0 : this.#now + s.delay
    const extras = plain
      ? {}
      : {
          extras: {
            id: s.named,
            deduplicationKey: s.key,
            windowMs: WINDOW_MS,
            ...(s.lifo ? { lifo: true as const } : {}),
          },
        }
    const command: EnqueueCommand = {
      type: 'enqueue',
      sender: 'S',
      seq: this.#seq,
      count,
      maxAttempts: s.maxAttempts,
      priority: s.priority,
      visibleAt,
      ...extras,
      onDead: s.onDead,
    }
    const decision = this.#machine.decideEnqueue(this.state, command)
    if (decision.kind === 'repeated') throw new Error('a fresh number was taken before')
    const before = decision.kind === 'enqueued' ? decision.before : undefined
    this.#record(before === undefined ? [decision.event] : [before, decision.event])
    for (let i = 0; i < count; i++) {
      const of = this.naive.enqueue(this.#machine.numberedId('S', this.#seq + i), {
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
    const dispatch = this.#machine.decideDispatch(this.state, { worker: 'w', limit, timeoutMs: 100 })
    if (dispatch !== undefined) this.#record([dispatch.event])
    const tokens = this.naive.claim(limit)
    expect(dispatch?.count ?? 0).toBe(tokens.length)
    for (const token of tokens) {
      const claim = this.state.active.get(token)
      const message = this.naive.by(token)
      expect(claim && [this.#machine.messageId(claim), claim.attempt]).toEqual([message?.id, message?.attempts])
    }
  }

  settle({ kind, pick: at, ms }: Settle): void {
    const tokens = [...this.state.active.keys()]
    const token = kind === 'stale' ? 1_000_000 : tokens[at % Math.max(1, tokens.length)]
    const message = this.naive.by(token ?? -1)
    if (token === undefined) return
    if (kind === 'expire') {
      this.#record(this.#machine.decideExpire(this.state, [token]))
      if (message) this.naive.expire(message)
      return
    }
    const failure = { token, name: 'E', message: 'm' }
    const settlements: Record<Exclude<Settle['kind'], 'expire'>, Settlement> = {
      complete: { token, kind: 'complete', result: '1' },
      fail: { ...failure, kind: 'fail', retriable: true },
      fatal: { ...failure, kind: 'fail', retriable: false },
      release: { token, kind: 'release', started: false },
      return: { token, kind: 'release', started: true },
      snooze: { token, kind: 'snooze', ms },
      reject: { ...failure, kind: 'reject' },
      stale: { token, kind: 'complete' },
    }
    const settlement = settlements[kind]
    const { events, results } = this.#machine.decideSettle(this.state, [settlement, settlement], () => ms)
    this.#record(events)
    expect(results[1]).toBe('stale')
    if (message === undefined) expect(results[0]).toBe('stale')
    else if (kind === 'complete') this.naive.end(message, 'completed', WINDOW_MS)
    else if (kind === 'fail') this.naive.fail(message, true, ms)
    else if (kind === 'fatal' || kind === 'reject') this.naive.fail(message, false, 0)
    else if (kind === 'snooze') this.naive.snooze(message, ms)
    else this.naive.release(message, kind === 'return')
  }

  control({ kind, pick: at }: Control): void {
    const { messages } = this.naive
    const message = messages[at % Math.max(1, messages.length)]
    // An id may have had several lives: the one that is known counts.
    const current = messages.findLast((other) => other.id === message?.id)
    const id = message?.id ?? 'nobody'
    const actions: Record<Control['kind'], ControlAction> = {
      cancel: { kind: 'cancel', id },
      'release-by-id': { kind: 'release', id },
      redrive: { kind: 'redrive', ids: [id, id] },
      forget: { kind: 'forget', ids: [id, id] },
      'redrive-all': { kind: 'redrive' },
      pause: { kind: 'pause' },
      resume: { kind: 'resume' },
      purge: { kind: 'purge' },
      'accept-restore': { kind: 'accept-restore' },
    }
    const decision = this.#machine.decideControl(this.state, {
      type: 'control',
      sender: 'S',
      seq: this.#seq++,
      action: actions[kind],
    })
    this.#record(decision?.events ?? [])
    if (kind === 'accept-restore') this.naive.raiseTokens(decision?.result ?? 0)
    else expect(decision?.result).toBe(this.#controlNaive(kind, current))
  }

  #controlNaive(kind: Control['kind'], message: NaiveMessage | undefined): number {
    const { naive } = this
    const each = (status: string, change: (message: NaiveMessage) => void): number => {
      const chosen = naive.messages.filter((other) => other.status === status).sort((a, b) => a.since - b.since)
      for (const other of chosen) change(other)
      return chosen.length
    }
    if (kind === 'pause' || kind === 'resume') {
      const changes = naive.paused !== (kind === 'pause')
      naive.paused = kind === 'pause'
      return changes ? 1 : 0
    }
    const gone = (other: NaiveMessage): void => naive.end(other, 'gone', WINDOW_MS)
    if (kind === 'purge') return each('waiting', gone) + each('delayed', gone)
    if (kind === 'redrive-all') return each('dead', (other) => naive.redrive(other))
    if (message === undefined) return 0
    if (kind === 'forget') return naive.forget(message, WINDOW_MS) ? 1 : 0
    if (kind === 'cancel' && ['waiting', 'delayed', 'active'].includes(message.status)) {
      naive.withdraw(message, WINDOW_MS)
      return 1
    }
    if (kind === 'redrive' && message.status === 'dead') {
      naive.redrive(message)
      return 1
    }
    if (kind === 'release-by-id' && message.status === 'active') {
      message.releasing = true
      return 1
    }
    return 0
  }

  commit(): void {
    this.#machine.beginCommit(this.state, this.state.slot + 1)
  }

  snapshot(): void {
    this.state = this.#machine.decodeState(this.#machine.encodeState(this.state))
    this.commit()
  }

  compare(): void {
    const { waiting, delayed, active, completed, dead } = this.#machine.describeStats(this.state)
    const { naive } = this
    expect({ waiting, delayed, active, completed, dead }).toEqual({
      ...{ waiting: naive.count('waiting'), delayed: naive.count('delayed'), active: naive.count('active') },
      ...{ completed: naive.count('completed'), dead: naive.count('dead') },
    })
    this.#compareView(this.#now + (AHEAD_MS[this.#looks++ % AHEAD_MS.length] ?? 0))
  }

  /** What a view shows at `now`, while the state's clock may be behind. */
  #compareView(now: number): void {
    const view = this.#machine.viewOf(this.state, now)
    const { naive } = this
    let dead = 0
    // The id of what is at its end may belong to another message by now.
    const latest = new Map(naive.messages.map((message) => [message.id, message]))
    for (const message of naive.messages) {
      const status = naive.statusAt(message, now)
      if (status === 'dead') dead++
      if (latest.get(message.id) !== message) continue
      const known = this.#machine.describeMessage(view, message.id)?.info
      if (known === undefined && status === undefined) continue
      const shown = [known?.status, known?.attempts, known?.releasing ?? false]
      const right = [status, message.attempts, status === 'active' && message.releasing]
      // `expect` is slow, and this is the place where nearly all comparisons are made.
      if (shown.some((part, i) => part !== right[i])) expect(shown, message.id).toEqual(right)
    }
    expect(this.#machine.statsOf(view).dead).toBe(dead)
  }

  #record(events: readonly QueueEvent[]): void {
    for (const event of events) this.#machine.applyEvent(this.state, JSON.parse(JSON.stringify(event)) as QueueEvent)
  }
}

/** Takes both through `steps`. */
export function drive(machine: Machine, steps: readonly Step[]): void {
  const pair = new Pair(machine)
  for (const step of steps) {
    if (step.kind === 'enqueue') pair.enqueue(step)
    else if (step.kind === 'claim') pair.claim(step.limit)
    else if (step.kind === 'settle') pair.settle(step.settle)
    else if (step.kind === 'control') pair.control(step.control)
    else if (step.kind === 'pass') pair.pass(step.ms)
    else if (step.kind === 'snapshot') pair.snapshot()
    else pair.commit()
    pair.compare()
  }
}
