/**
 * The bell: one small object by which a process wakes the writer after it left a command in the inbox.
 *
 * The writer polls the bell with `If-None-Match`, as a read costs a twelfth of a list. A ring that is lost costs latency, never a message:
 * the writer lists the inbox at least every `maxPollMs`.
 */
import { CorruptObject, decodeFrame, encodeFrame, type Header, waitBeforeRetry } from '@s3queue/primitives'
import { type ETag, overwrite } from '@s3queue/storage'
import type { ResolvedQueueOptions } from '../options.ts'
import { PollInterval } from './poll-interval.ts'
import { StoreWatch } from './store-watch.ts'

/** How often the writer and the processes that watch it read the bell. On S3 this costs a dollar a month. */
export const BELL_POLL_MS = 1050
/** A writer that was seen at work this short a time ago still polls the inbox often, so it needs no ring. */
const AWAKE_MS = 1700
/** How long after a write the sender checks whether the writer took it: an object is deleted with the writer's second read after it, half a second later at most. */
const CHECK_MS = 1500
/** Wait before the second ring for the same object; it doubles with each ring. */
const RING_AGAIN_MS = 2000
/** After this time a sender leaves its object to the writer's rare lists. */
const GIVE_UP_MS = 10_000
const RING_ATTEMPTS = 3
/** Larger objects are not read back, only to see whether they are still there. */
const MAX_CHECKED_BYTES = 1 << 20
const NONCE_CHARS = 16

/** A bell is smaller; larger objects are not read. */
const MAX_BYTES = 4096
const NOTHING = new Uint8Array(0)

interface BellHeader extends Header {
  readonly kind: 'ring'
  readonly nonce: string
}

export function bellKey(prefix: string): string {
  return `${prefix}bell`
}

export interface BellRingerOptions {
  readonly options: ResolvedQueueOptions
  readonly isLeading: () => boolean
  /** The bell was rung with this nonce. */
  readonly onRung: (nonce: string) => void
  /** The writer took what was sent. */
  readonly onReaction: () => void
  readonly onTrouble: (error: unknown) => void
}

interface SentObject {
  readonly key: string
  readonly bytes: number
  /** When it was durable, monotonic. */
  readonly at: number
}

/**
 * Rings after each write to the inbox, unless the writer is known to be awake. Every write is followed by a ring, or by evidence that the writer was
 * at work after it: its message in this process's mailbox, or the object being gone from the inbox. Never delays or fails the write.
 */
export class BellRinger {
  readonly #context: BellRingerOptions
  readonly #abort = new AbortController()
  /** The newest object in the inbox of which it is not known whether the writer took it. */
  #sent: SentObject | undefined
  /** When the writer's last message came. */
  #heardAt = Number.NEGATIVE_INFINITY
  /** When the writer was last known to have been at work a moment before. */
  #awakeAt = Number.NEGATIVE_INFINITY
  #rungAt = Number.NEGATIVE_INFINITY
  #ringing: Promise<void> | undefined
  #cancelCheck: (() => void) | undefined
  /** Of the series of checks; another one began if it has grown. */
  #series = 0

  constructor(context: BellRingerOptions) {
    this.#context = context
  }

  /** Whether the writer was seen at work a moment ago. */
  get isWriterAwake(): boolean {
    return this.#now() - this.#awakeAt <= AWAKE_MS
  }

  /** An object is durable in the inbox. */
  sent(key: string, bytes: number): void {
    if (this.#abort.signal.aborted) return
    const sent = { key, bytes, at: this.#now() }
    this.#sent = sent
    if (!this.isWriterAwake && sent.at - this.#rungAt >= BELL_POLL_MS) this.#ring()
    if (this.#cancelCheck === undefined) this.#checkLater(sent, RING_AGAIN_MS)
  }

  /** The writer was seen at work. */
  writerSeen(): void {
    this.#heardAt = this.#now()
    this.#awakeAt = this.#heardAt
    this.#context.onReaction()
  }

  /** This process writes: it reads the inbox itself. */
  rest(): void {
    this.#series++
    this.#cancelCheck?.()
    this.#cancelCheck = undefined
    this.#sent = undefined
  }

  /** Rings for what no ring has followed yet. Resolves when no ring is under way. Never rejects. */
  async finish(): Promise<void> {
    const sent = this.#sent
    this.rest()
    await this.#ringing
    if (sent !== undefined && Math.max(this.#rungAt, this.#heardAt) < sent.at) this.#ring()
    await this.#ringing
  }

  stop(): void {
    this.rest()
    this.#abort.abort(new Error('The queue is closed.'))
  }

  #now(): number {
    return this.#context.options.clock.monotonic()
  }

  #checkLater(sent: SentObject, ringAgainMs: number): void {
    const { clock } = this.#context.options
    this.#cancelCheck = clock.setTimer(CHECK_MS, () => void this.#check(sent, ringAgainMs))
  }

  /** Checks whether the writer took `sent`, and rings again if it did not. Never rejects. */
  async #check(sent: SentObject, ringAgainMs: number): Promise<void> {
    const series = this.#series
    const isTaken = this.#heardAt >= sent.at || (await this.#isGone(sent))
    if (series !== this.#series || this.#context.isLeading()) return
    this.#cancelCheck = undefined
    const { at } = sent
    const isStuck = !isTaken && this.#now() - at < GIVE_UP_MS
    const next = isStuck ? sent : this.#sent
    if (next === undefined || (next === sent && !isStuck)) {
      this.#sent = undefined
      return
    }
    const isDue = this.#now() - this.#rungAt >= (isStuck && this.#rungAt >= at ? ringAgainMs : BELL_POLL_MS)
    const rings = !isTaken && isDue
    if (rings) this.#ring()
    this.#checkLater(next, rings && isStuck ? 2 * ringAgainMs : ringAgainMs)
  }

  async #isGone({ key, bytes }: SentObject): Promise<boolean> {
    if (bytes > MAX_CHECKED_BYTES) return false
    const startedAt = this.#now()
    try {
      const answer = await this.#context.options.store.get(key, { signal: this.#abort.signal })
      if (answer.outcome !== 'not-found') return false
    } catch {
      // The ring that follows reports an outage.
      return false
    }
    this.#awakeAt = Math.max(this.#awakeAt, startedAt)
    this.#context.onReaction()
    return true
  }

  #ring(): void {
    this.#rungAt = this.#now()
    this.#ringing ??= this.#put().finally(() => {
      this.#ringing = undefined
    })
  }

  /** Never rejects: a ring that fails is reported. */
  async #put(): Promise<void> {
    const { options, onRung, onTrouble } = this.#context
    const { signal } = this.#abort
    const nonce = options.ids.nonce(NONCE_CHARS)
    try {
      for (let attempt = 1; ; attempt++) {
        const key = bellKey(options.prefix)
        const header: BellHeader = { key, kind: 'ring', nonce }
        const put = await options.store.put(key, encodeFrame(header, NOTHING).bytes, { condition: overwrite, signal })
        if (put.outcome === 'stored') return onRung(nonce)
        const error = put.outcome === 'unknown' ? put.error : undefined
        if (attempt >= RING_ATTEMPTS) return onTrouble(error)
        const { clock, random } = options
        await waitBeforeRetry({ clock, random, maxMs: BELL_POLL_MS }, attempt, error, signal)
      }
    } catch (error) {
      if (!signal.aborted) onTrouble(error)
    }
  }
}

/** Reads the bell, for as long as the process lasts: so it knows which rings the writer has heard that it was itself. */
export class BellReader {
  readonly #options: ResolvedQueueOptions
  #etag: ETag | undefined
  #isKnown = false
  /** The nonce of the last ring that was seen. */
  #nonce: string | undefined

  constructor(options: ResolvedQueueOptions) {
    this.#options = options
  }

  get nonce(): string | undefined {
    return this.#nonce
  }

  /**
   * Resolves to the nonce of a ring since the last call; the first call only learns what is there. Rejects with `StoreError`s, and once with
   * `CorruptObject` for a bell that cannot be read: the next ring replaces it.
   */
  async poll(signal: AbortSignal): Promise<string | undefined> {
    const { store, prefix } = this.#options
    const key = bellKey(prefix)
    const answer = await store.get(key, { ifNoneMatch: this.#etag, maxBytes: MAX_BYTES, signal })
    const isFirst = !this.#isKnown
    this.#isKnown = true
    if (answer.outcome !== 'found') return undefined
    this.#etag = answer.etag
    const frame = decodeFrame<Partial<BellHeader>>(answer.body, key)
    const nonce = typeof frame === 'string' ? undefined : frame.header.nonce
    if (typeof nonce !== 'string') {
      throw new CorruptObject(key, store.description, typeof frame === 'string' ? frame : 'it holds no ring')
    }
    this.#nonce = nonce
    return isFirst ? undefined : this.#nonce
  }
}

export interface BellListenerOptions {
  readonly options: ResolvedQueueOptions
  readonly reader: BellReader
  /** The bell was rung. */
  readonly onRing: () => void
  /** Whether the inbox is read often anyway: then the bell says nothing new. */
  readonly isAwake: () => boolean
  readonly onTrouble: (error: unknown) => void
  /** Ends the listening. */
  readonly signal: AbortSignal
}

/** The writer's ear: reads the bell every second, more often on a store that is near, and where the store can watch, as soon as it was rung. */
export class BellListener {
  readonly #context: BellListenerOptions
  readonly #reader: BellReader
  readonly #watch: StoreWatch
  readonly #interval = new PollInterval()
  #wake: (() => void) | undefined
  #isNotified = false

  constructor(context: BellListenerOptions) {
    const { options, reader, signal, onTrouble } = context
    this.#context = context
    this.#reader = reader
    this.#watch = new StoreWatch({
      ...{ options, signal, onTrouble, prefix: bellKey(options.prefix) },
      onChange: () => {
        this.#isNotified = true
        this.#wake?.()
      },
    })
  }

  /** The nonce of the last ring that was heard. */
  get heard(): string | undefined {
    return this.#reader.nonce
  }

  start(): void {
    this.#watch.start()
    void this.#run()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { onRing, onTrouble, isAwake, signal } = this.#context
    while (!signal.aborted) {
      if (isAwake() && !this.#isNotified) {
        await this.#wait()
        continue
      }
      this.#isNotified = false
      const { clock } = this.#context.options
      const startedAt = clock.monotonic()
      try {
        const ring = await this.#reader.poll(signal)
        this.#interval.note(clock.monotonic() - startedAt)
        if (ring !== undefined && !signal.aborted) onRing()
      } catch (error) {
        if (signal.aborted) return
        onTrouble(error)
      }
      if (!this.#isNotified) await this.#wait()
    }
  }

  #wait(): Promise<void> {
    const { options, signal } = this.#context
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        signal.removeEventListener('abort', end)
        this.#wake = undefined
        resolve()
      }
      const { clock } = options
      const waitMs = this.#interval.waitMs(BELL_POLL_MS, 0, clock.now())
      const cancel = clock.setTimer(this.#watch.pollMs(waitMs), end)
      signal.addEventListener('abort', end, { once: true })
      this.#wake = end
    })
  }
}
