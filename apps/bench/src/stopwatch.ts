/** Time that passes, time that this process works, and memory it asks for: on a busy machine the latter two say more. */
import { systemClock } from '@s3queue/storage'
import { startCountingAllocations } from './allocations.ts'

export interface Elapsed {
  readonly ms: number
  /** Of all cores, the garbage collector's work included. */
  readonly cpuMs: number
  /** Bytes of the JavaScript heap, whether or not they were collected again. */
  readonly allocated: number
}

/** Starts to measure; the function that is returned says how much it is by then, and is called once. */
export function startStopwatch(): () => Elapsed {
  const allocations = startCountingAllocations()
  const startedAt = systemClock.monotonic()
  const cpuBefore = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpuBefore)
    return {
      ms: systemClock.monotonic() - startedAt,
      cpuMs: (user + system) / 1000,
      allocated: allocations(),
    }
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

/** Memory that each thing asks for, in bytes. */
export function allocatedOf(count: number, { allocated }: Elapsed): number {
  return allocated / count
}
