/**
 * The writer's side of the transport: which workers elsewhere get messages, and how they are told.
 *
 * Owns one post for each worker that was ever told something in this term.
 */
import {
  type Claim,
  type NoticeCommand,
  PollInterval,
  type Receipt,
  type RemoteWorker,
  type RevokeReason,
  type SettledElsewhere,
  type TravellingTicket,
  type WriterSide,
  type WriterTerm,
} from '@s3queue/core/transport'
import { Post } from './mailbox/post.ts'
import type { ResolvedCoordinatorOptions } from './options.ts'
import type { Heartbeats } from './registry/heartbeats.ts'
import { type Member, Registry } from './registry/registry.ts'
import { asleepMs, awakeLookMs, inServingOrder, isAwake, LIGHT_PHASE, LIGHT_POLL_MS } from './serving-order.ts'

/** So many workers read their mailboxes often while they are idle, so that the next message soon has a handler. Each costs $1 a month on S3. */
const LIGHT_SLEEPERS = 16
/** So many of them watch the writer closely, to take over soon after it is gone. */
const DEPUTIES = 2
/**
 * A new writer gives those that were at work so long to say that they are awake, before anybody gets messages who may sleep: else all that came while nobody
 * wrote would wait for the looks of the sleepers.
 */
const HEAD_START_MS = 1000
/** A worker whose handlers end reports that within this time, in ms: it batches for half a second, and the inbox is not read at every moment. */
const REPORTS_WITHIN_MS = 1500
/** With so many characters of payloads unread in its mailbox, a worker gets no more. */
const MAX_UNREAD = 4 << 20

/** A claim is committed and then written to its worker's mailbox: two requests, one after the other. */
const WRITES_TO_MAILBOX = 2

/** What a term counts. */
export interface TicketCounts {
  /** Tickets that were put into mailboxes. */
  sent: number
  /** Claims of workers elsewhere that ran out. */
  stalled: number
}

export interface MailboxWriterOptions {
  readonly term: WriterTerm
  readonly options: ResolvedCoordinatorOptions
  readonly counts: TicketCounts
  readonly heartbeats: Heartbeats
}

export class MailboxWriter implements WriterSide {
  readonly #term: WriterTerm
  readonly #options: ResolvedCoordinatorOptions
  readonly #counts: TicketCounts
  readonly #heartbeats: Heartbeats
  readonly #registry: Registry
  /** How often light sleepers read their mailboxes on a store as fast as this one. */
  readonly #interval = new PollInterval()
  readonly #posts = new Map<string, Post>()
  /** Tokens of adopted claims whose workers had no mailbox. */
  readonly #unreached = new Map<string, readonly number[]>()
  #lightSleepers: readonly string[] = []
  #deputies: readonly string[] = []
  /** Until then only those that are awake get anything; undefined if none elsewhere was at work when the term began. */
  #headStartUntil: number | undefined
  /** The one deputy, if another process is to write. */
  #heir: string | undefined

  constructor({ term, options, counts, heartbeats }: MailboxWriterOptions) {
    this.#term = term
    this.#options = options
    this.#heartbeats = heartbeats
    this.localChanged()
    this.#counts = counts
    this.#registry = new Registry({
      term,
      options,
      onChange: () => this.#changed(),
      onForgotten: (id) => this.#posts.delete(id),
    })
    this.#registry.start()
  }

  get registry(): Registry {
    return this.#registry
  }

  *workers(): Generator<RemoteWorker, void, void> {
    const { queue, localWorker } = this.#term
    const registry = this.#registry
    const local = localWorker()?.id
    const now = queue.clock.monotonic()
    const isEarly = now < (this.#headStartUntil ?? Number.NEGATIVE_INFINITY)
    const lightSleepers = this.#lightSleepers.map((id) => registry.get(id)).filter((member) => member !== undefined)
    for (const member of inServingOrder(registry.latestFirst(), lightSleepers, now)) {
      if (isEarly && !isAwake(member, now)) return
      if (member.id !== local && registry.isAlive(member)) yield this.#mailed(member.id, member)
    }
  }

  get hasSuccessor(): boolean {
    const local = this.#term.localWorker()?.id
    for (const member of this.#registry.latestFirst())
      if (member.id !== local && this.#registry.isAlive(member)) return true
    return false
  }

  worker(id: string): RemoteWorker {
    return this.#mailed(id, this.#registry.get(id))
  }

  async adopt(worker: string, claims: readonly Claim[]): Promise<void> {
    if (this.#headStartUntil === undefined) this.#giveHeadStart()
    const tokens = claims.map(({ token }) => token)
    if (!(await this.#post(worker).adopt(tokens))) this.#unreached.set(worker, tokens)
  }

  heard(notice: NoticeCommand, receipt: Receipt): void {
    const { worker, seen, extend, lasting } = notice
    const isNews = this.#registry.heard(notice)
    // It has left, its process has ended, or it speaks another format.
    if (this.#registry.get(worker) === undefined) return
    const post = this.#post(worker)
    post.confirmed(seen)
    if (notice.mailbox !== undefined) this.#adoptAgain(worker, post)
    if (extend !== undefined || lasting !== undefined) post.receipt(receipt)
    // What it has read makes room in its mailbox, too.
    if (isNews || this.#term.waiting() > 0) this.#term.wake()
  }

  /** Claims that this writer found running, of a worker that had no mailbox then: it gives back those that it does not know. */
  #adoptAgain(worker: string, post: Post): void {
    const tokens = this.#unreached.get(worker)
    if (tokens === undefined) return
    this.#unreached.delete(worker)
    void post.adopt(tokens.filter((token) => this.#term.isActive(token)))
  }

  ranOut(worker: string, claims: number): void {
    if (worker === this.#term.localWorker()?.id) return
    this.#counts.stalled += claims
    this.#registry.suspect(worker)
  }

  ended(worker: string): void {
    this.#registry.ended(worker)
  }

  localChanged(): void {
    const { queue, localWorker, trouble } = this.#term
    const worker = localWorker()
    if (worker !== undefined) this.#heartbeats.start({ queue, worker, trouble })
  }

  /** From now on this worker alone watches the writer closely, if it is alive; undefined: any two. */
  prefer(worker: string | undefined): void {
    if (this.#heir === worker) return
    this.#heir = worker
    this.#appoint()
  }

  /** Whether this worker is likely to look into its mailbox soon. */
  isAwake(worker: string): boolean {
    const member = this.#registry.get(worker)
    return member !== undefined && this.#registry.isAlive(member) && isAwake(member, this.#term.queue.clock.monotonic())
  }

  async handOver(): Promise<void> {
    await Promise.all(this.#deputies.map((id) => this.#post(id).handOver()))
  }

  #giveHeadStart(): void {
    const { queue, signal, wake } = this.#term
    this.#headStartUntil = queue.clock.monotonic() + HEAD_START_MS
    const cancel = queue.clock.setTimer(HEAD_START_MS, wake)
    signal.addEventListener('abort', cancel, { once: true })
  }

  #changed(): void {
    this.#appoint()
    this.#term.wake()
  }

  /** Those that were appointed stay so while they are alive. */
  #appoint(): void {
    const isAlive = (id: string): boolean => {
      const member = this.#registry.get(id)
      return member !== undefined && this.#registry.isAlive(member)
    }
    const before = this.#lightSleepers
    const heir = this.#heir !== undefined && isAlive(this.#heir) ? this.#heir : undefined
    const local = this.#term.localWorker()?.id
    const chosen = new Set(heir === undefined ? [] : [heir])
    for (const id of before) if (chosen.size < LIGHT_SLEEPERS && id !== local && isAlive(id)) chosen.add(id)
    if (chosen.size < LIGHT_SLEEPERS) {
      for (const { id } of this.#registry.members()) {
        if (id !== local && isAlive(id)) chosen.add(id)
        if (chosen.size >= LIGHT_SLEEPERS) break
      }
    }
    this.#lightSleepers = [...chosen]
    const stay = this.#deputies.filter((id) => chosen.has(id))
    this.#deputies = heir === undefined ? [...new Set([...stay, ...chosen])].slice(0, DEPUTIES) : [heir]
    for (const id of chosen) this.#post(id).appoint({ deputy: this.#deputies.includes(id), idlePollMs: LIGHT_POLL_MS })
    for (const id of before)
      if (!chosen.has(id) && isAlive(id)) this.#post(id).appoint({ deputy: false, idlePollMs: undefined })
  }

  #post(worker: string): Post {
    let post = this.#posts.get(worker)
    if (post === undefined) {
      post = new Post({ term: this.#term, worker, onWritten: (ms) => this.#interval.note(ms) })
      this.#posts.set(worker, post)
    }
    return post
  }

  /** In how many ms this worker reads its mailbox, at the latest. */
  #delayMs(id: string, member: Member | undefined): number {
    const { queue } = this.#term
    if (member !== undefined && isAwake(member, queue.clock.monotonic()))
      return this.#term.held(id) > 0 ? this.#options.dispatchIntervalMs : awakeLookMs(this.#interval.latencyMs)
    return Math.min(asleepMs(queue), this.#lightSleepers.includes(id) ? this.#lightDelayMs() : Number.POSITIVE_INFINITY)
  }

  /** When light sleepers can read what is handed out now: it must be committed and written first. */
  #lightDelayMs(): number {
    const { clock } = this.#term.queue
    const writesMs = WRITES_TO_MAILBOX * this.#interval.latencyMs
    return writesMs + this.#interval.waitMs(LIGHT_POLL_MS, LIGHT_PHASE, clock.now() + writesMs)
  }

  #mailed(id: string, member: Member | undefined): Mailed {
    const now = this.#term.queue.clock.monotonic()
    const delayMs = this.#delayMs(id, member)
    return new Mailed({
      id,
      member,
      now,
      delayMs,
      registry: this.#registry,
      post: this.#post(id),
      counts: this.#counts,
      held: () => this.#term.held(id),
    })
  }
}

interface MailedOptions {
  readonly now: number
  readonly delayMs: number
  readonly id: string
  readonly member: Member | undefined
  readonly registry: Registry
  readonly post: Post
  readonly counts: TicketCounts
  /** How many claims it holds. */
  readonly held: () => number
}

/** A worker that is reached through its mailbox. */
class Mailed implements RemoteWorker {
  readonly #options: MailedOptions
  /** As it was before any claim was made for it. */
  readonly #mailbox: string | undefined

  constructor(options: MailedOptions) {
    this.#options = options
    this.#mailbox = options.member?.mailbox
  }

  get id(): string {
    return this.#options.id
  }

  get concurrency(): number {
    return this.#options.member?.concurrency ?? 0
  }

  /** A worker with messages in hand that has reported nothing for a while is slower than it was. */
  get rate(): number {
    const { member, now, post, held } = this.#options
    if (member === undefined) return 0
    const silentMs = now - Math.max(member.noticedAt, post.idleUntil)
    if (held() === 0 || silentMs <= REPORTS_WITHIN_MS) return member.rate
    const atMost = member.concurrency / silentMs
    return member.rate === 0 ? atMost : Math.min(member.rate, atMost)
  }

  get delayMs(): number {
    return this.#options.delayMs
  }

  get startsInMs(): number {
    const { held, now, delayMs, post } = this.#options
    return held() === 0 ? delayMs : Math.max(0, post.idleUntil - now)
  }

  recall(count: number): void {
    this.#options.post.recall(count)
  }

  room(held: number, isUrgent = false): number {
    const { member, registry, post } = this.#options
    if (member === undefined || !registry.isAlive(member) || post.waitingBytes > MAX_UNREAD) return 0
    if (this.#mailbox === undefined) return 0
    const room = member.capacity - held
    return isUrgent ? member.overCapacity + Math.min(0, room) : room
  }

  async deliver(tickets: readonly TravellingTicket[]): Promise<boolean> {
    const { counts, post, registry, id, held, now, delayMs } = this.#options
    counts.sent += tickets.length
    if (held() === tickets.length) post.idleUntil = now + delayMs
    const isThere = this.#mailbox !== undefined && (await post.tickets(tickets, this.#mailbox))
    // It has no mailbox, so it gets nothing more until it says that it has one.
    if (!isThere) registry.suspect(id)
    return isThere
  }

  revoke(token: number, why: RevokeReason): void {
    this.#options.post.revoke(token, why)
  }

  settled(outcomes: readonly SettledElsewhere[]): void {
    this.#options.post.outcomes(outcomes)
  }
}
