/** How a check of the probe ends other than well. */
import { type StoreError, UnsupportedStore } from '../port/errors.ts'
import type { ETag, GetResult, PutResult } from '../port/object-store.ts'

/** The store does not keep the port. `saw` goes on from the store's name: `let 3 of 8 racing create-only writes through`. */
export class Broken extends Error {
  readonly saw: string

  constructor(saw: string) {
    super(saw)
    this.name = 'Broken'
    this.saw = saw
  }
}

/** A request got no usable answer, so that the check proves nothing and has to be made again. */
export class Inconclusive extends Error {
  readonly retryAfterMs: number | undefined

  constructor(error: StoreError & { readonly retryAfterMs?: number | undefined }) {
    super(error.message, { cause: error })
    this.name = 'Inconclusive'
    this.retryAfterMs = error.retryAfterMs
  }
}

/**
 * A write was refused that should have been taken. Either the store is wrong, or a network delivered the request twice and the answer is that to the second: the check
 * has to be made again.
 */
export class Doubtful extends Broken {
  constructor(saw: string) {
    super(saw)
    this.name = 'Doubtful'
  }
}

/** The error for the user: which store, which check, what it saw, what to do. */
export function unsupported(description: string, check: string, saw: string): UnsupportedStore {
  return new UnsupportedStore(
    `The store ${description} ${saw} (check "${check}"). Queues on it would lose or repeat messages, so it is refused. ` +
      'Use a store with atomic conditional writes, such as Amazon S3 or MinIO. If a gateway, a proxy or a cache stands in front of the store, go around it.',
  )
}

/** Takes an outcome that must be `stored`. */
export function expectStored(result: PutResult, what: string): ETag {
  if (result.outcome === 'stored') return result.etag
  if (result.outcome === 'unknown') throw new Inconclusive(result.error)
  throw new Doubtful(`refused ${what}`)
}

/** Takes an outcome that must be `precondition-failed`. */
export function expectRefused(result: PutResult, what: string): void {
  if (result.outcome === 'unknown') throw new Inconclusive(result.error)
  if (result.outcome === 'stored') throw new Broken(`took ${what}`)
}

/** Takes a read that must have found `text`, in the version `etag`. */
export function expectFound(result: GetResult, text: string, etag: ETag, when: string): void {
  if (result.outcome !== 'found') throw new Broken(`answered "${result.outcome}" to a get ${when}`)
  if (new TextDecoder().decode(result.body) !== text)
    throw new Broken(`gave another body than it should to a get ${when}`)
  if (result.etag !== etag)
    throw new Broken(`gave the ETag ${result.etag} to a get ${when}, and ${etag} to the put before`)
}

export function expectAbsent(result: GetResult, when: string): void {
  if (result.outcome !== 'not-found') throw new Broken(`answered "${result.outcome}" to a get ${when}`)
}
