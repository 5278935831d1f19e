/**
 * Closes queues when the operating system asks the process to end: Ctrl-C, `kill`, `docker stop`, Kubernetes, systemd.
 *
 * The core itself reaches no process: signals come through the port `Signals`, whose default is the machine's.
 */
import {
  assertKnownKeys,
  type Clock,
  type EndSignal,
  InvalidOption,
  type Logger,
  numberOption,
  SIGNAL_EXIT_CODES,
  type Signals,
  sleep,
  systemClock,
  systemLogger,
  systemSignals,
} from '@s3queue/storage'
import type { CloseOptions } from './close-options.ts'

/** What `closeOnSignals` needs of a queue. */
export interface ClosableQueue {
  readonly name: string
  /** Handlers running now. */
  readonly running: number
  close(options?: CloseOptions): Promise<void>
}

/** How `closeOnSignals` ends a process. */
export interface CloseOnSignalsOptions {
  /** How long closing takes at most, in ms: see `CloseOptions`. Default 10,000. */
  readonly timeoutMs?: number | undefined
  /** Gets one line that says what is waited for. Default: Node's process warnings. */
  readonly logger?: Logger | undefined
  /** For tests. Default: the machine's. */
  readonly runtime?: { readonly clock?: Clock | undefined; readonly signals?: Signals | undefined } | undefined
}

/** npm and pnpm pass Ctrl-C on to a program that has got it from the terminal already: a second signal this soon after the first, in ms, is the same key press. */
const SAME_PRESS_MS = 100
/** For a queue that does not keep its bound. */
const GRACE_MS = 1_000

/**
 * Closes the queues on the first SIGTERM or SIGINT, within `timeoutMs`: no new messages are taken, running handlers may finish, and what they did is recorded. Then
 * the signal ends the process as if nothing had listened to it (exit status 143 or 130), unless other code of the process listens to it: then the process leaves
 * by itself. A second signal ends the process immediately. The function that is returned removes the handlers.
 *
 * ```ts
 * closeOnSignals(queue, { timeoutMs: 25_000 })
 * ```
 *
 * Throws `InvalidOption`.
 */
export function closeOnSignals(
  queues: ClosableQueue | readonly ClosableQueue[],
  options: CloseOnSignalsOptions = {},
): () => void {
  const who = 'closeOnSignals'
  assertKnownKeys(who, options, ['timeoutMs', 'logger', 'runtime'])
  const all = 'close' in queues ? [queues] : [...queues]
  for (const queue of all) {
    if (typeof queue?.close !== 'function')
      throw new InvalidOption(who, 'queues', 'must be a queue or an array of queues.')
  }
  const timeoutMs = numberOption(who, 'timeoutMs', options.timeoutMs, 10_000, { max: 12 * 3_600_000 })
  const { logger = systemLogger, runtime = {} } = options
  const { clock = systemClock, signals = systemSignals } = runtime
  let closingSince: number | undefined
  let isRemoved = false

  const closeAll = async (signal: EndSignal): Promise<void> => {
    logger.warn(describe(signal, all, timeoutMs))
    const closed = Promise.all(all.map((queue) => queue.close({ timeoutMs }).catch(report)))
    const late = new AbortController()
    await Promise.race([closed, sleep(clock, timeoutMs + GRACE_MS, late.signal).catch(() => {})])
    late.abort()
    if (isRemoved) return
    remove()
    if (!signals.hasListeners(signal)) signals.raise(signal)
  }
  const report = (error: unknown): void => logger.error(`Closing failed: ${String(error)}`)
  const stop = signals.listen((signal) => {
    if (closingSince === undefined) {
      closingSince = clock.monotonic()
      void closeAll(signal)
    } else if (clock.monotonic() - closingSince >= SAME_PRESS_MS) signals.exit(SIGNAL_EXIT_CODES[signal])
  })
  const remove = (): void => {
    isRemoved = true
    stop()
  }
  return remove
}

function describe(signal: EndSignal, queues: readonly ClosableQueue[], timeoutMs: number): string {
  const names = queues.map(({ name }) => `"${name}"`).join(', ')
  const running = queues.reduce((sum, queue) => sum + queue.running, 0)
  const handlers = running === 1 ? '1 running handler' : `${running} running handlers`
  const wait = running === 0 ? '' : `, waiting for ${handlers}`
  return `${signal}: closing queue ${names}${wait}, for at most ${timeoutMs / 1000} s. A second signal ends the process immediately.`
}
