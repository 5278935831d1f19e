import { InvalidOption } from '@s3queue/storage'

/** Throws `InvalidOption` for what is given as the option `signal` and is none. */
export function assertSignal(who: string, signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new InvalidOption(who, 'signal', 'must be an AbortSignal, such as the signal of an AbortController.')
}
