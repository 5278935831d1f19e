import type { Link } from './exchange.ts'

/** What was asked of whom, for the words of an error. */
export interface Attempt {
  /** The request in S3's words, such as `PutObject`. */
  readonly operation: string
  readonly key?: string | undefined
  readonly bucket: string
  readonly description: string
  /** This side's wall clock, for the words about a wrong one. */
  readonly nowMs: number
}

export function attemptAt(link: Link, operation: string, key?: string): Attempt {
  const { description, options } = link
  return { operation, key, description, bucket: options.bucket, nowMs: options.clock.now() }
}
