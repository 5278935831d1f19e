/**
 * The writer's side of the inbox: finds commands that other processes left, and deletes them once they are in the log.
 *
 * Owns the set of objects that are being folded. It looks often while something comes and backs off when nothing does. An object
 * that cannot be read is reported and left where it is: nothing is lost, and the rest goes on.
 */
import { CorruptObject, persistently, waitBeforeRetry } from '@s3queue/primitives'
import type { Batch } from '../state/batch-codec.ts'
import type { Command } from '../state/commands.ts'
import type { EngineContext } from './context.ts'
import { decodeInbox, inboxPrefix } from './inbox-codec.ts'

const FIRST_POLL_MS = 100
const READ_AT_ONCE = 16
const READS_BEFORE_CORRUPT = 3

export interface InboxEntry {
  readonly key: string
  readonly batch: Batch<Command>
}

/** Lists and reads what is in the inbox, but for the keys in `skip`. Objects deleted in between are passed over. */
export async function readInbox(
  context: EngineContext,
  skip: (key: string) => boolean,
  onCorrupt: (error: CorruptObject) => void,
  signal?: AbortSignal,
): Promise<InboxEntry[]> {
  const { options } = context
  const patience = { ...options, onTrouble: context.trouble }
  const prefix = inboxPrefix(options.prefix)
  const page = await persistently(patience, () => options.store.list({ prefix, signal }), signal)
  const keys = page.entries.map(({ key }) => key).filter((key) => !skip(key))
  const entries: InboxEntry[] = []
  for (let i = 0; i < keys.length; i += READ_AT_ONCE) {
    const read = await Promise.all(
      keys.slice(i, i + READ_AT_ONCE).map((key) => readEntry(context, key, onCorrupt, signal)),
    )
    for (const entry of read) if (entry !== undefined) entries.push(entry)
  }
  return entries
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
    const batch = decodeInbox(answer.body)
    if (typeof batch !== 'string') return { key, batch }
    if (reads >= READS_BEFORE_CORRUPT) {
      onCorrupt(new CorruptObject(key, options.store.description, batch))
      return undefined
    }
    await waitBeforeRetry(patience, reads, undefined, signal)
  }
}

export interface InboxReaderOptions {
  readonly context: EngineContext
  /** Puts the commands of an entry into the next commit; `done` is called once they are in the log. */
  readonly fold: (entry: InboxEntry, done: () => void) => void
  readonly signal: AbortSignal
}

export class InboxReader {
  readonly #options: InboxReaderOptions
  /** Being folded, or unreadable. */
  readonly #known = new Set<string>()
  #folded: string[] = []
  #waitMs = FIRST_POLL_MS
  #cancelTimer: (() => void) | undefined
  #polling: Promise<void> | undefined

  constructor(options: InboxReaderOptions) {
    this.#options = options
  }

  /** Looks into the inbox now, and from then on by itself until the signal is aborted. */
  start(): void {
    void this.poll()
  }

  /** Looks into the inbox; what it finds is in the writer's hands when this resolves. Never rejects: trouble is reported. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined
    })
    return this.#polling
  }

  async #poll(): Promise<void> {
    const { context, fold, signal } = this.#options
    this.#cancelTimer?.()
    try {
      await this.#deleteFolded()
      const entries = await readInbox(
        context,
        (key) => this.#known.has(key),
        (error) => this.#skip(error),
        signal,
      )
      if (signal.aborted) return
      for (const entry of entries) {
        this.#known.add(entry.key)
        fold(entry, () => this.#folded.push(entry.key))
      }
      const { maxPollMs } = context.options
      this.#waitMs = entries.length > 0 ? Math.min(FIRST_POLL_MS, maxPollMs) : Math.min(maxPollMs, this.#waitMs * 2)
    } catch (error) {
      if (signal.aborted) return
      context.trouble(error)
      this.#waitMs = context.options.maxPollMs
    }
    this.#cancelTimer = context.options.clock.setTimer(this.#waitMs, () => void this.poll())
    if (signal.aborted) this.#cancelTimer()
  }

  /** Removes what is in the log from the inbox. Called with each poll, and at the end of a term. */
  async #deleteFolded(): Promise<void> {
    const keys = this.#folded.splice(0, 1000)
    if (keys.length === 0) return
    const { context, signal } = this.#options
    const { options } = context
    await persistently({ ...options, onTrouble: context.trouble }, () => options.store.delete(keys, { signal }), signal)
    for (const key of keys) this.#known.delete(key)
  }

  /** Stops looking, after removing what is in the log already. */
  async stop(): Promise<void> {
    this.#cancelTimer?.()
    await this.#polling
    this.#cancelTimer?.()
    while (this.#folded.length > 0) await this.#deleteFolded()
  }

  #skip(error: CorruptObject): void {
    this.#known.add(error.key)
    this.#options.context.trouble(error)
  }
}
