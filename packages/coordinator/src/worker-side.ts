/**
 * A worker whose writer is elsewhere: tickets come through its mailbox, and what it says goes through the inbox.
 *
 * Owns the questions that were asked and not answered yet. It prevents that a claim is worked on for longer than the writer lets it run: every
 * time it counts begins before the writer's.
 */
import type {
  ClaimExtension,
  Command,
  Extended,
  NoticeCommand,
  ProgressReport,
  Settlement,
  StandbyProcess,
  WorkerSide,
} from '@s3queue/core/transport'
import { CorruptObject } from '@s3queue/primitives'
import { orAborted } from '@s3queue/storage'
import { type Letter, MailboxReader } from './mailbox/reader.ts'
import { FORMAT } from './mailbox/record.ts'
import type { ResolvedCoordinatorOptions } from './options.ts'
import { Pace } from './pace.ts'
import type { Heartbeats } from './registry/heartbeats.ts'
import { signOff } from './registry/sign-off.ts'

/** A worker with messages in hand looks at least so often, as they may be taken from it. */
const BUSY_LOOK_MS = 2000
/** A part of the visibility timeout: what is longer on its way than that has lost too much of its time. */
const LOOKS_PER_TIMEOUT = 3

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

export class MailboxWorker implements WorkerSide {
  readonly #options: MailboxWorkerOptions
  readonly #standby: StandbyProcess
  readonly #reader: MailboxReader
  readonly #pace: Pace
  readonly #abort = new AbortController()
  /** Whom to tell of a receipt, by the number of the notice. */
  readonly #questions = new Map<number, (receipt: Letter['receipts'][number]) => void>()
  readonly #polling: Promise<void>
  #isDeputy = false
  /** How many claims it would hold, as the writer was told last. */
  #told = Number.POSITIVE_INFINITY
  /** When the first of those settlements was sent that nothing has come after. */
  #sentAt: number | undefined

  constructor(options: MailboxWorkerOptions) {
    this.#options = options
    this.#standby = options.standby
    const { queue } = this.#standby
    this.#reader = new MailboxReader(this.#standby)
    this.#pace = new Pace(
      queue.clock,
      options.options.dispatchIntervalMs,
      Math.min(queue.maxPollMs, queue.visibilityTimeoutMs / LOOKS_PER_TIMEOUT),
    )
    const { worker, trouble } = this.#standby
    options.heartbeats.start({ queue, worker, trouble })
    this.#polling = this.#run()
  }

  get isDeputy(): boolean {
    return this.#isDeputy
  }

  notice(settlements: readonly Settlement[], reports: readonly ProgressReport[]): readonly NoticeCommand[] {
    // What ends in another log of the queue makes room here, of which nothing else tells.
    if (settlements.length === 0 && reports.length === 0 && this.#standby.worker.capacity() <= this.#told) return []
    this.#sentAt ??= this.#now()
    return [this.#notice(reports.length > 0 ? { reports } : {})]
  }

  sent(): void {
    this.#pace.quicken()
  }

  look(): void {
    this.#pace.soon()
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
    const goodbye: Command[] = [{ ...this.#notice({}), capacity: 0, silentForMs: 0 }]
    const sent = this.#standby.send(settlements.length > 0 ? [{ type: 'settle', settlements }, ...goodbye] : goodbye)
    await orAborted(sent, signal)
  }

  stop(): void {
    this.#end()
  }

  #end(): void {
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
    return {
      ...{ type: 'notice', format: FORMAT, worker: worker.id, number: nextNotice(), capacity },
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
        const letter = await this.#look(signal)
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
      await this.#pace.wait(this.#patienceMs(), signal)
    }
  }

  /** How long not to look, at most. */
  #patienceMs(): number {
    if (this.#questions.size > 0) return 2 * this.#options.options.dispatchIntervalMs
    return this.#standby.worker.isBusy ? BUSY_LOOK_MS : Number.POSITIVE_INFINITY
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
    const { deliver, knows, revoke, settled, wake } = this.#standby
    this.#pace.quicken()
    this.#isDeputy = letter.deputy
    for (const receipt of letter.receipts) this.#questions.get(receipt.notice)?.(receipt)
    for (const { token, why } of letter.revoked) revoke(token, why)
    if (letter.outcomes.length > 0) settled(letter.outcomes)
    this.#takeTickets(deliver)
    const { running } = letter
    if (running !== undefined) this.#giveBack(running.tokens.filter((token) => !knows(token)))
    if (letter.handedOver) wake()
  }

  #takeTickets(deliver: StandbyProcess['deliver']): void {
    const askedAt = this.#sentAt
    const byMoment = new Map<number, Parameters<typeof deliver>[0][number][]>()
    let count = 0
    for (let read = this.#reader.popTicket(); read !== undefined; read = this.#reader.popTicket()) {
      count++
      const group = byMoment.get(read.absentAt)
      if (group === undefined) byMoment.set(read.absentAt, [read.ticket])
      else group.push(read.ticket)
    }
    if (count === 0) return
    this.#sentAt = undefined
    this.#options.onTickets(count)
    for (const [absentAt, tickets] of byMoment) deliver(tickets, absentAt, askedAt ?? this.#now())
  }

  /** Claims that an earlier writer made for this worker, and that never came here. */
  #giveBack(tokens: readonly number[]): void {
    if (tokens.length === 0) return
    const settlements = tokens.map((token): Settlement => ({ token, kind: 'release', started: false }))
    this.#standby
      .send([{ type: 'settle', settlements }, this.#notice({})])
      .catch((error: unknown) => this.#standby.trouble(error))
  }
}
