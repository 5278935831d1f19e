/**
 * Lets a limited number of calls into the file system at once, so that a burst cannot use up the process's file descriptors, and
 * lets a caller go as soon as its signal is aborted, though system calls cannot be called back.
 *
 * State: how many are in, and who waits.
 */
import { orAborted } from '@s3queue/storage'

export interface Gate {
  /** Runs `work` when its turn comes. Rejects with the signal's reason once that is aborted; work that has begun goes on. */
  run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>
}

export function createGate(width: number): Gate {
  const waiting: (() => void)[] = []
  let inside = 0

  const enter = async (): Promise<void> => {
    if (inside < width) inside++
    else await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) inside--
    else next()
  }
  const pass = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    await enter()
    try {
      signal?.throwIfAborted()
      return await work()
    } finally {
      leave()
    }
  }

  return {
    run: (signal, work) => orAborted(pass(signal, work), signal),
  }
}
