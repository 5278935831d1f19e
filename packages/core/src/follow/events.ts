/** What a process that follows a queue is told: the events that stand in the log. */
import type { NamedEvent } from '../event-stream.ts'
import type { QueueEventName } from '../events.ts'

/** Events that are in the log, and `gap`. The others are known to one process alone: `started`, `refused`, `demoted`, `trouble`. */
export type FollowedEventName = Exclude<QueueEventName, 'started' | 'refused' | 'demoted' | 'trouble'> | 'gap'

/** Commits from `fromSlot` to `toSlot` were collected before they were read: what happened in them is not told. */
export interface GapEvent {
  readonly fromSlot: number
  readonly toSlot: number
}

/** One event as it stands in the log. */
export type FollowedEvent = (
  | Extract<NamedEvent, { readonly name: FollowedEventName }>
  | { readonly name: 'gap'; readonly event: GapEvent }
) & {
  /** The writer's clock at that moment, ms since 1970. */
  readonly at: number
  /** Which of the queue's logs it is in: 0, unless the queue has several. */
  readonly shard: number
}
