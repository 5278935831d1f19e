/** The state machine alone: deciding and applying, without a store, a clock or a promise. */
import {
  applyEvent,
  beginCommit,
  decideDispatch,
  decideEnqueue,
  decideSettle,
  decodeBatch,
  describeStats,
  emptyState,
  encodeBatch,
  type QueueEvent,
  type QueueState,
} from '@s3queue/core/state'
import { systemClock } from '@s3queue/storage'
import { recipients } from '../payloads.ts'
import type { Row } from '../row.ts'

/** Each message is enqueued, claimed and completed. */
const STEPS = 3
const SENDER = 'BENCHBENCHBENCHB'
/** As queues have it by default. */
const RETENTION = {
  completedCount: 1000,
  completedAgeMs: 24 * 3_600_000,
  completedBytes: 256 << 20,
  deadCount: 100_000,
  deadAgeMs: 30 * 24 * 3_600_000,
}
const NO_DELAY = (): number => 0

/** Called with the events of each commit, its payloads and its slot. */
type Commit = (events: readonly QueueEvent[], payloads: readonly string[], slot: number) => void

export const stateMachine: Row = {
  name: 'state',
  about:
    'One event is one step of one message: enqueued, claimed or completed. Batches of 1,000 are three commits of 1,000 steps each; ' +
    'one by one, each step is a command, an event and a commit of its own. Commits: the same batches, and each written to bytes, read back, and folded into a second state.',
  stores: [],
  metrics: {
    batches: { label: 'batches of 1,000', unit: 'events/s', target: { bound: 'at least', value: 500_000 } },
    single: { label: 'one by one', unit: 'events/s', target: { bound: 'at least', value: 500_000 } },
    commits: { label: 'batches, as commits and back', unit: 'events/s', target: { bound: 'at least', value: 500_000 } },
  },
  begin: ({ quick }) => {
    const count = quick ? 10_000 : 200_000
    const texts = recipients(1000).map((payload) => JSON.stringify(payload))
    return async () => ({
      batches: rate(count, () => runThrough(count, 1000, texts, () => {})),
      single: rate(count, () => runThrough(count, 1, texts, () => {})),
      commits: rate(count, () => writeAndFold(count, texts)),
    })
  },
}

function rate(count: number, work: () => QueueState): number {
  const startedAt = systemClock.monotonic()
  const state = work()
  const seconds = (systemClock.monotonic() - startedAt) / 1000
  const { completed, total } = describeStats(state)
  if (completed !== count || total !== count) {
    throw new Error(`The state machine completed ${completed} of ${total} messages; ${count} were enqueued.`)
  }
  return (count * STEPS) / seconds
}

function writeAndFold(count: number, texts: readonly string[]): QueueState {
  const follower = emptyState()
  runThrough(count, 1000, texts, (events, payloads, slot) => {
    beginCommit(follower, slot)
    for (const event of decodeBatch<QueueEvent>(encodeBatch(events, payloads)).entries) applyEvent(follower, event)
  })
  return follower
}

/** `count` messages through the whole of their life, `size` at a time. */
function runThrough(count: number, size: number, texts: readonly string[], onCommit: Commit): QueueState {
  const state = emptyState()
  let slot = 0
  const commit = (events: readonly QueueEvent[], payloads: readonly string[] = []): void => {
    beginCommit(state, ++slot)
    for (const event of events) applyEvent(state, event)
    onCommit(events, payloads, slot)
  }
  const payloads = texts.slice(0, size)
  commit([{ type: 'configured', retention: RETENTION }])
  for (let seq = 0; seq < count; seq += size) {
    const batch = { sender: SENDER, seq, count: size, maxAttempts: 3, priority: 0, visibleAt: 0 }
    const enqueue = decideEnqueue(state, { type: 'enqueue', ...batch })
    if (enqueue.kind !== 'enqueued')
      throw new Error(`A batch of new messages was taken for one that is ${enqueue.kind}.`)
    commit([{ type: 'time', at: seq + 1 }, enqueue.event], payloads)
    const dispatch = decideDispatch(state, { worker: 'W', limit: size, timeoutMs: 30_000 })
    if (dispatch === undefined) throw new Error('Messages wait, and none of them is handed out.')
    commit([dispatch.event])
    const settlements = [...state.active.keys()].map((token) => ({ token, kind: 'complete' }) as const)
    commit(decideSettle(state, settlements, NO_DELAY).events)
  }
  return state
}
