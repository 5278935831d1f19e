/**
 * The one place that reads the machine's clock, randomness, async contexts and processes, listens to signals, and writes to standard error. Everything else takes
 * them as `Clock`, `Random`, `Ids`, `AsyncContexts`, `Processes` and `Signals`.
 *
 * Timers and clocks are taken when this file is imported. A test that fakes them later (`useFakeTimers` of vitest, jest or sinon) must not stop the
 * timers of a queue: its calls would never end, as real requests do not advance fake time.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { randomFillSync } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { AsyncContexts, CapturedContext } from './async-contexts.ts'
import type { Clock } from './clock.ts'
import { createIds, type Ids } from './ids.ts'
import { createLinuxProcesses } from './linux-processes.ts'
import type { Logger } from './logger.ts'
import { type Processes, unknownProcesses } from './processes.ts'
import type { Random } from './random.ts'
import type { Signals } from './signals.ts'

const { setTimeout: startTimeout, clearTimeout: stopTimeout, setImmediate: startImmediate } = globalThis
const { clearImmediate: stopImmediate } = globalThis
const wallNow = Date.now.bind(Date)
const monotonicNow = performance.now.bind(performance)

/** `setTimeout` keeps its ms in 32 bits, and what is longer (24.8 days) it calls at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** The machine's clocks and timers. */
export const systemClock: Clock = {
  now: wallNow,
  monotonic: monotonicNow,
  setTimer(ms, callback) {
    if (ms <= 0) {
      const immediate = startImmediate(callback)
      return () => stopImmediate(immediate)
    }
    if (ms > LONGEST_TIMEOUT_MS) {
      let cancel = systemClock.setTimer(LONGEST_TIMEOUT_MS, () => {
        cancel = systemClock.setTimer(ms - LONGEST_TIMEOUT_MS, callback)
      })
      return () => cancel()
    }
    const timer = startTimeout(callback, ms)
    return () => stopTimeout(timer)
  },
}

/** Drawn from the machine a few KiB at a time: a call for each number would cost more than all else that an id takes. */
const pool = Buffer.alloc(6 * 1024)
let drawn = pool.length

/** Cryptographic randomness of the machine. */
export const systemRandom: Random = {
  next() {
    if (drawn === pool.length) {
      randomFillSync(pool)
      drawn = 0
    }
    drawn += 6
    return pool.readUIntBE(drawn - 6, 6) / 2 ** 48
  },
}

/** Ids from the machine's clock and randomness. */
export const systemIds: Ids = createIds(systemClock, systemRandom)

/** A mark and those of the contexts around it. */
interface Mark {
  readonly mark: object
  readonly outer: Mark | undefined
}

/**
 * Undefined in Node before 24, where an `AsyncLocalStorage` sets a hook on every promise of the process: 1.1 µs for each message, measured with
 * `--no-async-context-frame`. There a mark is seen only in the synchronous part of a callback. A storage that needs the hook has the method `_enable`.
 */
const marks = '_enable' in AsyncLocalStorage.prototype ? undefined : new AsyncLocalStorage<Mark>()
/** Without `marks`: of the callback that runs now. */
let calling: Mark | undefined

/** `AsyncLocalStorage.snapshot()` does the same and takes ten times as long for each call. */
function captureHere(): CapturedContext {
  const resource = new AsyncResource('S3Queue')
  return { run: (callback, ...args) => resource.runInAsyncScope(callback, undefined, ...args) }
}

function markedCalls(inner: Mark): CapturedContext {
  const here = captureHere()
  return {
    run(callback, ...args) {
      const before = calling
      calling = inner
      try {
        return here.run(callback, ...args)
      } finally {
        calling = before
      }
    },
  }
}

function innermost(): Mark | undefined {
  return marks === undefined ? calling : marks.getStore()
}

/** The async contexts of this process. */
export const systemContexts: AsyncContexts = {
  outside: captureHere(),
  capture(mark) {
    if (mark === undefined) return captureHere()
    const inner = { mark, outer: innermost() }
    return marks === undefined ? markedCalls(inner) : marks.run(inner, captureHere)
  },
  isWithin(mark) {
    let inner = innermost()
    while (inner !== undefined && inner.mark !== mark) inner = inner.outer
    return inner !== undefined
  },
}

/** Node's process warnings: one line on standard error, unless the process is told otherwise (`--no-warnings`, `process.on('warning')`). */
export const systemLogger: Logger = {
  warn: (message) => process.emitWarning(message, 'S3QueueWarning'),
  error: (message) => process.emitWarning(message, 'S3QueueError'),
}

/** The machine's processes on Linux. Elsewhere nothing about other processes is certain. */
export const systemProcesses: Processes =
  process.platform === 'linux'
    ? createLinuxProcesses({
        pid: process.pid,
        hostname,
        read: (path) => readFileSync(path, 'utf8'),
        readLink: (path) => readlinkSync(path),
        probe: probeProcess,
      })
    : unknownProcesses

/** Signal 0 reaches no process: the kernel only says whether it could. */
function probeProcess(pid: number): 'there' | 'missing' | 'refused' {
  try {
    process.kill(pid, 0)
    return 'there'
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH' ? 'missing' : 'refused'
  }
}

/** The signals of this process. */
export const systemSignals: Signals = {
  listen(listener) {
    const onTerm = (): void => listener('SIGTERM')
    const onInterrupt = (): void => listener('SIGINT')
    process.on('SIGTERM', onTerm)
    process.on('SIGINT', onInterrupt)
    return () => {
      process.off('SIGTERM', onTerm)
      process.off('SIGINT', onInterrupt)
    }
  },
  hasListeners: (signal) => process.listenerCount(signal) > 0,
  raise: (signal) => void process.kill(process.pid, signal),
  exit: (code) => process.exit(code),
}
