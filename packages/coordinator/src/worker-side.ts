/**
 * A worker whose writer is elsewhere: tickets come through its mailbox, and what it says goes through the inbox.
 *
 * Owns the questions that were asked and not answered yet. It prevents that a claim is worked on for longer than the writer lets it run: every
 * time it counts begins before the writer's.
 */
import {
  type ClaimExtension,
  type Command,
  type Extended,
  type NoticeCommand,
  PollInterval,
  type ProgressReport,
  type Settlement,
  type StandbyProcess,
  StoreWatch,
  type WorkerSide,
} from '@s3queue/core/transport'
import { CorruptObject } from '@s3queue/primitives'
import { orAborted } from '@s3queue/storage'
import { type Letter, MailboxReader } from './mailbox/reader.ts'
import { FORMAT } from './mailbox/record.ts'
import type { ResolvedCoordinatorOptions } from './options.ts'
import { Pace } from './pace.ts'
import type { Heartbeats } from './registry/heartbeats.ts'
import { signOff } from './registry/sign-off.ts'
import { AWAKE_MS, asleepMs, awakeLookMs, LIGHT_PHASE } from './serving-order.ts'

/** A worker with messages in hand reads its mailbox at least this often, in ms, as they may be taken from it. */
const BUSY_LOOK_MS = 1000
/** A worker reports that it has read tickets, unless it sends something anyway within this time, in ms; sooner if it got one for each handler, as there may be more. */
const REPORT_READ_MS = 150
const REPORT_FULL_MS = 20
/** A worker that is awake sends its settlements more often than this, in ms, and what it has read with them. Only long handlers need a report. */
const REPORT_AWAKE_MS = 600
/** So many tickets, or characters of their payloads, are worth a report: the writer keeps them in the mailbox until it knows. */
const MANY_TICKETS = 100
const MANY_CHARACTERS = 64 << 10
/** What comes later than this after the last request answers a new backlog, not that request. In ms. */
const LONGEST_CYCLE_MS = 1500
/** A worker with plenty at hand reads its mailbox this often at least, in ms. */
const MAX_VISIT_MS = 500
/** A duty that an earlier writer gave ends this long after another writer was seen, unless that one gives it too. */
const DUTY_OUTLIVES_MS = 30_000

export interface MailboxWorkerOptions {
  readonly standby: StandbyProcess
  readonly options: ResolvedCoordinatorOptions
  readonly heartbeats: Heartbeats
  /** A number for a notice, higher than all that this process has used: a receipt must not be taken for that of another notice. */
  readonly nextNotice: () => number
  /** Tickets have come. */
  readonly onTickets: (count: number) => void
  /** The mailbox is not read any more. */
  readonly onEnd: () => void
}

/** What the writer of an epoch wants a worker to do while it is idle. */
type GivenDuty = Pick<Letter, 'epoch' | 'deputy' | 'idlePollMs'>

export class MailboxWorker implements WorkerSide {
  readonly #options: MailboxWorkerOptions
  readonly #standby: StandbyProcess
  readonly #reader: MailboxReader
  readonly #pace: Pace
  readonly #interval = new PollInterval()
  readonly #abort = new AbortController()
  /** Whom to tell of a receipt, by the number of the notice. */
  readonly #questions = new Map<number, (receipt: Letter['receipts'][number]) => void>()
  readonly #polling: Promise<void>
  #duty: GivenDuty | undefined
  /** When a later epoch than that of the duty was first seen. */
  #supersededAt: number | undefined
  readonly #watch: StoreWatch
  /** How many claims it would hold, as the writer was told last. */
  #told = Number.POSITIVE_INFINITY
  /** How many messages its handlers finish, as the writer was told last, per ms. */
  #toldRate = 0
  /** When it last heard from the writer or wrote to it, and when it last wrote, monotonic. */
  #activeAt = Number.NEGATIVE_INFINITY
  #noticedAt = Number.NEGATIVE_INFINITY
  #cancelReport: (() => void) | undefined
  /** When the first of those settlements was sent that nothing has come after. */
  #sentAt: number | undefined

  constructor(options: MailboxWorkerOptions) {
    this.#options = options
    this.#standby = options.standby
    const { queue } = this.#standby
    this.#reader = new MailboxReader(this.#standby)
    this.#pace = new Pace(queue.clock, () => this.#shortestWaitMs(), asleepMs(queue))
    const { worker, trouble } = this.#standby
    this.#watch = new StoreWatch({
      ...{ options: queue, prefix: this.#reader.key, signal: this.#abort.signal, onTrouble: trouble },
      onChange: () => this.#pace.now(),
    })
    this.#watch.start()
    options.heartbeats.start({ queue, worker, trouble })
    this.#polling = this.#run()
  }

  get isDeputy(): boolean {
    return this.#currentDuty()?.deputy ?? false
  }

  notice(settlements: readonly Settlement[], reports: readonly ProgressReport[]): readonly NoticeCommand[] {
    // What ends in another log of the queue makes room here, of which nothing else tells.
    if (settlements.length === 0 && reports.length === 0 && this.#standby.worker.capacity() <= this.#told) return []
    this.#sentAt ??= this.#now()
    return [this.#notice(reports.length > 0 ? { reports } : {})]
  }

  sent(): void {
    this.#activeAt = this.#now()
    this.#noticedAt = this.#activeAt
    this.#pace.quicken()
  }

  look(): void {
    // Where the store notifies, that comes by itself, and a read too early would delay the next one.
    if (!this.#watch.isWatching) this.#pace.soon()
  }

  extend(tokens: readonly number[]): Promise<Extended | undefined> {
    return this.#ask({ extend: tokens }, ({ lost }, provenAt) => {
      const over = new Set(lost)
      return { provenAt, held: new Set(tokens.filter((token) => !over.has(token))) }
    })
  }

  setTimeout(token: number, ms: number): Promise<ClaimExtension | undefined> {
    return this.#ask({ lasting: [[token, ms]] }, ({ lasting }, provenAt) => {
      const timeoutMs = lasting.find(([of]) => of === token)?.[1]
      return typeof timeoutMs === 'number' ? { provenAt, timeoutMs } : undefined
    })
  }

  async leave(signal: AbortSignal): Promise<void> {
    const { worker, queue, trouble } = this.#standby
    this.#end()
    await this.#polling
    await signOff({ id: worker.id, queue, signal, trouble }, this.#options.heartbeats, (bound) =>
      this.#giveBackUnread(bound),
    )
  }

  async #giveBackUnread(signal: AbortSignal): Promise<void> {
    const unread = await this.#reader.seal(signal)
    const settlements = unread.map(({ claim }): Settlement => ({ token: claim.token, kind: 'release', started: false }))
    const goodbye: Command[] = [{ ...this.#notice({}), capacity: 0, overCapacity: 0, silentForMs: 0 }]
    const sent = this.#standby.send(settlements.length > 0 ? [{ type: 'settle', settlements }, ...goodbye] : goodbye)
    await orAborted(sent, signal)
  }

  stop(): void {
    this.#end()
  }

  #end(): void {
    this.#cancelReport?.()
    this.#abort.abort(new Error('The worker does not read its mailbox any more.'))
    this.#options.onEnd()
  }

  #now(): number {
    return this.#standby.queue.clock.monotonic()
  }

  #notice(about: Partial<NoticeCommand>): NoticeCommand {
    const { worker } = this.#standby
    const { heartbeats, nextNotice } = this.#options
    const capacity = worker.capacity()
    this.#told = capacity
    this.#toldRate = worker.rate
    return {
      ...{ type: 'notice', format: FORMAT, worker: worker.id, number: nextNotice(), capacity },
      ...{ overCapacity: worker.overCapacity, concurrency: worker.concurrency, rate: worker.rate },
      ...{ silentForMs: heartbeats.silentForMs(worker) },
      ...{ mailbox: this.#reader.mailbox, seen: this.#reader.version },
      ...about,
    }
  }

  /** Asks the writer, and waits for its receipt as long as this side lasts. */
  async #ask<T>(
    about: Partial<NoticeCommand>,
    read: (receipt: Letter['receipts'][number], askedAt: number) => T,
  ): Promise<T | undefined> {
    const { signal } = this.#abort
    if (signal.aborted) return undefined
    const notice = this.#notice(about)
    const askedAt = this.#now()
    const { promise: answer, resolve } = Promise.withResolvers<T | undefined>()
    const giveUp = (): void => resolve(undefined)
    signal.addEventListener('abort', giveUp, { once: true })
    // Nobody waits longer for an answer than what it is about lasts.
    const { clock, visibilityTimeoutMs } = this.#standby.queue
    const cancel = clock.setTimer(visibilityTimeoutMs, giveUp)
    this.#questions.set(notice.number, (receipt) => resolve(read(receipt, askedAt)))
    try {
      await this.#standby.send([notice])
      this.#pace.quicken()
      return await answer
    } catch (error) {
      this.#standby.trouble(error)
      return undefined
    } finally {
      cancel()
      signal.removeEventListener('abort', giveUp)
      this.#questions.delete(notice.number)
    }
  }

  /** Reads the mailbox until this side ends. Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#abort
    const { worker, trouble } = this.#standby
    let told: string | undefined
    while (!signal.aborted) {
      try {
        const startedAt = this.#now()
        const letter = await this.#look(signal)
        this.#interval.note(this.#now() - startedAt)
        if (signal.aborted) return
        if (letter !== undefined) this.#open(letter)
        const { mailbox } = this.#reader
        if (mailbox !== undefined && mailbox !== told) {
          this.#options.heartbeats.moved(worker.id, mailbox)
          const process = this.#standby.queue.processes.self()
          await orAborted(this.#standby.send([this.#notice({ process })]), signal)
          told = mailbox
        }
      } catch (error) {
        if (signal.aborted) return
        trouble(error)
      }
      this.#reportSlowness()
      await this.#pace.wait(this.#patienceMs(), signal)
    }
  }

  /** Handlers that take long suddenly: the writer may want back what waits behind them. */
  #reportSlowness(): void {
    const { worker } = this.#standby
    if (worker.isBusy && worker.rate < this.#toldRate / 2) this.#report()
  }

  /** With more tickets at hand the next ones are less urgent. */
  #shortestWaitMs(): number {
    const { dispatchIntervalMs } = this.#options.options
    return Math.max(dispatchIntervalMs, Math.min(MAX_VISIT_MS, this.#standby.worker.visitMs()))
  }

  /** How long not to look, at most. */
  #patienceMs(): number {
    if (this.#questions.size > 0) return 2 * this.#options.options.dispatchIntervalMs
    if (this.#now() - this.#activeAt < AWAKE_MS) return awakeLookMs(this.#interval.latencyMs)
    if (this.#standby.worker.isBusy) return BUSY_LOOK_MS
    return this.#watch.isWatching ? Number.POSITIVE_INFINITY : this.#idlePollMs()
  }

  /** Tells the writer how this worker is. Never rejects. */
  #report(): void {
    this.#standby.send([this.#notice({})]).then(
      () => this.sent(),
      (error: unknown) => {
        if (!this.#abort.signal.aborted) this.#standby.trouble(error)
      },
    )
  }

  #idlePollMs(): number {
    const duty = this.#currentDuty()
    const { maxPollMs } = this.#standby.queue
    if (duty?.idlePollMs === undefined || maxPollMs <= duty.idlePollMs) return Number.POSITIVE_INFINITY
    return this.#interval.waitMs(duty.idlePollMs, LIGHT_PHASE, this.#standby.queue.clock.now())
  }

  /** The duty, while it holds. A writer does not know the duties that its predecessor gave, so they end by themselves. */
  #currentDuty(): GivenDuty | undefined {
    const duty = this.#duty
    if (duty === undefined || duty.epoch >= this.#standby.epoch()) return duty
    this.#supersededAt ??= this.#now()
    return this.#now() - this.#supersededAt < DUTY_OUTLIVES_MS ? duty : undefined
  }

  #accept(duty: GivenDuty): void {
    const wasDeputy = this.isDeputy
    this.#duty = duty
    this.#supersededAt = undefined
    // A wait for the next read of the lease is under way, which is too long for a deputy, or too short for a worker that is none any longer.
    if (duty.deputy !== wasDeputy) this.#standby.wake()
  }

  /** A mailbox that cannot be read is replaced by an empty one: what was in it runs out, and is handed out again. */
  async #look(signal: AbortSignal): Promise<Letter | undefined> {
    try {
      return await this.#reader.look(signal)
    } catch (error) {
      if (!(error instanceof CorruptObject)) throw error
      await this.#standby.queue.store.delete([this.#reader.key], { signal })
      throw error
    }
  }

  #open(letter: Letter): void {
    const { deliver, knows, revoke, settled, recall, wake } = this.#standby
    this.#activeAt = this.#now()
    this.#pace.quicken()
    this.#accept({ epoch: letter.epoch, deputy: letter.deputy, idlePollMs: letter.idlePollMs })
    for (const receipt of letter.receipts) this.#questions.get(receipt.notice)?.(receipt)
    for (const { token, why } of letter.revoked) revoke(token, why)
    if (letter.outcomes.length > 0) settled(letter.outcomes)
    this.#takeTickets(deliver, new Set(letter.revoked.map(({ token }) => token)))
    // Behind the tickets: some of them may be the ones to give back.
    if (letter.recall > 0) recall(letter.recall)
    const { running } = letter
    if (running !== undefined) this.#giveBack(running.tokens.filter((token) => !knows(token)))
    if (letter.handedOver) wake()
  }

  /** `revoked`: claims that were taken back before their tickets were read, so no handler gets them. */
  #takeTickets(deliver: StandbyProcess['deliver'], revoked: ReadonlySet<number>): void {
    const askedAt =
      this.#sentAt !== undefined && this.#now() - this.#sentAt > LONGEST_CYCLE_MS ? undefined : this.#sentAt
    const byMoment = new Map<number, Parameters<typeof deliver>[0][number][]>()
    const unwanted: number[] = []
    let count = 0
    let characters = 0
    for (let read = this.#reader.popTicket(); read !== undefined; read = this.#reader.popTicket()) {
      const { token } = read.ticket.claim
      if (revoked.has(token)) {
        unwanted.push(token)
        continue
      }
      count++
      characters += read.ticket.payload?.length ?? 0
      const group = byMoment.get(read.absentAt)
      if (group === undefined) byMoment.set(read.absentAt, [read.ticket])
      else group.push(read.ticket)
    }
    this.#giveBack(unwanted)
    if (count === 0) return
    this.#sentAt = undefined
    this.#reportRead(count, characters)
    this.#options.onTickets(count)
    for (const [absentAt, tickets] of byMoment) deliver(tickets, absentAt, askedAt)
  }

  /** The writer hands out more to workers that it knows to be awake, and to have read what it sent before. */
  #reportRead(count: number, characters: number): void {
    const isAwake = this.#now() - this.#noticedAt < AWAKE_MS
    if (this.#cancelReport !== undefined || (isAwake && count < MANY_TICKETS && characters < MANY_CHARACTERS)) return
    const { queue, worker } = this.#standby
    const wokenMs = count < worker.concurrency ? REPORT_READ_MS : REPORT_FULL_MS
    const waitMs = isAwake ? REPORT_AWAKE_MS : wokenMs
    this.#cancelReport = queue.clock.setTimer(waitMs, () => {
      this.#cancelReport = undefined
      if (this.#abort.signal.aborted || this.#now() - this.#noticedAt < waitMs) return
      this.#report()
    })
  }

  /** Claims for this worker that no handler has seen. */
  #giveBack(tokens: readonly number[]): void {
    if (tokens.length === 0) return
    const settlements = tokens.map((token): Settlement => ({ token, kind: 'release', started: false }))
    this.#standby
      .send([{ type: 'settle', settlements }, this.#notice({})])
      .catch((error: unknown) => this.#standby.trouble(error))
  }
}
