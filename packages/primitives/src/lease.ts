/**
 * A lease: the right to do something for a while, granted to one owner at a time, renewed by showing signs of life.
 *
 * State in the store: one CAS object with owner and generation. State here: what was last seen of others, and since when on our own
 * monotonic clock. Two things make it trustworthy. The generation grows with each change of owner: hand it to whatever the lease
 * protects, as a fencing token (Kleppmann, "How to do distributed locking", 2016). And the holder's trust window is counted from the
 * *start* of the attempt that got the lease, the others' patience from when they *first saw* that attempt's mark:
 * so the holder stops trusting before anybody else may take over, as long as clocks run at about the same rate (1 % is allowed for).
 */
import { type Ids, InvalidOption, numberOption, type ObjectStore } from '@s3queue/storage'
import { CasObject, type CasVersion, type CasWrite } from './cas-object.ts'
import { checkOptions } from './check-options.ts'
import { isWithin } from './checks.ts'
import { CasUnresolved, LeaseLost } from './errors.ts'
import type { Patience } from './patience.ts'

const DRIFT = 0.01

/** Where a lease lies, who asks for it, and how long it lasts. */
export interface LeaseOptions<D = undefined> extends Patience {
  readonly store: ObjectStore
  readonly key: string
  readonly ids: Ids
  /** Who asks, unique among all processes that ask. */
  readonly owner: string
  /** How long a grant lasts without renewal, in ms. Others wait this long after the last sign of life. */
  readonly durationMs: number
  /** No owner may ask for longer, in ms: a record that does is corrupt. Default: any time. */
  readonly longestMs?: number | undefined
  /** Reads details that any process may have written; undefined: the object is corrupt. Default: any JSON is a `D`. */
  readonly decodeDetails?: ((details: unknown) => D | undefined) | undefined
}

/** A lease never writes a larger record. */
const MAX_BYTES = 256 << 10

/** What the store holds about a lease. `details` is whatever the owner wants others to see. */
export interface LeaseRecord<D> {
  readonly owner: string
  readonly generation: number
  readonly durationMs: number
  /** False after a clean release: anybody may take it at once. */
  readonly held: boolean
  /** The owner's wall clock at its last sign of life, ms since 1970. A hint for humans and for `mayDepose`; never used by the lease itself. */
  readonly aliveAt: number
  readonly details: D
}

/** How an attempt to get a lease ended. */
export type LeaseAttempt<D> =
  /** `before`: what the store said until then; undefined if nobody ever had it. */
  | { readonly outcome: 'acquired'; readonly grant: LeaseGrant<D>; readonly before: LeaseRecord<D> | undefined }
  /** Somebody else has it. `freeInMs`: when it may be taken at the earliest if no further sign of life comes. */
  | { readonly outcome: 'held'; readonly record: LeaseRecord<D>; readonly freeInMs: number }

/** How to ask for a lease. */
export interface AcquireOptions<D> {
  readonly signal?: AbortSignal | undefined
  /**
   * Says that a lease may be taken although its time is not up. Use it only where something stronger than the lease protects the
   * resource, such as a fenced log; it gives up the promise of one trusted holder at a time.
   */
  readonly mayDepose?: ((record: LeaseRecord<D>) => boolean) | undefined
  /** What to show instead of `details`, by the record that is replaced; undefined if there is none. */
  readonly describe?: ((replaced: LeaseRecord<D> | undefined) => D) | undefined
}

/** A version of the record, and since when we know it on our own clock. */
interface Sighting<D> {
  readonly version: CasVersion<LeaseRecord<D>>
  readonly since: number
}

/** One process's view of one lease. */
export class Lease<D = undefined> {
  readonly #options: LeaseOptions<D>
  readonly #object: CasObject<LeaseRecord<D>>
  #seen: Sighting<D> | undefined

  /** Makes no request. Throws `InvalidOption`, and `InvalidRequest` for a key that is none. */
  constructor(options: LeaseOptions<D>) {
    const who = 'Lease'
    checkOptions(who, options, ['key', 'owner', 'durationMs', 'longestMs', 'decodeDetails'])
    const { owner, durationMs, longestMs, decodeDetails, ...shared } = options
    if (typeof owner !== 'string' || owner === '')
      throw new InvalidOption(who, 'owner', `must be a name that no other owner has, not ${JSON.stringify(owner)}.`)
    numberOption(who, 'durationMs', durationMs ?? Number.NaN, 0, { min: 1 })
    this.#options = options
    numberOption(who, 'longestMs', longestMs, 0, { min: durationMs })
    const decode = (value: unknown): LeaseRecord<D> | undefined => decodeRecord(value, longestMs, decodeDetails)
    this.#object = new CasObject({ ...shared, maxBytes: MAX_BYTES, decode })
  }

  /** What the store says now, without trying to take it; undefined if nobody ever had it. */
  async observe(signal?: AbortSignal): Promise<LeaseRecord<D> | undefined> {
    return (await this.#look(signal))?.version.value
  }

  /**
   * Takes the lease if it is free, was released, or has shown no sign of life for its whole duration *while we watched*.
   * So the first call on somebody's lease never gets it; ask again after `freeInMs`.
   */
  async tryAcquire(details: D, options: AcquireOptions<D> = {}): Promise<LeaseAttempt<D>> {
    const { clock, owner, durationMs } = this.#options
    const seen = await this.#look(options.signal)
    const current = seen?.version.value
    if (current !== undefined && this.#freeInMs(seen) > 0 && options.mayDepose?.(current) !== true) {
      return { outcome: 'held', record: current, freeInMs: this.#freeInMs(seen) }
    }
    const startedAt = clock.monotonic()
    const generation = (current?.generation ?? 0) + 1
    const shown = options.describe === undefined ? details : options.describe(current)
    const record = { owner, generation, durationMs, held: true, aliveAt: clock.now(), details: shown }
    const now = await writeOrSee(this.#object, seen?.version, record, options.signal)
    const nowSeen = this.#note(now.current)
    if (now.outcome === 'written' && isOf(now.current.value, owner, generation)) {
      const grant = new LeaseGrant(this.#options, this.#object, now.current, startedAt)
      return { outcome: 'acquired', grant, before: current }
    }
    return { outcome: 'held', record: now.current?.value ?? record, freeInMs: this.#freeInMs(nowSeen) }
  }

  /** The current version and since when we know it: one value, as another call on this lease may change `#seen` meanwhile. */
  async #look(signal?: AbortSignal): Promise<Sighting<D> | undefined> {
    const known = this.#seen
    const answer =
      known === undefined ? await this.#object.read(signal) : await this.#object.readIfChanged(known.version, signal)
    return answer === 'unchanged' ? known : this.#note(answer)
  }

  #note(version: CasVersion<LeaseRecord<D>> | undefined): Sighting<D> | undefined {
    if (version === undefined) this.#seen = undefined
    else if (version.nonce !== this.#seen?.version.nonce)
      this.#seen = { version, since: this.#options.clock.monotonic() }
    return this.#seen
  }

  #freeInMs(seen: Sighting<D> | undefined): number {
    if (seen === undefined || !seen.version.value.held) return 0
    return Math.max(0, seen.since + seen.version.value.durationMs - this.#options.clock.monotonic())
  }
}

/** A lease that was granted to us. Trust it only while `isValid`. */
export class LeaseGrant<D> {
  /** The fencing token: higher for every later owner. */
  readonly generation: number
  readonly #options: LeaseOptions<D>
  readonly #object: CasObject<LeaseRecord<D>>
  #version: CasVersion<LeaseRecord<D>>
  #validUntil: number
  #over = false

  /** Made by `Lease.tryAcquire`. */
  constructor(
    options: LeaseOptions<D>,
    object: CasObject<LeaseRecord<D>>,
    version: CasVersion<LeaseRecord<D>>,
    startedAt: number,
  ) {
    this.#options = options
    this.#object = object
    this.#version = version
    this.generation = version.value.generation
    this.#validUntil = startedAt + options.durationMs * (1 - DRIFT)
  }

  /** The moment on the monotonic clock until which the lease may be trusted. */
  get validUntil(): number {
    return this.#validUntil
  }

  get isValid(): boolean {
    return !this.#over && this.#options.clock.monotonic() < this.#validUntil
  }

  /**
   * Gives a sign of life and extends the trust window. Throws `LeaseLost` if another owner has it. Renewing after the window has ended is allowed:
   * the lease is still ours if nobody took it. One call of `renew` or `release` at a time. `durationMs`: how long it lasts from this renewal on, until the
   * next one says otherwise. Default: what the lease was made with.
   */
  async renew(details: D, signal?: AbortSignal, durationMs: number = this.#options.durationMs): Promise<void> {
    const { clock, owner } = this.#options
    if (this.#over) throw new LeaseLost(`The lease ${this.#object.key} of ${owner} was released or lost before.`)
    const startedAt = clock.monotonic()
    const record = { ...this.#version.value, durationMs, aliveAt: clock.now(), details }
    await this.#write(record, signal)
    this.#validUntil = startedAt + durationMs * (1 - DRIFT)
  }

  /**
   * Gives the lease back, so that others need not wait; from the call on it is not to be trusted. No error if it was lost already. `details`: what the
   * record says from then on. Default: what it says now.
   */
  async release(signal?: AbortSignal, details: D = this.#version.value.details): Promise<void> {
    if (this.#over) return
    this.#over = true
    try {
      await this.#write({ ...this.#version.value, details, aliveAt: this.#options.clock.now(), held: false }, signal)
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
    }
  }

  async #write(record: LeaseRecord<D>, signal?: AbortSignal): Promise<void> {
    const write = await writeOrSee(this.#object, this.#version, record, signal)
    const now = write.current?.value
    if (write.outcome !== 'written' || !isOf(write.current.value, record.owner, this.generation)) {
      this.#over = true
      throw new LeaseLost(
        `The lease ${this.#object.key} of ${record.owner} has passed to ${now?.owner ?? 'nobody: its object is gone'}.`,
      )
    }
    this.#version = write.current
  }
}

/** A record as any process may have written it; undefined if it is not one. */
function decodeRecord<D>(
  value: unknown,
  longestMs: number | undefined,
  decodeDetails: ((details: unknown) => D | undefined) | undefined,
): LeaseRecord<D> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { owner, generation, durationMs, held, aliveAt, details } = value as Partial<LeaseRecord<unknown>>
  if (typeof owner !== 'string' || typeof held !== 'boolean' || !isWithin(aliveAt, Number.MAX_SAFE_INTEGER))
    return undefined
  if (!Number.isSafeInteger(generation) || !isWithin(generation, Number.MAX_SAFE_INTEGER - 1)) return undefined
  if (!isWithin(durationMs, longestMs ?? Number.MAX_VALUE)) return undefined
  const shown = decodeDetails === undefined ? (details as D) : decodeDetails(details)
  if (decodeDetails !== undefined && shown === undefined) return undefined
  return { owner, generation, durationMs, held, aliveAt, details: shown as D }
}

function isOf<D>(record: LeaseRecord<D>, owner: string, generation: number): boolean {
  return record.owner === owner && record.generation === generation
}

/**
 * Writes a record. Where so many came after it that nobody can tell whether it took place, others have it now all the same: one
 * owner writes one record at a time, so a record that many others were written on is not the current one.
 */
async function writeOrSee<D>(
  object: CasObject<LeaseRecord<D>>,
  base: CasVersion<LeaseRecord<D>> | undefined,
  record: LeaseRecord<D>,
  signal?: AbortSignal,
): Promise<CasWrite<LeaseRecord<D>>> {
  try {
    return await object.write(base, record, signal)
  } catch (error) {
    if (!(error instanceof CasUnresolved)) throw error
    return { outcome: 'lost', current: await object.read(signal) }
  }
}
