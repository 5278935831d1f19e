/** Reading a queue without writing it: the log, folded as far as it goes, and what waits in the inbox. */
import type { LogFollower } from '@s3queue/primitives'
import { decideEnqueue } from '../enqueue.ts'
import type { EnqueueCommand } from '../state/commands.ts'
import { queueFold } from '../state/fold.ts'
import { describeStats, numberedId, type QueueState, type QueueStats } from '../state/model.ts'
import type { EngineContext } from './context.ts'
import { readInbox } from './inbox-reader.ts'

export class Observer {
  readonly #context: EngineContext
  readonly #follower: LogFollower<QueueState>
  #reading: Promise<unknown> = Promise.resolve()
  /** A refresh that has not begun. */
  #next: Promise<QueueState> | undefined

  constructor(context: EngineContext) {
    this.#context = context
    this.#follower = context.log.follow(queueFold)
  }

  /** The numbers as of some moment during the call. Calls wait for each other. */
  stats(signal?: AbortSignal): Promise<QueueStats> {
    const next = this.#reading.then(() => this.#stats(signal))
    this.#reading = next.catch(() => {})
    return next
  }

  /** What `look` sees in the state of the log. Those who ask while a look is under way share the next one. */
  view<T>(look: (state: QueueState) => T, signal?: AbortSignal): Promise<T> {
    this.#next ??= this.#refresh(signal)
    return this.#next.then(look)
  }

  #refresh(signal: AbortSignal | undefined): Promise<QueueState> {
    const next = this.#reading.then(() => {
      this.#next = undefined
      return this.#follower.refresh(signal)
    })
    this.#reading = next.catch(() => {})
    return next
  }

  /** Whether a message with this id waits to be folded. */
  async isInInbox(id: string, signal?: AbortSignal): Promise<boolean> {
    const commands = await this.#inboxEnqueues(signal)
    return commands.some((command) => hasMessage(command, id))
  }

  /** The inbox is read first: what the writer folds in between is then seen twice, and counted once by its numbers. */
  async #stats(signal?: AbortSignal): Promise<QueueStats> {
    const commands = await this.#inboxEnqueues(signal)
    const state = await this.#follower.refresh(signal)
    const stats = { ...describeStats(state) }
    // The log's time is ahead of a clock that was set back.
    const now = Math.max(state.now, this.#context.wallNow())
    const due = [...state.delayed].filter((run) => run.visibleAt <= now).reduce((sum, run) => sum + run.count, 0)
    stats.waiting += due
    stats.delayed -= due
    const seen = new Set<string>()
    for (const command of commands) {
      const names = namesOf(command)
      if (decideEnqueue(state, command).kind !== 'enqueued' || names.some((name) => seen.has(name))) continue
      for (const name of names) seen.add(name)
      if (command.visibleAt > now) stats.delayed += command.count
      else stats.waiting += command.count
      stats.total += command.count
    }
    return stats
  }

  /** What is to be enqueued by the inbox; payloads are let go at once. */
  async #inboxEnqueues(signal?: AbortSignal): Promise<EnqueueCommand[]> {
    const commands: EnqueueCommand[] = []
    for await (const entries of readInbox(this.#context, () => false, this.#context.trouble, signal)) {
      for (const { batch } of entries) {
        for (const command of batch.entries) if (command.type === 'enqueue') commands.push(command)
      }
    }
    return commands
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

function hasMessage({ sender, seq, count, extras }: EnqueueCommand, id: string): boolean {
  if (extras?.id !== undefined) return extras.id === id
  for (let i = 0; i < count; i++) if (numberedId(sender, seq + i) === id) return true
  return false
}
