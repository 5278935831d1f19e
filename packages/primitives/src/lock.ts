/**
 * Mutual exclusion across processes: a lease that waits for its turn and renews itself.
 *
 * It prevents two holders from trusting the lock at the same time. What it cannot prevent is a holder that is paused
 * (a stopped process, a long collection of garbage) and goes on after its window: give `fencingToken` to whatever you write to.
 */
import { numberOption, sleep } from '@s3queue/storage'
import { checkOptions } from './check-options.ts'
import { LeaseLost } from './errors.ts'
import { Lease, type LeaseGrant, type LeaseOptions } from './lease.ts'

/** Where a lock lies, who asks for it, and how long a silent owner keeps it. */
export interface LockOptions extends LeaseOptions {
  /** Longest wait between two looks at a lock that others hold, in ms. Default a quarter of `durationMs`. */
  readonly pollMs?: number | undefined
}

/** A lock that is held now, as far as anybody can know. */
export interface HeldLock {
  /** Grows with every owner. */
  readonly fencingToken: number
  /** Aborted, with `LeaseLost` as its reason, when the lock can no longer be trusted. */
  readonly signal: AbortSignal
  /** Gives the lock back. Waits for a renewal under way, and through an outage for as long as others would have to wait anyway. */
  release(): Promise<void>
}

/** Mutual exclusion between processes, with fencing tokens: see `createLock`. */
export interface Lock {
  /** Waits for the lock. */
  acquire(signal?: AbortSignal): Promise<HeldLock>
  /** Runs `work` under the lock and gives it back, whatever happens. `work` should stop when its signal is aborted. */
  run<T>(work: (held: HeldLock) => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** A lock under `options.key`. Makes no request. Throws `InvalidOption`, and `InvalidRequest` for a key that is none. */
export function createLock(options: LockOptions): Lock {
  const who = 'createLock'
  checkOptions(who, options, ['key', 'owner', 'durationMs', 'pollMs'])
  const { pollMs: given, ...ofLease } = options
  const lease = new Lease(ofLease)
  const pollMs = numberOption(who, 'pollMs', given, options.durationMs / 4, { min: 1 })
  const acquire = async (signal?: AbortSignal): Promise<HeldLock> => {
    for (;;) {
      const attempt = await lease.tryAcquire(undefined, { signal })
      if (attempt.outcome === 'acquired') {
        if (await isFresh(attempt.grant, signal)) return keep(options, attempt.grant)
        continue
      }
      const wait = Math.min(attempt.freeInMs, pollMs * (0.5 + options.random.next() / 2))
      await sleep(options.clock, Math.max(1, wait), signal)
    }
  }
  return {
    acquire,
    async run(work, signal) {
      const held = await acquire(signal)
      try {
        return await work(held)
      } finally {
        await held.release()
      }
    },
  }
}

/** Whether the grant can be trusted; one whose window passed while its answer was awaited is renewed first. */
async function isFresh(grant: LeaseGrant<undefined>, signal?: AbortSignal): Promise<boolean> {
  try {
    while (!grant.isValid) await grant.renew(undefined, signal)
    return true
  } catch (error) {
    if (error instanceof LeaseLost) return false
    throw error
  }
}

/** Renews the grant at a third of its duration, and aborts the signal when its window ends unrenewed. */
function keep(options: LockOptions, grant: LeaseGrant<undefined>): HeldLock {
  const { clock, durationMs, key } = options
  const lost = new AbortController()
  let stopped = false
  let renewal: Promise<void> | undefined
  let cancelRenewal = (): void => {}
  let cancelEnd = (): void => {}
  const giveUp = (error: unknown): void => {
    stopped = true
    cancelRenewal()
    cancelEnd()
    lost.abort(error)
  }
  const watchEnd = (): void => {
    cancelEnd()
    cancelEnd = clock.setTimer(Math.max(0, grant.validUntil - clock.monotonic()), () =>
      giveUp(new LeaseLost(`The lock ${key} could not be renewed within ${durationMs} ms.`)),
    )
  }
  const renew = async (): Promise<void> => {
    try {
      await grant.renew(undefined, lost.signal)
      if (stopped) return
      watchEnd()
      cancelRenewal = clock.setTimer(durationMs / 3, startRenewal)
    } catch (error) {
      if (stopped) return
      giveUp(error instanceof LeaseLost ? error : new LeaseLost(`The lock ${key} could not be renewed.`, error))
    }
  }
  const startRenewal = (): void => {
    renewal = renew()
  }
  watchEnd()
  cancelRenewal = clock.setTimer(durationMs / 3, startRenewal)
  return {
    fencingToken: grant.generation,
    signal: lost.signal,
    async release() {
      stopped = true
      cancelRenewal()
      await renewal
      try {
        await grant.release(lost.signal)
      } finally {
        cancelEnd()
      }
    },
  }
}
