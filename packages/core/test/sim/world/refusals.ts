/** A store that refuses a process for a while, after a write of it had no answer: sessions end, policies change, buckets go away for a moment. */
import { AccessDenied, type Clock, InvalidRequest, NoSuchBucket, type Random, StoreError } from '@s3queue/storage'
import { between, chance, pick } from './draw.ts'

const LONGEST_MS = 6_000

const KINDS = [
  (key: string) => new AccessDenied(`The session has ended (injected, ${key}).`),
  (key: string) => new NoSuchBucket(`The bucket is away (injected, ${key}).`),
  (key: string) => new InvalidRequest(`The clock is skewed (injected, ${key}).`),
] as const

/** Codes of the errors with which the store refuses. */
const REFUSAL_CODES: readonly string[] = ['ACCESS_DENIED', 'NO_SUCH_BUCKET', 'INVALID_REQUEST']

export function isRefusal(error: unknown): boolean {
  return error instanceof StoreError && REFUSAL_CODES.includes(error.code)
}

export interface RefusalsOptions {
  readonly clock: Clock
  readonly random: Random
  /** Of the writes without an answer, those after which the store refuses. */
  readonly share: number
  /** From then on nothing is refused. */
  readonly isCalm: () => boolean
}

export class Refusals {
  readonly #options: RefusalsOptions
  #refusedUntil = Number.NEGATIVE_INFINITY

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /** A write had no answer. */
  unanswered(): void {
    const { clock, random, share } = this.#options
    if (chance(random, share)) this.#refusedUntil = clock.monotonic() + between(random, 10, LONGEST_MS)
  }

  /** Throws if the store refuses now. */
  pass(key: string): void {
    const { clock, random, isCalm } = this.#options
    if (clock.monotonic() < this.#refusedUntil && !isCalm()) throw pick(random, KINDS)(key)
  }
}
