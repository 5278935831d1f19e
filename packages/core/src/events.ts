/** What a queue tells those who listen: one event for each step of a message, each after it is durable. */
import { type AsyncContexts, type CapturedContext, InvalidOption, type Logger } from '@s3queue/storage'
import type { Failure } from './failure.ts'
import type { DeadReason } from './state/events.ts'

interface MessageEvent {
  readonly id: string
}

/** What events say of one attempt at a message. */
export interface AttemptEvent extends MessageEvent {
  readonly workerId: string
  /** From 1 on. */
  readonly attempt: number
  /** The claim's token: a later claim on the message has a higher one. */
  readonly fencingToken: number
}

/** How long an attempt took that has ended, in ms. */
export interface AttemptTimes {
  /** From the enqueue to this claim: with the delay of the message, its earlier attempts and the waits between them. */
  readonly waitedMs: number
  /** How long the worker had the message before its handler started: claimed ahead, or on its way. Undefined where only the log is known. */
  readonly heldMs?: number | undefined
  /** How long the handler ran. Undefined where only the log is known. */
  readonly ranMs?: number | undefined
}

/** What a queue tells of, by name; each after it is durable. */
export interface QueueEvents {
  /** Step 1. */
  readonly enqueued: { readonly ids: readonly string[] }
  /** Step 3: a claim is committed and in the hands of a worker of this process. */
  readonly claimed: AttemptEvent
  /** Step 4: the handler starts. */
  readonly started: AttemptEvent
  /** Step 5. */
  readonly completed: AttemptEvent &
    AttemptTimes & {
      /** `ranMs` where it is known, otherwise the time from the claim to the completion, which includes `heldMs`. */
      readonly durationMs: number
      readonly result: unknown
    }
  /** Step 5: the attempt failed, the next one comes after a backoff. */
  readonly retried: AttemptEvent &
    AttemptTimes & { readonly maxAttempts: number; readonly error: Failure; readonly visibleAt: number }
  /** Step 5 or 6: moved to the dead letters. */
  readonly died: AttemptEvent & AttemptTimes & { readonly reason: DeadReason; readonly failures: readonly Failure[] }
  /** Step 5: the handler wants to see it again at `visibleAt`; the attempt is not counted. */
  readonly snoozed: AttemptEvent & AttemptTimes & { readonly visibleAt: number }
  /** An operator cancelled a message while it was handled. */
  readonly cancelled: AttemptEvent
  /** Step 5: given back without an outcome. */
  readonly released: AttemptEvent
  /** Step 5: a settlement came too late and was refused by its token. */
  readonly refused: AttemptEvent
  /** Step 6: a visibility timeout passed; the message is visible again. */
  readonly expired: AttemptEvent
  /** This process writes the log now. */
  readonly promoted: { readonly epoch: number }
  /** This process writes the log no more. */
  readonly demoted: { readonly epoch: number; readonly reason: string }
  /** Something is wrong that no call can be told of, such as a store that does not answer a worker. */
  readonly trouble: { readonly error: unknown }
}

/** The name of an event: see `QueueEvents`. */
export type QueueEventName = keyof QueueEvents

/** The names of all events. */
export const EVENT_NAMES: readonly QueueEventName[] = [
  ...(['enqueued', 'claimed', 'started', 'completed', 'retried', 'died', 'snoozed', 'cancelled', 'released'] as const),
  ...(['refused', 'expired', 'promoted', 'demoted', 'trouble'] as const),
]
/** Throws `InvalidOption` for a name that no event has. */
export function assertEventName(who: string, option: string, name: unknown): void {
  if ((EVENT_NAMES as readonly unknown[]).includes(name)) return
  throw new InvalidOption(who, option, `must be one of ${EVENT_NAMES.join(', ')}, not ${String(name)}.`)
}

/** What it returns is not used; the rejection of a promise is told to `logger`. */
export type QueueListener<N extends QueueEventName> = (event: QueueEvents[N]) => unknown

export interface EventHubOptions {
  /** Of the queue. */
  readonly name: string
  readonly logger: Logger
  readonly contexts: AsyncContexts
}

/** Calls the listeners of a queue by name. One that throws, at once or later as an async function, harms nobody: the logger is told. */
export class EventHub {
  /** Each with the async context in which it was added. */
  readonly #listeners = new Map<QueueEventName, Map<(event: never) => unknown, CapturedContext>>()
  readonly #queue: string
  readonly #logger: Logger
  readonly #contexts: AsyncContexts

  constructor({ name, logger, contexts }: EventHubOptions) {
    this.#queue = name
    this.#logger = logger
    this.#contexts = contexts
  }

  /** Adds a listener, which runs in the caller's async context; the function it returns removes it. */
  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void {
    const added = this.#listeners.get(name) ?? new Map()
    this.#listeners.set(name, added)
    added.set(listener, this.#contexts.capture())
    return () => added.delete(listener)
  }

  /** Whether there was ever a listener for any event. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0
  }

  /** Whether anybody would hear: lets the hot path skip making an event. */
  hears(name: QueueEventName): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /** Tells of what no call can be told of: the listeners, or the logger if there are none. */
  trouble(error: unknown): void {
    if (this.hears('trouble')) this.emit('trouble', { error })
    else this.#logger.warn(error instanceof Error ? error.message : String(error))
  }

  emit<N extends QueueEventName>(name: N, event: QueueEvents[N]): void {
    for (const [listener, context] of this.#listeners.get(name) ?? []) {
      try {
        const returned = context.run(listener as QueueListener<N>, event)
        if (typeof returned === 'object' && returned !== null && 'then' in returned)
          Promise.resolve(returned).catch((error: unknown) => this.#tell(error))
      } catch (error) {
        this.#tell(error)
      }
    }
  }

  #tell(error: unknown): void {
    try {
      this.#logger.error(`a listener of queue "${this.#queue}" threw: ${String(error)}`)
    } catch {
      // An error without a text, or a logger that throws: nobody is left to be told.
    }
  }
}
