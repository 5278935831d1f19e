/**
 * Long texts that the state only refers to: of failures, results and reports. They are read from the commits that recorded them.
 *
 * Owns the texts of a few commits, the most recently used: messages that fail together are read together.
 */
import { CorruptObject, type FencedLog } from '@s3queue/primitives'
import type { ObjectStore } from '@s3queue/storage'
import type { EventHub, QueueEvents } from '../events.ts'
import { describeFailures, type Failure } from '../failure.ts'
import { type Described, type MessageInfo, withOutcome } from '../message-info.ts'
import { decodeBatch } from '../state/batch-codec.ts'
import type { FailureRecord, FailureText, QueueEvent, Report } from '../state/events.ts'
import {
  charsOf,
  type Death,
  failuresOf,
  failuresOfDeath,
  failureTextOf,
  type StoredFailure,
  textWithoutLog,
} from '../state/failures.ts'
import type { StoredOutcome } from '../state/model.ts'

/** Characters of texts to keep in memory. The commit used last is kept in any case. */
const CAPACITY = 8 << 20
/** Commits to read at the same time, at most. */
const AT_ONCE = 8

interface Outcome {
  readonly result: string | undefined
  readonly report: Report | undefined
}

/** The texts of one commit by the tokens of claims. */
interface CommitTexts {
  readonly failures: ReadonlyMap<number, FailureText>
  readonly outcomes: ReadonlyMap<number, Outcome>
  readonly chars: number
}

type About = Omit<QueueEvents['died'], 'reason' | 'failures'>

export interface LogTextsOptions {
  readonly log: FencedLog
  readonly store: ObjectStore
  readonly prefix: string
  /** Ends all reads. */
  readonly signal: AbortSignal
}

export class LogTexts {
  readonly #options: LogTextsOptions
  /** In order of use, least recent first. */
  readonly #commits = new Map<number, CommitTexts>()
  readonly #reading = new Map<number, Promise<CommitTexts>>()
  #chars = 0
  #active = 0
  readonly #waiting: (() => void)[] = []
  /** The report of the death before, if it is late: deaths are reported in their order. */
  #reporting: Promise<void> | undefined

  constructor(options: LogTextsOptions) {
    this.#options = options
  }

  /** Messages with all their texts. Throws `CorruptObject` if one is not in the log: its message may have left the queue meanwhile. */
  async complete(messages: readonly Described[]): Promise<MessageInfo[]> {
    return Promise.all(messages.map((message) => this.#completed(message)))
  }

  async #completed({ info, history, outcome }: Described): Promise<MessageInfo> {
    const failures = history && (await this.#failures([...failuresOf(history)]))
    const known = failures === undefined ? info : { ...info, failures }
    return outcome === undefined ? known : withOutcome(known, await this.#outcome(outcome))
  }

  /** The failures of a message that died. A text that cannot be read is replaced by one that says so. Never rejects. */
  async ofDeath(death: Death): Promise<readonly Failure[]> {
    const failures = failuresOfDeath(death)
    const records = await Promise.all(
      failures.map((failure) =>
        this.#failure(failure).catch((): FailureRecord => {
          const { attempt, at } = failure
          return { attempt, at, name: 'Unknown', message: 'the text of this failure could not be read from the log' }
        }),
      ),
    )
    return describeFailures(records)
  }

  /** Reports that a message died: immediately, or once the texts of its earlier failures are read. */
  emitDied(events: EventHub, about: About, death: Death): void {
    if (!events.hears('died')) return
    const failures = failuresOfDeath(death)
    if (this.#reporting === undefined && failures.every(isKnown)) {
      events.emit('died', { ...about, reason: death.reason, failures: describeFailures(failures.filter(isKnown)) })
      return
    }
    const report = async (before: Promise<void> | undefined): Promise<void> => {
      const [all] = await Promise.all([this.ofDeath(death), before])
      events.emit('died', { ...about, reason: death.reason, failures: all })
    }
    const reporting = report(this.#reporting).finally(() => {
      if (this.#reporting === reporting) this.#reporting = undefined
    })
    this.#reporting = reporting
  }

  /** Resolves when no report of a death is waiting for its texts. */
  async idle(): Promise<void> {
    while (this.#reporting !== undefined) await this.#reporting
  }

  async #failures(failures: readonly (FailureRecord | StoredFailure)[]): Promise<Failure[]> {
    return describeFailures(await Promise.all(failures.map((failure) => this.#failure(failure))))
  }

  async #failure(failure: FailureRecord | StoredFailure): Promise<FailureRecord> {
    if (isKnown(failure)) return failure
    const { attempt, at, slot, token } = failure
    const text = textWithoutLog(failure) ?? (await this.#commit(slot)).failures.get(token)
    if (text === undefined) throw this.#missing(slot, `a failure of the claim with the token ${token}`)
    return { attempt, at, ...text }
  }

  async #outcome({ slot, token }: StoredOutcome): Promise<Outcome> {
    const outcome = (await this.#commit(slot)).outcomes.get(token)
    if (outcome === undefined) throw this.#missing(slot, `the completion of the claim with the token ${token}`)
    return outcome
  }

  async #commit(slot: number): Promise<CommitTexts> {
    const known = this.#commits.get(slot)
    if (known !== undefined) {
      this.#commits.delete(slot)
      this.#commits.set(slot, known)
      return known
    }
    let reading = this.#reading.get(slot)
    if (reading === undefined) {
      reading = this.#read(slot).finally(() => this.#reading.delete(slot))
      this.#reading.set(slot, reading)
    }
    return reading
  }

  async #read(slot: number): Promise<CommitTexts> {
    if (this.#active >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#active++
    try {
      const { log, signal } = this.#options
      const body = await log.readCommit(slot, signal)
      if (body === undefined) throw this.#missing(slot, 'texts of messages')
      const texts = textsOf(decodeBatch<QueueEvent>(body).entries)
      this.#keep(slot, texts)
      return texts
    } finally {
      this.#active--
      this.#waiting.shift()?.()
    }
  }

  #keep(slot: number, texts: CommitTexts): void {
    this.#commits.set(slot, texts)
    this.#chars += texts.chars
    for (const [oldest, { chars }] of this.#commits) {
      if (this.#chars <= CAPACITY || oldest === slot) break
      this.#commits.delete(oldest)
      this.#chars -= chars
    }
  }

  #missing(slot: number, what: string): CorruptObject {
    const { prefix, store } = this.#options
    const key = `${prefix}log/${String(slot).padStart(12, '0')}`
    return new CorruptObject(
      key,
      store.description,
      `it does not hold ${what}, although the state of the queue refers to it`,
    )
  }
}

function isKnown(failure: FailureRecord | StoredFailure): failure is FailureRecord {
  return 'message' in failure
}

function textsOf(events: readonly QueueEvent[]): CommitTexts {
  const failures = new Map<number, FailureText>()
  const outcomes = new Map<number, Outcome>()
  let chars = 0
  for (const event of events) {
    if (event.type === 'retried' || event.type === 'died') {
      failures.set(event.token, failureTextOf(event))
      chars += charsOf(event)
    } else if (event.type === 'expired') {
      for (const [token, text] of event.failures ?? []) {
        failures.set(token, text)
        chars += charsOf(text)
      }
    } else if (event.type === 'completed') {
      const reportOf = new Map(event.reports)
      for (const [token, result] of event.results ?? []) {
        outcomes.set(token, { result, report: reportOf.get(token) })
        chars += result.length
      }
      for (const [token, report] of reportOf) {
        if (!outcomes.has(token)) outcomes.set(token, { result: undefined, report })
        chars += JSON.stringify(report).length
      }
    }
  }
  return { failures, outcomes, chars }
}
