/** Reading a queue without writing it: the log, folded as far as it goes, and what waits in the inbox. */
import type { LogFollower } from '@s3queue/primitives'
import type { EnqueueCommand } from '../state/commands.ts'
import { queueFold } from '../state/fold.ts'
import { describeStats, numberedId, type QueueState, type QueueStats } from '../state/model.ts'
import { wasTaken } from '../state/senders.ts'
import type { EngineContext } from './context.ts'
import { readInbox } from './inbox-reader.ts'

export class Observer {
  readonly #context: EngineContext
  readonly #follower: LogFollower<QueueState>
  #reading: Promise<unknown> = Promise.resolve()

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

  /** What `look` sees in the state of the log. */
  view<T>(look: (state: QueueState) => T, signal?: AbortSignal): Promise<T> {
    const next = this.#reading.then(async () => look(await this.#follower.refresh(signal)))
    this.#reading = next.catch(() => {})
    return next
  }

  /** Whether a message with this id waits to be folded. */
  async isInInbox(id: string, signal?: AbortSignal): Promise<boolean> {
    const entries = await readInbox(this.#context, () => false, this.#context.trouble, signal)
    return entries.some(({ batch }) =>
      batch.entries.some((command) => command.type === 'enqueue' && hasMessage(command, id)),
    )
  }

  /** The inbox is read first: what the writer folds in between is then seen twice, and counted once by its numbers. */
  async #stats(signal?: AbortSignal): Promise<QueueStats> {
    const { trouble, wallNow } = this.#context
    const entries = await readInbox(this.#context, () => false, trouble, signal)
    const state = await this.#follower.refresh(signal)
    const stats = { ...describeStats(state) }
    const due = [...state.delayed].filter((run) => run.visibleAt <= wallNow()).reduce((sum, run) => sum + run.count, 0)
    stats.waiting += due
    stats.delayed -= due
    for (const command of entries.flatMap(({ batch }) => batch.entries)) {
      if (command.type !== 'enqueue' || wasTaken(state.senders, command.sender, command.seq)) continue
      if (command.visibleAt > wallNow()) stats.delayed += command.count
      else stats.waiting += command.count
      stats.total += command.count
    }
    return stats
  }
}

function hasMessage({ sender, seq, count, extras }: EnqueueCommand, id: string): boolean {
  if (extras?.id !== undefined) return extras.id === id
  for (let i = 0; i < count; i++) if (numberedId(sender, seq + i) === id) return true
  return false
}
