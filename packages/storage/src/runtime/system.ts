/** The one place that reads the machine's clock and randomness, and writes to its standard error. Everything else takes them as `Clock`, `Random` and `Ids`. */
import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'
import { createIds, type Ids } from './ids.ts'
import type { Logger } from './logger.ts'
import type { Random } from './random.ts'

/** The machine's clocks and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, callback) {
    if (ms <= 0) {
      const immediate = setImmediate(callback)
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/** Cryptographic randomness of the machine. */
export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}

/** Ids from the machine's clock and randomness. */
export const systemIds: Ids = createIds(systemClock, systemRandom)

/** Node's process warnings: one line on standard error, unless the process is told otherwise (`--no-warnings`, `process.on('warning')`). */
export const systemLogger: Logger = {
  warn: (message) => process.emitWarning(message, 'S3QueueWarning'),
  error: (message) => process.emitWarning(message, 'S3QueueError'),
}
