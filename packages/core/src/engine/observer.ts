/** Reading a queue without writing it: the log, folded as far as it goes, and what waits in the inbox. */
import type { CorruptObject, LogFollower } from '@s3queue/primitives'
import { timeOfUlid } from '@s3queue/storage'
import type { InboxRun, QueueView } from '../queue-view.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { EnqueueCommand } from '../state/commands.ts'
import { NO_FAILURES } from '../state/failures.ts'
import { createQueueFold } from '../state/fold.ts'
import { numberedId, type QueueState, type Run } from '../state/model.ts'
import { findNames } from '../state/names.ts'
import { wasTaken } from '../state/senders.ts'
import type { EngineContext } from './context.ts'
import { inboxPrefix } from './inbox-codec.ts'
import { readInbox } from './inbox-reader.ts'

/** An enqueue that lies in the inbox. */
interface InboxEnqueue {
  readonly command: EnqueueCommand
  /** When it was sent, by its sender's clock, ms since 1970. */
  readonly sentAt: number
  /** Undefined if they were not asked for. */
  readonly payloads: readonly Payload[] | undefined
}

/** Whether slots are missing behind the head is checked this often, in ms, by calls that repeat: a list costs as much as twelve reads. */
const LIST_EVERY_MS = 5000

export class Observer {
  readonly #context: EngineContext
  readonly #follower: LogFollower<QueueState>
  #reading: Promise<unknown> = Promise.resolve()
  /** A refresh that has not begun. */
  #next: Promise<QueueState> | undefined
  /** A slot that the log has reached, as far as this process knows. */
  readonly #reached: () => number
  /** Objects of the inbox that cannot be read, and were reported. */
  readonly #unreadable = new Set<string>()
  /** A survey that has not begun, and the messages whose payloads it is to find. */
  #nextSurvey: { readonly ids: Set<string>; readonly view: Promise<QueueView> } | undefined

  constructor(context: EngineContext, reached: () => number) {
    this.#context = context
    this.#reached = reached
    this.#follower = context.log.follow(createQueueFold(context.skipped, context.endings.read))
  }

  /**
   * What `look` sees of the whole queue, the inbox included, as of some moment during the call. Calls that come while one is under way share the next one.
   * `id`: the message whose payload is wanted, if it lies in the inbox.
   *
   * The inbox is read before the log. A message that the writer takes out in between is then seen in both, and counted once by its number.
   * Read in the other order, it would be seen in neither.
   */
  survey<T>(look: (view: QueueView) => T, id: string | undefined, signal?: AbortSignal): Promise<T> {
    this.#nextSurvey ??= this.#beginSurvey(signal)
    if (id !== undefined) this.#nextSurvey.ids.add(id)
    return this.#nextSurvey.view.then(look)
  }

  #beginSurvey(signal: AbortSignal | undefined): { readonly ids: Set<string>; readonly view: Promise<QueueView> } {
    const ids = new Set<string>()
    const view = this.#reading.then(async () => {
      this.#nextSurvey = undefined
      const enqueues = await this.#readInbox(ids, signal)
      const state = await this.#follower.refresh(signal, { reached: this.#reached() })
      const now = this.#now(state)
      return { state, now, inbox: runsOf(state, enqueues, now) }
    })
    this.#reading = view.catch(() => {})
    return { ids, view }
  }

  /** What `look` sees in the state of the log. Those who ask while a look is under way share the next one. */
  view<T>(look: (view: QueueView) => T, signal?: AbortSignal): Promise<T> {
    this.#next ??= this.#refresh(signal)
    return this.#next.then((state) => look({ state, now: this.#now(state), inbox: [] }))
  }

  #refresh(signal: AbortSignal | undefined): Promise<QueueState> {
    const next = this.#reading.then(() => {
      this.#next = undefined
      return this.#follower.refresh(signal, { reached: this.#reached(), listEveryMs: LIST_EVERY_MS })
    })
    this.#reading = next.catch(() => {})
    return next
  }

  /** The log's time is ahead of a clock that was set back. */
  #now(state: QueueState): number {
    return Math.max(state.now, this.#context.wallNow())
  }

  /** All payloads but those that come with the messages `ids` are dropped: the inbox may be larger than the memory. */
  async #readInbox(ids: ReadonlySet<string>, signal?: AbortSignal): Promise<InboxEnqueue[]> {
    const found: InboxEnqueue[] = []
    const prefix = inboxPrefix(this.#context.options.prefix)
    const skip = (key: string): boolean => this.#unreadable.has(key)
    const onCorrupt = (error: CorruptObject): void => {
      this.#unreadable.add(error.key)
      this.#context.trouble(error)
    }
    for await (const entries of readInbox(this.#context, skip, onCorrupt, signal)) {
      for (const { key, batch } of entries) {
        const name = key.slice(prefix.length)
        const sentAt = timeOfUlid(name.slice(0, name.indexOf('-')))
        let at = 0
        for (const command of batch.entries) {
          if (command.type !== 'enqueue') continue
          const first = at
          at += command.count
          const isWanted = ids.size > 0 && hasMessage(command, ids)
          const payloads = isWanted
            ? Array.from({ length: command.count }, (_, i) => batch.payloads.at(first + i))
            : undefined
          found.push({ command, sentAt, payloads })
        }
      }
    }
    return found
  }
}

/** What a writer would make of these enqueues at the moment `now`, without repeated ones and duplicates. */
function runsOf(state: QueueState, enqueues: readonly InboxEnqueue[], now: number): InboxRun[] {
  const runs: InboxRun[] = []
  const seen = new Set<string>()
  let index = 0
  for (const { command, sentAt, payloads } of enqueues) {
    const { sender, seq } = command
    if (wasTaken(state.senders, sender, seq) || !willBeEnqueued(state, command, now)) continue
    const names = namesOf(command)
    if (names.some((name) => seen.has(name))) continue
    for (const name of names) seen.add(name)
    runs.push({ run: runOf(command, state.slot + 1, index, sentAt), payloads })
    index += command.count
  }
  return runs
}

function willBeEnqueued({ names, dead }: QueueState, { extras, onDead }: EnqueueCommand, now: number): boolean {
  const known = findNames(names, extras, now)
  return known.length === 0 || (onDead === 'replace' && known.every((id) => dead.has(id)))
}

/** `slot` and `index`: the place that its first message has at the earliest, so that a page of a list that begins behind it skips nothing. */
function runOf(command: EnqueueCommand, slot: number, index: number, enqueuedAt: number): Run {
  const { sender, seq, count, priority, maxAttempts, visibleAt, extras } = command
  return {
    batch: { sender, seq, size: count, slot, index, priority, maxAttempts, enqueuedAt, extras },
    id: -1,
    seq,
    count,
    visibleAt,
    attempts: 0,
    failures: NO_FAILURES,
    rest: undefined,
  }
}

/** What two commands for the same message have in common. */
function namesOf({ sender, seq, extras }: EnqueueCommand): string[] {
  const { id, deduplicationKey } = extras ?? {}
  return [
    `n:${numberedId(sender, seq)}`,
    ...(id === undefined ? [] : [`i:${id}`]),
    ...(deduplicationKey === undefined ? [] : [`k:${deduplicationKey}`]),
  ]
}

function hasMessage({ sender, seq, count, extras }: EnqueueCommand, ids: ReadonlySet<string>): boolean {
  if (extras?.id !== undefined) return ids.has(extras.id)
  for (let i = 0; i < count; i++) if (ids.has(numberedId(sender, seq + i))) return true
  return false
}
