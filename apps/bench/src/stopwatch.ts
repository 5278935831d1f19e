/** Time that passes, and time that this process works: on a busy machine the second says more. */
import { systemClock } from '@s3queue/storage'

export interface Elapsed {
  readonly ms: number
  /** Of all cores, the garbage collector's work included. */
  readonly cpuMs: number
}

/** Starts to measure; the function that is returned says how much it is by then. */
export function startStopwatch(): () => Elapsed {
  const startedAt = systemClock.monotonic()
  const cpuBefore = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpuBefore)
    return { ms: systemClock.monotonic() - startedAt, cpuMs: (user + system) / 1000 }
  }
}

/** Things per second. */
export function rateOf(count: number, { ms }: Elapsed): number {
  return count / (ms / 1000)
}

/** Work for each thing, in microseconds. */
export function cpuOf(count: number, { cpuMs }: Elapsed): number {
  return (cpuMs * 1000) / count
}
