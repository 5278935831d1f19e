/**
 * Events as an async iteration. Owns what was told and not read yet. A commit may tell of tens of thousands of messages in one turn of the
 * event loop, so what counts is what is left after a reader had its turn: a reader that falls behind gets an error, never a gap.
 */
import { assertKnownKeys, type Clock, InvalidOption } from '@s3queue/storage'
import { assertEventName, EVENT_NAMES, type EventHub, type QueueEventName, type QueueEvents } from './events.ts'
import { assertSignal } from './signal-option.ts'
import { Deque } from './state/deque.ts'

/** One event with its name. */
export type NamedEvent = {
  readonly [N in QueueEventName]: { readonly name: N; readonly event: QueueEvents[N] }
}[QueueEventName]

/** Which events `Queue.events` gives, and until when. */
export interface EventsOptions {
  /** Which events. Default: all. */
  readonly names?: readonly QueueEventName[] | undefined
  /** Ends the iteration, once what was told before is read. */
  readonly signal?: AbortSignal | undefined
}

/** Events that may be left unread after a turn of the event loop. */
const MAX_BEHIND = 100_000

type Result = IteratorResult<NamedEvent, undefined>

/** Events from now on, until a signal is aborted or the loop is left. Throws `InvalidOption`. */
export function streamEvents(
  hub: Pick<EventHub, 'on'>,
  options: EventsOptions,
  closed: AbortSignal,
  clock: Clock,
): AsyncIterableIterator<NamedEvent> {
  assertKnownKeys('events', options, ['names', 'signal'])
  const { names = EVENT_NAMES, signal } = options
  assertSignal('events', signal)
  if (!Array.isArray(names)) throw new InvalidOption('events', 'names', 'must be an array of names.')
  for (const name of names) assertEventName('events', 'names', name)
  return new EventStream(hub, names, signal === undefined ? [closed] : [closed, signal], clock)
}

/** What was told before an end can still be read. */
class EventStream implements AsyncIterableIterator<NamedEvent, undefined, void> {
  readonly #clock: Clock
  #unread = new Deque<NamedEvent>()
  readonly #readers: ((result: Result) => void)[] = []
  #error: RangeError | undefined
  #cancelCheck: (() => void) | undefined
  readonly #offs: (() => void)[] = []
  #ended = false

  constructor(
    hub: Pick<EventHub, 'on'>,
    names: readonly QueueEventName[],
    signals: readonly AbortSignal[],
    clock: Clock,
  ) {
    this.#clock = clock
    const end = (): void => this.#end()
    for (const signal of signals) {
      signal.addEventListener('abort', end)
      this.#offs.push(() => signal.removeEventListener('abort', end))
    }
    for (const name of new Set(names)) {
      this.#offs.push(hub.on(name, (event) => this.#push({ name, event } as NamedEvent)))
    }
    if (signals.some(({ aborted }) => aborted)) end()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<Result> {
    const value = this.#unread.shift()
    if (value !== undefined) return { value, done: false }
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    if (this.#ended) return { value: undefined, done: true }
    return new Promise((resolve) => this.#readers.push(resolve))
  }

  async return(): Promise<Result> {
    this.#unread = new Deque()
    this.#end()
    return { value: undefined, done: true }
  }

  #push(value: NamedEvent): void {
    const reader = this.#readers.shift()
    if (reader !== undefined) reader({ value, done: false })
    else this.#unread.push(value)
    if (this.#unread.size > MAX_BEHIND) this.#cancelCheck ??= this.#clock.setTimer(0, () => this.#check())
  }

  /** After the turn in which there came to be too many. */
  #check(): void {
    this.#cancelCheck = undefined
    if (this.#unread.size <= MAX_BEHIND) return
    this.#unread = new Deque()
    this.#error = new RangeError(
      `More than ${MAX_BEHIND} events wait to be read: the loop over events() is too slow, or there is none. Name the events you need, or do less in the loop.`,
    )
    this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#cancelCheck?.()
    this.#cancelCheck = undefined
    for (const off of this.#offs.splice(0)) off()
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true })
  }
}
