/**
 * Commands in the inbox that were sent for another log, or for another future of this one: their senders have not noticed yet that the store was restored.
 *
 * A token or a number in them may mean another message here, so the writer refuses all but enqueues. It accepts enqueues, because they were acknowledged as
 * durable.
 */
import type { LogMark } from '@s3queue/primitives'
import { ForeignCommands } from '../errors.ts'
import type { Command } from '../state/commands.ts'
import type { EngineContext } from './context.ts'
import type { InboxEntry } from './inbox-reader.ts'

export interface ForeignCommandsOptions {
  readonly context: EngineContext
  readonly epoch: number
  /** Whether a mark is of the writer's log. */
  readonly recognises: (mark: LogMark) => Promise<boolean>
  /** Resolves if this process is the writer still; rejects if it is not. */
  readonly whenCurrent: () => Promise<void>
}

export class ForeignCommandFilter {
  readonly #options: ForeignCommandsOptions
  /** Logs of senders that were reported. */
  readonly #reported = new Set<string>()

  constructor(options: ForeignCommandsOptions) {
    this.#options = options
  }

  /** Whether all of an entry is for this log. Rejects if the term is over. */
  async isOurs({ key, log }: InboxEntry): Promise<boolean> {
    const { context, epoch, recognises, whenCurrent } = this.#options
    if (log === undefined) return true
    // A sender that knows a later epoch is right, unless this process is the writer still.
    if (log.fence.epoch > epoch) await whenCurrent()
    if (await recognises(log)) return true
    const about = `${log.log}/${log.fence.nonce}`
    if (!this.#reported.has(about)) {
      this.#reported.add(about)
      context.trouble(new ForeignCommands(context.options.name, key))
    }
    return false
  }
}

/** What of commands for another log is taken. */
export function withoutForeign(commands: readonly Command[]): readonly Command[] {
  return commands.filter(({ type }) => type === 'enqueue')
}
