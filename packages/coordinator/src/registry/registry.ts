/**
 * The writer's memory of all workers: who is there, how much each would take, and who has gone silent.
 *
 * One process reads the signs of life, the writer, and each only when it is due: N workers cost N reads, not N times N. What it
 * knows it writes into one object for all others.
 */
import type { NoticeCommand, WriterTerm } from '@s3queue/core/transport'
import { persistently } from '@s3queue/primitives'
import { asProcessIdentity, type ETag } from '@s3queue/storage'
import { FormatMismatch, SameWorkerId } from '../errors.ts'
import { mailboxKey, workerKey, workersPrefix } from '../keys.ts'
import { FORMAT } from '../mailbox/record.ts'
import type { ResolvedCoordinatorOptions } from '../options.ts'
import { Lifetimes } from './lifetimes.ts'
import { Publisher } from './publisher.ts'
import { Recency } from './recency.ts'
import { decodeRecord, nameOf, type RegistryRecord, type WorkerRecord } from './record.ts'

/** Signs are read so many at a time. */
const READS_AT_ONCE = 32
/** What so many workers left behind goes with one request. */
const DELETES_AT_ONCE = 500
/** All signs are listed again after so many rounds: for workers whose first notice was lost, and for what the dead left behind. */
const ROUNDS_PER_LIST = 18
/** A worker that came is published after this long in ms, together with others that came meanwhile. */
const SOON_MS = 500
/** What a silent worker left behind is deleted after so long. */
const FORGET_AFTER_MS = 3_600_000

/** What is known of one worker. */
export interface Member {
  readonly id: string
  /** Where it reads what it is told. */
  mailbox: string | undefined
  capacity: number
  /** How many more it takes of messages that are more urgent than those it holds. */
  overCapacity: number
  /** How many handlers it runs at once. */
  concurrency: number
  /** Messages per ms that its handlers finish while all of them are busy; 0 if that is not known. */
  rate: number
  /** For how long it may be silent after `heardAt`. */
  silentForMs: number
  /** When it last gave a sign, monotonic. */
  heardAt: number
  /** When its last notice came, monotonic: workers that send notices look into their mailboxes often. */
  noticedAt: number
  /** When its sign was last looked at, monotonic. */
  readAt: number
  /** Claims of it ran out since then. */
  suspected: boolean
  /** The highest number of its notices. */
  notice: number
  record: WorkerRecord | undefined
  etag: ETag | undefined
}

export interface RegistryOptions {
  readonly term: WriterTerm
  readonly options: ResolvedCoordinatorOptions
  /** Somebody came, went, or has other room than before. */
  readonly onChange: () => void
  /** This one is not known any more. */
  readonly onForgotten: (id: string) => void
}

export class Registry {
  readonly #options: RegistryOptions
  readonly #members = new Map<string, Member>()
  readonly #byNotice = new Recency<Member>()
  readonly #lifetimes = new Lifetimes()
  /** The worker of this process at the last round. */
  #local: string | undefined
  readonly #told = new Set<string>()
  /** Workers whose processes have ended: what they sent before may come later. */
  readonly #ended = new Set<string>()
  readonly #publisher: Publisher
  #rounds = 0
  #isInRound = false
  /** A worker came that no process but this one knows of. */
  #isAwaited = false
  #cancelTimer: () => void = () => {}

  constructor(options: RegistryOptions) {
    this.#options = options
    const { term } = options
    this.#publisher = new Publisher(term)
    term.signal.addEventListener('abort', () => this.#cancelTimer(), { once: true })
  }

  /** Reads who is there, and from then on now and then, until the term ends. */
  start(): void {
    void this.#round()
  }

  get(id: string): Member | undefined {
    return this.#members.get(id)
  }

  /** All that are known, silent ones too. */
  members(): Iterable<Member> {
    return this.#members.values()
  }

  /** All that are known, from the one whose notice came last; those that never sent one come last. */
  latestFirst(): Iterable<Member> {
    return this.#byNotice.latestFirst()
  }

  isAlive({ heardAt, silentForMs, suspected }: Member): boolean {
    return !suspected && this.#now() - heardAt <= silentForMs
  }

  /** A notice came. False if a later one came before. */
  heard(command: NoticeCommand): boolean {
    const { worker, number, mailbox, process, capacity, overCapacity, concurrency, rate, silentForMs, format } = command
    if (format !== FORMAT) {
      this.#tellOnce(worker, new FormatMismatch(workerKey(this.#options.term.queue.prefix, worker), format, FORMAT))
      return false
    }
    if (this.#ended.has(worker)) return false
    const member = this.#member(worker)
    if (number < member.notice) return false
    if (capacity === 0 && silentForMs === 0) {
      this.#forget(member)
      return true
    }
    const isNews = member.suspected || capacity !== member.capacity || rate < member.rate / 2 || member.notice === 0
    const now = this.#now()
    Object.assign(member, { notice: number, capacity, overCapacity, concurrency, rate, silentForMs })
    Object.assign(member, { heardAt: now, noticedAt: now, suspected: false })
    member.mailbox = mailbox ?? member.mailbox
    this.#byNotice.spoke(member)
    this.#lives(worker, now)
    if (isNews) this.#options.onChange()
    if (member.record === undefined) this.#roundSoon()
    this.#runsIn(worker, process)
    return true
  }

  /** The process of this worker has ended: it is forgotten, with all that it left behind. */
  ended(id: string): void {
    this.#ended.add(id)
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#forget(member)
    const { queue, signal } = this.#options.term
    const keys = [mailboxKey(queue.prefix, id), workerKey(queue.prefix, id)]
    void this.#patiently(() => queue.store.delete(keys, { signal })).catch((error: unknown) => this.#troubleWith(error))
  }

  /** Claims of it ran out: it gets nothing until it gives a sign. */
  suspect(id: string): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    member.suspected = true
    this.#options.onChange()
  }

  /** What is known, in words for others. */
  describe(): RegistryRecord {
    const { term } = this.#options
    const writer = term.localWorker()?.id
    // Its own worker may be among them, by what it said before this process became the writer.
    const alive = [...this.#members.values()].filter((member) => member.id !== writer && this.isAlive(member))
    const workers = alive.flatMap(({ record }) => (record === undefined ? [] : [record]))
    return { format: FORMAT, epoch: term.epoch, writer, workers }
  }

  #member(id: string): Member {
    let member = this.#members.get(id)
    if (member === undefined) {
      member = {
        ...{
          id,
          mailbox: undefined,
          capacity: 0,
          overCapacity: 0,
          concurrency: 0,
          rate: 0,
          silentForMs: 0,
          heardAt: this.#now(),
          noticedAt: Number.NEGATIVE_INFINITY,
          readAt: 0,
          suspected: false,
          notice: 0,
        },
        ...{ record: undefined, etag: undefined },
      }
      this.#members.set(id, member)
      this.#lifetimes.saw(id, this.#now())
      this.#byNotice.add(member)
    }
    return member
  }

  #now(): number {
    return this.#options.term.queue.clock.monotonic()
  }

  /** Never rejects. `isExtra`: between two rounds at the usual interval. */
  async #round(isExtra = false): Promise<void> {
    const { term } = this.#options
    this.#isInRound = true
    this.#isAwaited = false
    try {
      if (!isExtra && this.#rounds++ % ROUNDS_PER_LIST === 0) await this.#list()
      await this.#readDue()
      this.#reportSharedNames()
      await this.#publisher.publish(this.describe())
    } catch (error) {
      this.#troubleWith(error)
    }
    this.#isInRound = false
    if (!term.signal.aborted) this.#schedule()
  }

  /** Without this, other processes would learn of a worker up to a heartbeat interval after it came. */
  #roundSoon(): void {
    if (this.#isAwaited) return
    this.#isAwaited = true
    if (!this.#isInRound && !this.#options.term.signal.aborted) this.#schedule()
  }

  #schedule(): void {
    const { term, options } = this.#options
    const isExtra = this.#isAwaited && options.heartbeatIntervalMs > SOON_MS
    const waitMs = isExtra ? SOON_MS : options.heartbeatIntervalMs
    this.#cancelTimer()
    this.#cancelTimer = term.queue.clock.setTimer(waitMs, () => void this.#round(isExtra))
  }

  #troubleWith(error: unknown): void {
    const { signal, trouble } = this.#options.term
    if (!signal.aborted) trouble(error)
  }

  async #list(): Promise<void> {
    const { queue, localWorker, signal } = this.#options.term
    const prefix = workersPrefix(queue.prefix)
    const found = new Set<string>()
    let startAfter: string | undefined
    do {
      const page = await this.#patiently(() => queue.store.list({ prefix, startAfter, signal }))
      for (const { key } of page.entries) found.add(key.slice(prefix.length))
      startAfter = page.truncated ? page.entries.at(-1)?.key : undefined
    } while (startAfter !== undefined)
    const local = localWorker()?.id
    const isUnknown = (id: string): boolean => id !== local && !this.#members.has(id) && !this.#ended.has(id)
    const unknown = [...found].filter(isUnknown)
    await this.#inParts(unknown, (id) => this.#read(id))
    const gone: Member[] = []
    for (const member of this.#members.values()) {
      const silentMs = this.#now() - member.heardAt
      if (!found.has(member.id) && silentMs > member.silentForMs) this.#forget(member)
      else if (silentMs > FORGET_AFTER_MS) gone.push(member)
    }
    await this.#clearAway(gone)
  }

  /** Signs of those that only sent a notice so far, and signs that should have changed since they were last seen; those of the dead more and more seldom. */
  async #readDue(): Promise<void> {
    const now = this.#now()
    const { heartbeatTtlMs } = this.#options.options
    const due = [...this.#members.values()].filter((member) => {
      const silentMs = now - member.heardAt
      if (this.isAlive(member)) {
        const { record, silentForMs } = member
        return record === undefined || silentMs > Math.max(silentForMs / 2, silentForMs - heartbeatTtlMs)
      }
      return now - member.readAt > silentMs / 4
    })
    await this.#inParts(due, ({ id }) => this.#read(id))
  }

  async #read(id: string): Promise<void> {
    const { queue, signal } = this.#options.term
    const key = workerKey(queue.prefix, id)
    const known = this.#members.get(id)
    const readBefore = known?.record === undefined ? undefined : known.readAt
    const readAt = this.#now()
    if (known !== undefined) known.readAt = readAt
    const ifNoneMatch = known?.etag
    const answer = await this.#patiently(() => queue.store.get(key, { ifNoneMatch, signal }))
    if (answer.outcome === 'not-modified') return
    if (answer.outcome === 'not-found') {
      const gone = this.#members.get(id)
      if (gone !== undefined && !this.isAlive(gone)) this.#forget(gone)
      return
    }
    const record = decodeRecord<WorkerRecord>(answer.body)
    if (!('id' in record)) {
      this.#tellOnce(id, new FormatMismatch(key, Number(record.format), FORMAT))
      return
    }
    if (this.#ended.has(id)) return
    const isFirst = !this.#members.has(id)
    const member = this.#member(id)
    Object.assign(member, {
      record,
      etag: answer.etag,
      readAt,
      silentForMs: record.silentForMs,
      heardAt: this.#now() - (isFirst ? this.#ageMs(record) : 0),
      // Its process was silent a moment ago, whatever its last sign promised: it gets nothing until it gives another one.
      suspected: isFirst && id === this.#options.term.predecessor,
    })
    member.mailbox = record.mailbox ?? member.mailbox
    if (member.notice === 0) Object.assign(member, { capacity: record.capacity, concurrency: record.concurrency })
    if (readBefore !== undefined) this.#lives(id, readBefore)
    this.#options.onChange()
    this.#runsIn(id, record.process)
  }

  /** `process`: as the worker wrote it. */
  #runsIn(id: string, process: unknown): void {
    const identity = asProcessIdentity(process)
    if (identity !== undefined) this.#options.term.runsIn(id, identity)
  }

  /**
   * How old a sign is that was not seen before, as far as two clocks can say: only a great age is believed, else the worker has the time that it asked for.
   * Without that, whoever writes for moments only would take those for alive who died long ago, and never clear away what they left behind.
   */
  #ageMs({ saidAt, silentForMs }: WorkerRecord): number {
    const now = this.#options.term.queue.clock.now()
    const ageMs = now - (saidAt ?? now)
    return ageMs > silentForMs + FORGET_AFTER_MS ? ageMs : 0
  }

  #forget(member: Member): void {
    this.#members.delete(member.id)
    this.#byNotice.delete(member)
    this.#lifetimes.forget(member.id)
    this.#options.onForgotten(member.id)
    this.#options.term.runsIn(member.id, undefined)
    this.#options.onChange()
  }

  async #clearAway(members: readonly Member[]): Promise<void> {
    const { queue, held, signal } = this.#options.term
    const { prefix, store } = queue
    for (let from = 0; from < members.length; from += DELETES_AT_ONCE) {
      const some = members.slice(from, from + DELETES_AT_ONCE).filter(({ id }) => held(id) === 0)
      const keys = some.flatMap(({ id }) => [mailboxKey(prefix, id), workerKey(prefix, id)])
      if (keys.length > 0) await this.#patiently(() => store.delete(keys, { signal }))
      for (const member of some) this.#forget(member)
    }
  }

  /** The worker wrote something that came after `since`. A write may arrive late, also after its process has ended, but not this late. */
  #lives(id: string, since: number): void {
    this.#lifetimes.livedAt(id, since - this.#options.options.heartbeatTtlMs)
  }

  /** Reports names that two workers have while both are alive. A worker that restarts under its name is not one of two. */
  #reportSharedNames(): void {
    const { queue, localWorker } = this.#options.term
    const local = localWorker()?.id
    if (this.#local !== undefined && this.#local !== local && !this.#members.has(this.#local)) {
      this.#lifetimes.forget(this.#local)
    }
    this.#local = local
    if (local !== undefined) {
      this.#lifetimes.saw(local, this.#now())
      this.#lifetimes.livedAt(local, this.#now())
    }
    const byName = new Map<string, string[]>()
    const alive = [...this.#members.values()].filter((member) => member.id !== local && this.isAlive(member))
    for (const id of [...alive.map((member) => member.id), ...(local === undefined ? [] : [local])]) {
      const name = nameOf(id)
      if (name === undefined || this.#told.has(nameKey(name))) continue
      const others = byName.get(name) ?? []
      if (others.some((other) => this.#lifetimes.overlap(id, other))) {
        this.#tellOnce(nameKey(name), new SameWorkerId(queue.name, name))
      }
      byName.set(name, [...others, id])
    }
  }

  #tellOnce(about: string, error: Error): void {
    if (this.#told.has(about)) return
    this.#told.add(about)
    this.#options.term.trouble(error)
  }

  #patiently<T>(request: () => Promise<T>): Promise<T> {
    const { queue, signal, trouble } = this.#options.term
    return persistently({ clock: queue.clock, random: queue.random, onTrouble: trouble }, request, signal)
  }

  async #inParts<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    for (let from = 0; from < items.length; from += READS_AT_ONCE) {
      await Promise.all(items.slice(from, from + READS_AT_ONCE).map(work))
    }
  }
}

function nameKey(name: string): string {
  return `name:${name}`
}
