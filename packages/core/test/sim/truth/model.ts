/**
 * A second, naive telling of what each event means: one object for each message, moved about one by one. It shares no code with
 * `src/state`, knows what no event may do, and throws a `Violation` where one does it: so it is the judge of what writers write.
 */
import type { FailureText, QueueEvent } from '../../../src/state/events.ts'
import { must } from '../world/violation.ts'
import type { ModelMessage } from './model-message.ts'
import { Shelves } from './shelves.ts'

export interface ModelClaim {
  readonly message: ModelMessage
  readonly token: number
  readonly worker: string
  readonly attempt: number
  /** How it ended: the type of the event; undefined while it is the current one. */
  end: QueueEvent['type'] | undefined
  /** The slot in which an operator's release of it was recorded. */
  releasingIn: number | undefined
}

/** A longer text is in the log in any case. A shorter one may be, where a message has several. */
const LONG_FAILURE = 160
const LONG_OUTCOME = 512
const FAILURES_KEPT = 20

type Meaning = { readonly [T in QueueEvent['type']]: (event: Extract<QueueEvent, { type: T }>) => void }

/** Clocks are wrong by two hours at most. */
const LONGEST_JUMP_MS = 2 * 3_600_000

export class Model {
  readonly messages: Map<string, ModelMessage> = new Map()
  readonly claims: Map<number, ModelClaim> = new Map()
  /** Numbers of commands that were carried out: `<sender>-<seq>`. */
  readonly taken: Set<string> = new Set()
  /** Ids that were given to messages before anybody knew that they were duplicates: no message has them. */
  readonly duplicates: Set<string> = new Set()
  readonly counts = { enqueued: 0, active: 0, completed: 0, dead: 0, removed: 0 }
  readonly #shelves = new Shelves()
  /** Payload objects by key, with their payloads: those that are there, and those that messages were enqueued with. */
  readonly payloadObjects: Map<string, string> = new Map()
  readonly usedPayloadKeys: Set<string> = new Set()
  readonly #dead = new Set<ModelMessage>()
  #deadKept = Number.POSITIVE_INFINITY
  /** By id, the latest last. */
  readonly #completed = new Map<string, ModelMessage>()
  #completedKept = Number.POSITIVE_INFINITY
  #deadAgeMs = Number.POSITIVE_INFINITY
  #completedAgeMs = Number.POSITIVE_INFINITY
  /** Workers that left: none of them gets a claim any longer. */
  readonly #left = new Set<string>()
  #slot = 0
  #payloads: readonly string[] = []
  #nextPayload = 0
  #paused = false
  #lastToken = 0

  get now(): number {
    return this.#shelves.now
  }

  get isPaused(): boolean {
    return this.#paused
  }

  /** Messages that wait and can be seen, and those that cannot yet. */
  get waiting(): number {
    return this.#shelves.waiting
  }

  get delayed(): number {
    return this.#shelves.delayed
  }

  /** When the last of the delayed messages is due. */
  get lastDueAt(): number {
    return this.#shelves.lastDueAt
  }

  beginCommit(slot: number, payloads: readonly string[]): void {
    this.#slot = slot
    this.#payloads = payloads
    this.#nextPayload = 0
  }

  endCommit(): void {
    must(this.#nextPayload === this.#payloads.length, `slot ${this.#slot} carries payloads that no message has`)
  }

  apply(event: QueueEvent): void {
    const meaning = this.#meanings[event.type] as ((event: QueueEvent) => void) | undefined
    must(meaning !== undefined, `an event of the unknown type ${event.type}`)
    meaning(event)
    const { enqueued, active, completed, dead, removed } = this.counts
    const sum = this.waiting + this.delayed + active + completed + dead + removed
    must(enqueued === sum, `after ${event.type} ${enqueued} messages are enqueued, but ${sum} are somewhere`)
  }

  /** Whether a payload or a long text of any message lies in this commit, or in this object. */
  needs(place: number | string): boolean {
    for (const { slot, payloadKey, status, failures, longOutcomeIn } of this.messages.values()) {
      if (status === 'completed' && longOutcomeIn === place) return true
      if (status === 'completed' || status === 'removed') continue
      if (slot === place || payloadKey === place) return true
      if (failures.some((failure) => failure.isLong && failure.slot === place)) return true
    }
    return false
  }

  /** Whether a commit recorded a failure that a message may still have, however short its text is. */
  mayNeed(slot: number): boolean {
    for (const { status, failures } of this.messages.values()) {
      if (status === 'completed' || status === 'removed') continue
      if (failures.some((failure) => failure.slot === slot)) return true
    }
    return false
  }

  readonly #meanings: Meaning = {
    time: ({ at }) => {
      this.#shelves.goTo(at)
      this.#forgetDead()
      this.#forgetCompleted()
    },
    configured: ({ retention }) => {
      this.#deadKept = retention.deadCount
      this.#completedKept = retention.completedCount
      this.#deadAgeMs = retention.deadAgeMs
      this.#completedAgeMs = retention.completedAgeMs
      this.#forgetDead()
      this.#forgetCompleted()
    },
    shared: () => {},
    enqueued: (event) => this.#enqueued(event),
    duplicate: ({ sender, seq, of }) => {
      this.#take(sender, seq)
      this.duplicates.add(`${sender}-${seq.toString(36)}`)
      must(this.messages.has(of), `${sender}-${seq} is called a duplicate of ${of}, which never was`)
    },
    claimed: (event) => this.#claimed(event),
    extended: ({ token }) => void this.#current(token, 'extended'),
    adopted: ({ ranges }) => {
      for (let i = 0; i < ranges.length; i += 2) {
        const [first = 0, count = 0] = ranges.slice(i, i + 2)
        for (let token = first; token < first + count; token++) this.#current(token, 'adopted')
      }
    },
    reported: ({ token }) => void this.#current(token, 'reported'),
    completed: ({ tokens, results = [], reports = [] }) => {
      const long = new Set([
        ...reports.map(([token]) => token),
        ...results.filter(([, text]) => text.length > LONG_OUTCOME).map(([token]) => token),
      ])
      for (const token of tokens) {
        const message = this.#end(token, 'completed')
        message.status = 'completed'
        message.longOutcomeIn = long.has(token) ? this.#slot : undefined
        message.endedAt = this.now
        this.#completed.delete(message.id)
        this.#completed.set(message.id, message)
        this.#forgetCompleted()
      }
      this.counts.completed += tokens.length
    },
    retried: ({ token, visibleAt, ...text }) => {
      const message = this.#failed(token, 'retried')
      this.#noteFailure(message, text)
      this.#putBack(message, visibleAt)
    },
    snoozed: ({ token, visibleAt }) => this.#putBack(this.#uncounted(token, 'snoozed'), visibleAt),
    releasing: ({ token }) => {
      const claim = this.#current(token, 'releasing')
      must(claim.releasingIn === undefined, `token ${token} is released twice`)
      claim.releasingIn = this.#slot
    },
    released: ({ tokens, started, counted = started }) => {
      for (const token of tokens.toReversed()) {
        const message = counted ? this.#end(token, 'released') : this.#uncounted(token, 'released')
        this.#putBack(message, 0)
      }
    },
    expired: ({ tokens, failures }) => {
      const textOf = new Map(failures)
      for (const token of tokens.toReversed()) {
        const message = this.#failed(token, 'expired')
        this.#noteFailure(message, textOf.get(token))
        this.#putBack(message, 0)
      }
    },
    died: ({ token, reason, ...text }) => {
      const message = this.#end(token, 'died')
      this.#noteFailure(message, text)
      const isLast = message.attempts >= message.maxAttempts
      must(
        isLast || reason === 'not-retriable' || reason === 'rejected',
        `${message.id} is dead (${reason}) after ${message.attempts} of ${message.maxAttempts} attempts`,
      )
      message.status = 'dead'
      message.endedAt = this.now
      this.counts.dead++
      this.#dead.add(message)
      this.#forgetDead()
    },
    left: ({ worker }) => {
      this.#left.add(worker)
    },
    paused: ({ paused }) => {
      this.#paused = paused
    },
    cancelled: ({ token }) => this.#remove(this.#end(token, 'cancelled')),
    withdrawn: ({ run, offset }) => this.#remove(this.#shelves.takeOut(run, offset)),
    restored: ({ token }) => must(token > this.#lastToken, `tokens are lowered to ${token} after ${this.#lastToken}`),
    purged: () => {
      for (const message of this.#shelves.takeAll()) this.#remove(message)
    },
    redriven: ({ ids }) => {
      for (const id of ids) {
        const message = this.messages.get(id)
        must(message?.status === 'dead', `${id} is redriven, but it is ${message?.status}`)
        message.attempts = 0
        this.counts.dead--
        this.#dead.delete(message)
        this.#putBack(message, 0)
      }
    },
    forgotten: ({ ids }) => {
      for (const id of ids) {
        const message = this.messages.get(id)
        if (message?.status === 'dead') {
          this.counts.dead--
          this.#dead.delete(message)
          this.#remove(message)
        } else {
          const completed = this.#completed.get(id)
          must(completed !== undefined, `${id} is forgotten, but it is ${message?.status}`)
          this.#forget(completed)
        }
      }
    },
    answered: ({ sender, seq }) => this.#take(sender, seq),
    unnamed: () => {},
    abandoned: () => {},
    collected: () => {},
  }

  #forgetDead(): void {
    for (const message of this.#dead) {
      if (this.#dead.size <= this.#deadKept && this.now - message.endedAt <= this.#deadAgeMs) return
      this.#dead.delete(message)
      this.counts.dead--
      this.#remove(message)
    }
  }

  #forgetCompleted(): void {
    for (const message of this.#completed.values()) {
      if (this.#completed.size <= this.#completedKept && this.now - message.endedAt <= this.#completedAgeMs) return
      this.#forget(message)
    }
  }

  /** Whether a view may take a message for too old to show, while the log's clock stands: its ages are shorter than clocks are wrong. */
  mayBeExpired({ status }: ModelMessage): boolean {
    return (
      (status === 'dead' && this.hasShortDeadAge) || (status === 'completed' && this.#completedAgeMs < LONGEST_JUMP_MS)
    )
  }

  get hasShortDeadAge(): boolean {
    return this.#deadAgeMs < LONGEST_JUMP_MS
  }

  /** A completed message is known no more; it goes on being counted as one. */
  #forget(message: ModelMessage): void {
    this.#completed.delete(message.id)
    message.status = 'removed'
  }

  /** The payload itself, wherever it lies. */
  #payloadOf(inCommit: string | undefined, key: string | undefined): string | undefined {
    if (key === undefined) return inCommit
    this.usedPayloadKeys.add(key)
    return this.payloadObjects.get(key)
  }

  #take(sender: string, seq: number): void {
    const number = `${sender}-${seq}`
    must(!this.taken.has(number), `command ${seq} of ${sender} is carried out twice`)
    this.taken.add(number)
  }

  #enqueued({ sender, seq, count, maxAttempts, visibleAt, extras }: Extract<QueueEvent, { type: 'enqueued' }>): void {
    const messages: ModelMessage[] = []
    for (let i = 0; i < count; i++) {
      this.#take(sender, seq + i)
      const id = extras?.id ?? `${sender}-${(seq + i).toString(36)}`
      const payloadKey = extras?.payloadKey
      const payload = this.#payloadOf(this.#payloads[this.#nextPayload++], payloadKey)
      const before = this.messages.get(id)
      must(before === undefined || extras?.id !== undefined, `${id} is enqueued twice`)
      must(
        before === undefined || before.status === 'completed' || before.status === 'removed',
        `${id} is enqueued again while it is ${before?.status}`,
      )
      must(payload !== undefined, `${id} is enqueued without a payload`)
      const message = { id, payload, slot: this.#slot, payloadKey, maxAttempts, attempts: 0, token: undefined }
      messages.push({ ...message, failures: [], longOutcomeIn: undefined, status: 'waiting', endedAt: 0 })
    }
    for (const message of messages) this.messages.set(message.id, message)
    this.counts.enqueued += count
    this.#shelves.add({ messages, visibleAt })
  }

  #claimed({ worker, token: first, runs }: Extract<QueueEvent, { type: 'claimed' }>): void {
    must(!this.#paused, `token ${first} is given out while the queue is paused`)
    must(first > this.#lastToken, `token ${first} is given out after ${this.#lastToken}`)
    let token = first
    for (const message of this.#shelves.takeFirst(runs)) {
      must(message.status === 'waiting', `${message.id} is claimed while it is ${message.status}`)
      message.status = 'active'
      message.attempts++
      message.token = token
      must(
        message.attempts <= message.maxAttempts,
        `${message.id} gets attempt ${message.attempts} of ${message.maxAttempts}`,
      )
      must(!this.#left.has(worker), `worker ${worker} gets token ${token} after it left`)
      this.claims.set(token, {
        message,
        token,
        worker,
        attempt: message.attempts,
        end: undefined,
        releasingIn: undefined,
      })
      this.counts.active++
      token++
    }
    this.#lastToken = token - 1
  }

  /** The claim of a token that must be the current one. */
  #current(token: number, event: QueueEvent['type']): ModelClaim {
    const claim = this.claims.get(token)
    must(claim !== undefined, `${event} names token ${token}, which was never given out`)
    must(
      claim.end === undefined && claim.message.token === token,
      `${event} names token ${token} of ${claim.message.id}, which ended before (${claim.end})`,
    )
    return claim
  }

  #end(token: number, event: QueueEvent['type']): ModelMessage {
    const claim = this.#current(token, event)
    claim.end = event
    claim.message.token = undefined
    this.counts.active--
    return claim.message
  }

  /** Ends a claim whose attempt counts and is not the last. */
  #failed(token: number, event: QueueEvent['type']): ModelMessage {
    const message = this.#end(token, event)
    must(
      message.attempts < message.maxAttempts,
      `${message.id} goes on (${event}) after its last attempt, number ${message.attempts}`,
    )
    return message
  }

  #noteFailure(message: ModelMessage, text: FailureText | undefined): void {
    const { name = '', message: why = '', more = '', progress = '', log = [] } = text ?? {}
    const failure = { slot: this.#slot, isLong: [name, why, more, progress, ...log].join('').length > LONG_FAILURE }
    message.failures = [...message.failures, failure].slice(-FAILURES_KEPT)
  }

  #uncounted(token: number, event: QueueEvent['type']): ModelMessage {
    const message = this.#end(token, event)
    message.attempts--
    return message
  }

  #putBack(message: ModelMessage, visibleAt: number): void {
    message.status = 'waiting'
    this.#shelves.add({ messages: [message], visibleAt })
  }

  #remove(message: ModelMessage): void {
    message.status = 'removed'
    this.counts.removed++
  }
}
