/** One contestant, one run: a first message, some one after another, the rest several at once; then all of them handled; then nothing. */
import type { Contestant } from './contestants.ts'
import type { Counted } from './counting-proxy.ts'

export interface RunOptions {
  readonly connection: string
  readonly concurrency: number
  readonly messages: number
  /** How many calls of `enqueue` are under way together. */
  readonly atOnce: number
  readonly limitMs: number
  /** How long to watch it while nothing happens; 0 for not at all. */
  readonly idleMs: number
  /** Requests since the last call. */
  readonly take: () => Promise<Counted>
}

export interface Stretch {
  readonly requests: Counted
  readonly messages: number
  readonly seconds: number
}

export interface Idle {
  readonly requests: Counted
  readonly seconds: number
  /** From the enqueue in another process to the handler; undefined if it took longer than the limit. */
  readonly wakeUpSeconds: number | undefined
}

export interface Outcome {
  /** Up to the first message, that one included: what is asked once. */
  readonly opening: Counted
  /** Enqueued one after another. */
  readonly alone: Stretch
  /** Enqueued `atOnce`. */
  readonly together: Stretch
  readonly processing: Stretch
  readonly duplicates: number
  readonly statsAreRight: boolean
  /** Undefined if it was not asked for, or not all messages were done in time. */
  readonly idle: Idle | undefined
}

/** So many messages are enqueued one after another. */
const ALONE = 32
/** What is idle looks less and less often: so long until it looks as seldom as it ever does. */
const CALM_MS = 45_000

export async function run(contestant: Contestant, options: RunOptions): Promise<Outcome> {
  const { connection, concurrency, messages, limitMs, take } = options
  const handled = new Map<number, number>()
  let onHandled = (): void => {}
  const queue = await contestant.open(connection, concurrency, (n) => {
    handled.set(n, (handled.get(n) ?? 0) + 1)
    onHandled()
  })
  const whenHandled = (count: number): Promise<void> =>
    new Promise((resolve) => {
      onHandled = () => handled.size >= count && resolve()
    })
  await queue.enqueue(0)
  const opening = await take()
  const enqueueing = { ...options, enqueue: queue.enqueue }
  const alone = await enqueue({ ...enqueueing, atOnce: 1, from: 1, to: 1 + ALONE })
  const together = await enqueue({ ...enqueueing, from: 1 + ALONE, to: messages })
  const done = whenHandled(messages)
  const startedAt = performance.now()
  await queue.start()
  await within(limitMs, done)
  const seconds = secondsSince(startedAt)
  const doneInTime = handled.size
  // What was handled last is still being recorded.
  await pass(1000)
  const processing = { requests: await take(), messages: doneInTime, seconds }
  const stats = await queue.stats().catch(() => undefined)
  return {
    ...{ opening, alone, together, processing },
    duplicates: [...handled.values()].reduce((sum, times) => sum + times - 1, 0),
    statsAreRight: stats?.completed === handled.size && stats.total === messages,
    idle:
      options.idleMs > 0 && doneInTime === messages
        ? await idle(contestant, options, whenHandled(messages + 1))
        : undefined,
  }
}

interface Enqueueing {
  readonly enqueue: (n: number) => Promise<unknown>
  readonly atOnce: number
  readonly from: number
  readonly to: number
  readonly take: () => Promise<Counted>
}

/** Always `atOnce` calls under way together, until all are done. */
async function enqueue({ enqueue, atOnce, from, to, take }: Enqueueing): Promise<Stretch> {
  const startedAt = performance.now()
  let next = from
  const produce = async (): Promise<void> => {
    while (next < to) await enqueue(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, produce))
  return { messages: to - from, seconds: secondsSince(startedAt), requests: await take() }
}

/** `handled`: the message that comes at the end has been. */
async function idle(
  contestant: Contestant,
  { connection, messages, idleMs, limitMs, take }: RunOptions,
  handled: Promise<void>,
): Promise<Idle> {
  await pass(CALM_MS)
  await take()
  const startedAt = performance.now()
  await pass(idleMs)
  const watched = { seconds: secondsSince(startedAt), requests: await take() }
  const producer = await contestant.open(connection, 1, () => {})
  await producer.enqueue(messages)
  const enqueuedAt = performance.now()
  const isHandled = await within(limitMs, handled)
  return { ...watched, wakeUpSeconds: isHandled ? secondsSince(enqueuedAt) : undefined }
}

function secondsSince(moment: number): number {
  return (performance.now() - moment) / 1000
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Resolves when the promise does, to true, or after `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), pass(ms).then(() => false)])
}
