/**
 * The writer's side of the inbox: finds commands that other processes left, and deletes them once they are in the log.
 *
 * Owns the set of objects that are being folded. It looks often while something comes and backs off when nothing does. An object
 * that cannot be read is reported and left where it is: nothing is lost, and the rest goes on.
 */
import { CorruptObject, persistently, waitBeforeRetry } from '@s3queue/primitives'
import type { ListEntry } from '@s3queue/storage'
import type { Payload } from '../state/batch-codec.ts'
import type { Command } from '../state/commands.ts'
import type { EngineContext } from './context.ts'
import { decodeInbox, type InboxObject, inboxPrefix } from './inbox-codec.ts'
import { StoreWatch } from './store-watch.ts'

/** Shortest wait between two looks. */
export const FIRST_POLL_MS = 100
/** Shortest wait where the store notifies of changes. */
const NOTIFIED_POLL_MS = 10
/** Longest wait after an error. */
const RETRY_MS = 5000
/** While the waits between two reads are shorter, in ms, the bell is not needed. */
const AWAKE_WAIT_MS = 500
const READS_BEFORE_CORRUPT = 3
/** What is in the log is deleted from the inbox this often, in ms, or when it fills a chunk: until then it is only skipped. */
const DELETE_EVERY_MS = 500
/** How much of the inbox is in memory at a time. */
const CHUNK_OBJECTS = 64
const CHUNK_BYTES = 32 << 20

export interface InboxEntry extends InboxObject {
  readonly key: string
}

/**
 * All that is in the inbox, but for the keys in `skip`, in chunks that fit into memory: an inbox may have filled up for days.
 * Objects deleted in between are passed over.
 */
export async function* readInbox(
  context: EngineContext,
  skip: (key: string) => boolean,
  onCorrupt: (error: CorruptObject) => void,
  signal?: AbortSignal,
): AsyncGenerator<InboxEntry[], void, void> {
  const { options, trouble } = context
  const patience = { ...options, onTrouble: trouble }
  const prefix = inboxPrefix(options.prefix)
  let startAfter: string | undefined
  do {
    const page = await persistently(patience, () => options.store.list({ prefix, startAfter, signal }), signal)
    for (const keys of chunksOf(page.entries.filter(({ key }) => !skip(key)))) {
      const read = await Promise.all(keys.map((key) => readEntry(context, key, onCorrupt, signal)))
      yield read.filter((entry) => entry !== undefined)
    }
    startAfter = page.truncated ? page.entries.at(-1)?.key : undefined
  } while (startAfter !== undefined)
}

function chunksOf(entries: readonly ListEntry[]): string[][] {
  const chunks: string[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const { key, size } of entries) {
    const chunk = chunks.at(-1)
    if (chunk === undefined || bytes + size > CHUNK_BYTES || chunk.length >= CHUNK_OBJECTS) {
      chunks.push([key])
      bytes = size
    } else {
      chunk.push(key)
      bytes += size
    }
  }
  return chunks
}

async function readEntry(
  context: EngineContext,
  key: string,
  onCorrupt: (error: CorruptObject) => void,
  signal?: AbortSignal,
): Promise<InboxEntry | undefined> {
  const { options } = context
  const patience = { ...options, onTrouble: context.trouble }
  for (let reads = 1; ; reads++) {
    const answer = await persistently(patience, () => options.store.get(key, { signal }), signal)
    if (answer.outcome !== 'found') return undefined
    const object = decodeInbox(answer.body)
    if (typeof object !== 'string') return { key, ...object }
    if (reads >= READS_BEFORE_CORRUPT) {
      onCorrupt(new CorruptObject(key, options.store.description, object))
      return undefined
    }
    await waitBeforeRetry(patience, reads, undefined, signal)
  }
}

/** Commands, and the payloads of what they enqueue, in order. */
export interface FoldableCommands {
  readonly commands: readonly Command[]
  readonly payloads: readonly Payload[]
}

export interface InboxReaderOptions {
  readonly context: EngineContext
  /** What of an entry is to be folded. */
  readonly sift: (entry: InboxEntry) => Promise<FoldableCommands>
  /** Puts commands into the next commit; `done` is called once they are in the log. */
  readonly fold: (commands: FoldableCommands, done: () => void) => void
  /** Resolves once everything folded so far is in the log. */
  readonly settled: () => Promise<void>
  /** How long the next look may wait while something comes, and in any case, in ms. */
  readonly visits: () => { readonly soonMs: number; readonly latestMs: number }
  readonly signal: AbortSignal
}

export class InboxReader {
  readonly #options: InboxReaderOptions
  /** Being folded. */
  readonly #known = new Set<string>()
  readonly #unreadable = new Set<string>()
  #folded: string[] = []
  #deletedAt = Number.NEGATIVE_INFINITY
  #waitMs = FIRST_POLL_MS
  #cancelTimer: (() => void) | undefined
  #polling: Promise<boolean> | undefined
  #polledAt = Number.NEGATIVE_INFINITY
  /** The inbox may have changed since the last poll began. */
  #isNotified = false
  readonly #watch: StoreWatch

  constructor(options: InboxReaderOptions) {
    this.#options = options
    const { context, signal } = options
    this.#watch = new StoreWatch({
      ...{ options: context.options, prefix: inboxPrefix(context.options.prefix), signal, onTrouble: context.trouble },
      onChange: () => this.#notified(),
    })
  }

  /** Whether the inbox is read more often than the bell would be. */
  get isAwake(): boolean {
    return this.#waitMs < AWAKE_WAIT_MS
  }

  /** Looks into the inbox now, and from then on by itself until the signal is aborted. */
  start(): void {
    this.#watch.start()
    void this.poll()
  }

  /** The bell was rung: something is in the inbox, and more is likely to come. */
  rung(): void {
    this.#waitMs = Math.min(FIRST_POLL_MS, this.#options.context.options.maxPollMs) / 2
    void this.pollAfresh()
  }

  #notified(): void {
    const { context, signal } = this.#options
    this.#isNotified = true
    if (this.#polling !== undefined || signal.aborted) return
    this.#cancelTimer?.()
    const { clock } = context.options
    const dueInMs = Math.max(0, this.#polledAt + NOTIFIED_POLL_MS - clock.monotonic())
    this.#cancelTimer = clock.setTimer(dueInMs, () => void this.poll())
  }

  /** Something is likely to come: the next look is soon. */
  expect(): void {
    const { context, signal } = this.#options
    const soon = Math.min(FIRST_POLL_MS, context.options.maxPollMs)
    if (this.#waitMs <= soon || this.#polling !== undefined || signal.aborted) return
    this.#waitMs = soon
    this.#cancelTimer?.()
    this.#cancelTimer = context.options.clock.setTimer(soon, () => void this.poll())
  }

  /**
   * Looks into the inbox; what it finds is in the writer's hands when this resolves. Never rejects: trouble is reported. Resolves to whether
   * that is all that was there.
   */
  poll(): Promise<boolean> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined
    })
    return this.#polling
  }

  /** Like `poll`, but finds all that was in the inbox before the call: a look that is under way may have passed it by. */
  async pollAfresh(): Promise<boolean> {
    await this.#polling
    return this.poll()
  }

  async #poll(): Promise<boolean> {
    const { context, signal } = this.#options
    const { maxPollMs, clock } = context.options
    this.#cancelTimer?.()
    this.#polledAt = clock.monotonic()
    this.#isNotified = false
    let isComplete = false
    try {
      const found = await this.#foldAll()
      isComplete = found.unreadable === 0
      const soonMs = Math.min(maxPollMs, Math.max(FIRST_POLL_MS, this.#options.visits().soonMs))
      this.#waitMs = found.chunks > 0 ? soonMs : Math.min(maxPollMs, this.#waitMs * 2)
    } catch (error) {
      if (signal.aborted) return false
      context.trouble(error)
      this.#waitMs = Math.min(maxPollMs, RETRY_MS)
    }
    const longestMs = this.#watch.isWatching ? this.#watch.pollMs(0) : maxPollMs
    const plannedMs = Math.max(1, Math.min(this.#waitMs, longestMs, this.#options.visits().latestMs))
    const wait = this.#isNotified ? Math.min(NOTIFIED_POLL_MS, plannedMs) : plannedMs
    if (!signal.aborted) this.#cancelTimer = clock.setTimer(wait, () => void this.poll())
    return isComplete
  }

  async #foldAll(): Promise<{ readonly chunks: number; readonly unreadable: number }> {
    const { context, sift, fold, settled, signal } = this.#options
    let chunks = 0
    let unreadable = 0
    const { clock } = context.options
    if (this.#folded.length >= CHUNK_OBJECTS || clock.monotonic() - this.#deletedAt >= DELETE_EVERY_MS) {
      this.#deletedAt = clock.monotonic()
      await this.deleteFolded()
    }
    const skip = (key: string): boolean => {
      if (this.#unreadable.has(key)) unreadable++
      return this.#known.has(key) || this.#unreadable.has(key)
    }
    const onCorrupt = (error: CorruptObject): void => {
      unreadable++
      this.#unreadable.add(error.key)
      context.trouble(error)
    }
    for await (const entries of readInbox(context, skip, onCorrupt, signal)) {
      // What came in the chunk before leaves memory before more comes in.
      if (chunks++ > 0) await settled()
      for (const entry of entries) {
        const commands = await sift(entry)
        signal.throwIfAborted()
        this.#known.add(entry.key)
        fold(commands, () => this.#folded.push(entry.key))
      }
    }
    return { chunks, unreadable }
  }

  /** Removes what is in the log from the inbox. Called with each poll, and at the end of a term. */
  async deleteFolded(): Promise<void> {
    const { context, signal } = this.#options
    const { options } = context
    const patience = { ...options, onTrouble: context.trouble }
    while (this.#folded.length > 0) {
      const keys = this.#folded.splice(0, 1000)
      await persistently(patience, () => options.store.delete(keys, { signal }), signal)
      for (const key of keys) this.#known.delete(key)
    }
  }

  /** Stops looking. What was found last is in the writer's hands when this resolves. */
  async stop(): Promise<void> {
    this.#cancelTimer?.()
    await this.#polling
    this.#cancelTimer?.()
  }
}
