/**
 * From payloads and options to commands: numbers the messages of this process, and makes one command of all neighbours that
 * share their settings, so that a thousand calls in one turn of the event loop cost little more than one.
 */
import { InvalidOption, inMicrotask, inTime } from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Answer } from './engine/context.ts'
import type { Engine } from './engine/engine.ts'
import type { NamingLimit } from './engine/naming-limit.ts'
import { type EnqueueOptions, type MessageSettings, needsTime, resolveEnqueueOptions } from './enqueue-options.ts'
import { InvalidPayload } from './errors.ts'
import type { ResolvedQueueOptions } from './options.ts'
import { assertBatchFits, checkPayload, encodePayload, sizeOf } from './payload.ts'
import type { Payload } from './state/batch-codec.ts'
import type { EnqueueCommand } from './state/commands.ts'
import { numberedId } from './state/model.ts'

/** A message that is in the queue. */
export interface Enqueued {
  /**
   * The message's id; the known one's, if it was a duplicate. If `duplicate` is left out of a call with a deduplication key, it may be the id of no
   * message.
   */
  readonly id: string
  /**
   * For messages with an id or a deduplication key: true if a message that has it was known, and nothing was enqueued. Left out where that is not known: another
   * process writes, and the call did not wait for it (`confirm`), or no process decided in time.
   */
  readonly duplicate?: boolean | undefined
  /** `dead` if the known message is a dead letter: no handler gets it. See `EnqueueOptions.onDead`. */
  readonly status?: 'dead' | undefined
}

/** How long a call that another process has to decide waits for that, in ms: a writer that has died is replaced within this time. */
const CONFIRM_MS = 10_000

/** A message, ready to be sent. */
interface Prepared {
  readonly payload: Payload
  readonly settings: MessageSettings
  /** If the payload is in an object of its own: how long the message may name it. */
  readonly limit?: NamingLimit | undefined
}

interface Waiting extends Prepared {
  readonly resolve: (enqueued: Enqueued) => void
  readonly reject: (error: unknown) => void
}

export class Intake<T> {
  readonly #engine: Engine
  readonly #options: ResolvedQueueOptions
  readonly #plain: MessageSettings
  #waiting: Waiting[] = []
  readonly #calls = new Set<Promise<unknown>>()

  constructor(engine: Engine, options: ResolvedQueueOptions) {
    this.#engine = engine
    this.#options = options
    this.#plain = { maxAttempts: options.maxAttempts, priority: 0, visibleAt: 0 }
  }

  /** Resolves when every call so far has ended. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls)
  }

  /** Calls of one turn of the event loop travel together. */
  enqueue(payload: T, options?: EnqueueOptions): Promise<Enqueued> {
    return this.#track(this.#enqueue(payload, options))
  }

  enqueueMany(
    payloads: readonly T[],
    options?: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions),
  ): Promise<Enqueued[]> {
    return this.#track(this.prepareMany(payloads, options).then((send) => send()))
  }

  /**
   * Checks everything about these messages and makes them ready to be sent; what is returned sends them, in one commit. `placeOf`: where a
   * message stands in the call that it is a part of, for errors.
   */
  async prepareMany(
    payloads: readonly T[],
    options?: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions),
    placeOf: (index: number) => number = (index) => index,
  ): Promise<() => Promise<Enqueued[]>> {
    const ready = await this.#ready(payloads, options, placeOf)
    return () => (ready.length === 0 ? Promise.resolve([]) : this.#track(this.#submit(ready)))
  }

  #track<R>(call: Promise<R>): Promise<R> {
    this.#calls.add(call)
    const done = (): void => void this.#calls.delete(call)
    call.then(done, done)
    return call
  }

  async #enqueue(payload: T, options?: EnqueueOptions): Promise<Enqueued> {
    const encoded = encodePayload(payload, 0, this.#options.maxPayloadBytes)
    this.#engine.assumeExists()
    const [settings = this.#plain] = await this.#settingsOf([options])
    if (this.#options.schema !== undefined) await this.#check([encoded], this.#options.schema)
    const ready = await this.#prepare(encoded, settings)
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ ...ready, resolve, reject }) === 1) inMicrotask(() => void this.#send())
    })
  }

  async #ready(
    payloads: readonly T[],
    options: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions) | undefined,
    placeOf: (index: number) => number,
  ): Promise<readonly Prepared[]> {
    const { maxPayloadBytes } = this.#options
    if (!Array.isArray(payloads)) throw new InvalidOption('enqueueMany', 'payloads', 'must be an array of payloads.')
    const encoded = Array.from(payloads, (payload: T, index) => encodePayload(payload, placeOf(index), maxPayloadBytes))
    assertBatchFits(encoded)
    if (encoded.length > 0) this.#engine.assumeExists()
    if (typeof options !== 'function' && options?.id !== undefined && payloads.length > 1) {
      throw new InvalidOption(
        'enqueueMany',
        'id',
        'cannot be the same for several messages. Pass a function that makes options for each.',
      )
    }
    const settings = await this.#settingsFor(payloads, options)
    const { schema, offloadAboveBytes } = this.#options
    if (schema !== undefined) await this.#check(encoded, schema)
    return encoded.some((payload) => sizeOf(payload, offloadAboveBytes) > offloadAboveBytes)
      ? Promise.all(encoded.map((payload, i) => this.#prepare(payload, settings[i] as MessageSettings)))
      : encoded.map((payload, i) => ({ payload, settings: settings[i] as MessageSettings }))
  }

  /** Checks payloads against the schema, all before any of them is written. Nobody waits without end for a schema that does not answer. */
  async #check(encoded: readonly Payload[], schema: StandardSchemaV1): Promise<void> {
    const { clock, acknowledgeTimeoutMs } = this.#options
    const late = `The schema did not answer within ${acknowledgeTimeoutMs} ms (acknowledgeTimeoutMs), and nothing was enqueued. Mend what it waits for.`
    const checks = encoded.map((payload) =>
      checkPayload(schema, typeof payload === 'string' ? JSON.parse(payload) : payload),
    )
    await inTime(clock, acknowledgeTimeoutMs, Promise.all(checks), () => new InvalidPayload(late))
  }

  /** Puts a payload into an object of its own if it is large. */
  async #prepare(payload: Payload, settings: MessageSettings): Promise<Prepared> {
    const { offloadAboveBytes } = this.#options
    if (sizeOf(payload, offloadAboveBytes) <= offloadAboveBytes) return { payload, settings }
    const { key: payloadKey, limit } = await this.#options.contexts.outside.run(() =>
      this.#engine.writePayload(payload),
    )
    return { payload: 'null', settings: { ...settings, extras: { ...settings.extras, payloadKey } }, limit }
  }

  async #send(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    try {
      const enqueued = await this.#submit(waiting)
      for (const [i, { resolve }] of waiting.entries()) resolve(enqueued[i] as Enqueued)
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  async #submit(messages: readonly Prepared[]): Promise<Enqueued[]> {
    const { sender } = this.#engine
    const first = this.#engine.number(messages.length)
    const commands: (EnqueueCommand & { count: number })[] = []
    const payloads: Payload[] = []
    const limits: NamingLimit[] = []
    const confirmed: EnqueueCommand[] = []
    for (const { payload, settings, limit } of messages) {
      const last = commands.at(-1)
      if (last !== undefined && settings.extras === undefined && isSame(last, settings)) last.count++
      else {
        const command = {
          type: 'enqueue',
          sender,
          seq: first + payloads.length,
          count: 1,
          ...commandPart(settings),
        } as const
        commands.push(command)
        if (settings.confirm === true) confirmed.push(command)
      }
      payloads.push(payload)
      if (limit !== undefined) limits.push(limit)
    }
    const { outside } = this.#options.contexts
    const answers = await outside.run(() => this.#engine.submit(commands, payloads, limits))
    if (answers !== undefined || confirmed.length === 0)
      return commands.flatMap((command, i) => describe(command, answers?.[i]))
    const decided = await outside.run(() => this.#engine.outcomesOf(confirmed, CONFIRM_MS))
    return commands.flatMap((command) => describe(command, decided.get(command)))
  }

  async #settingsFor(
    payloads: readonly T[],
    options: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions) | undefined,
  ): Promise<readonly MessageSettings[]> {
    if (typeof options === 'function') return this.#settingsOf(Array.from(payloads, options))
    const [shared = this.#plain] = await this.#settingsOf([options])
    return payloads.map(() => shared)
  }

  /** A delay needs the time of day, a moment is held against it, and this machine's is not to be trusted before the store has told its own. */
  async #settingsOf(all: readonly (EnqueueOptions | undefined)[]): Promise<readonly MessageSettings[]> {
    const settings = all.map((options) => this.#settings(options))
    if (this.#engine.isClockKnown || !all.some(needsTime)) return settings
    const given = all.map((options) => options && { ...options })
    await this.#options.contexts.outside.run(() => this.#engine.whenClockKnown())
    return given.map((options) => this.#settings(options))
  }

  #settings(options: EnqueueOptions | undefined): MessageSettings {
    return options === undefined ? this.#plain : resolveEnqueueOptions(options, this.#options, this.#engine)
  }
}

/** What of a message's settings its command carries. */
function commandPart(settings: MessageSettings): Omit<MessageSettings, 'confirm'> {
  if (settings.confirm === undefined) return settings
  const { confirm: _, ...part } = settings
  return part
}

function isSame(command: EnqueueCommand, settings: MessageSettings): boolean {
  return (
    command.extras === undefined &&
    command.maxAttempts === settings.maxAttempts &&
    command.priority === settings.priority &&
    command.visibleAt === settings.visibleAt
  )
}

function describe({ sender, seq, count, extras }: EnqueueCommand, answer: Answer | undefined): Enqueued[] {
  if (answer?.kind === 'duplicate')
    return [{ id: answer.of, duplicate: true, ...(answer.isDead ? { status: 'dead' as const } : {}) }]
  if (extras?.id !== undefined || extras?.deduplicationKey !== undefined) {
    const id = extras.id ?? numberedId(sender, seq)
    return [answer === undefined ? { id } : { id, duplicate: false }]
  }
  return Array.from({ length: count }, (_, i) => ({ id: numberedId(sender, seq + i) }))
}
