/**
 * Looks once a day for payload objects that no message names, and writes down which there are. What becomes of them is decided by the state:
 * see `../state/payload-keys.ts`.
 */
import { persistently } from '@s3queue/primitives'
import type { QueueState } from '../state/model.ts'
import type { EngineContext } from './context.ts'

const EVERY_MS = 24 * 3_600_000
/** A process that comes, works and leaves has better things to do. */
const NOT_BEFORE_MS = 60_000
/** What is noted at once; the rest is for another day. */
const MAX_NOTED = 10_000

export interface OrphanWatchOptions {
  readonly context: EngineContext
  readonly state: QueueState
  /** These are there, and were named by no message when they were listed. */
  readonly onFound: (payloadKeys: readonly string[]) => void
  readonly signal: AbortSignal
}

export class OrphanWatch {
  readonly #options: OrphanWatchOptions
  #cancelTimer: () => void = () => {}

  constructor(options: OrphanWatchOptions) {
    this.#options = options
  }

  /** Looks when it is time, from now on until the signal is aborted. */
  start(): void {
    const { context, state, signal } = this.#options
    if (signal.aborted) return
    const dueInMs = state.payloadKeys.sweptAt + EVERY_MS - context.wallNow()
    const waitMs = Math.min(EVERY_MS, Math.max(NOT_BEFORE_MS, dueInMs))
    this.#cancelTimer = context.options.clock.setTimer(waitMs, () => void this.#look())
  }

  stop(): void {
    this.#cancelTimer()
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { context, onFound, signal } = this.#options
    try {
      onFound(await this.#list())
    } catch (error) {
      if (signal.aborted) return
      context.trouble(error)
    }
    this.start()
  }

  async #list(): Promise<string[]> {
    const { context, state, signal } = this.#options
    const { options, trouble } = context
    const prefix = `${options.prefix}payloads/`
    const { used, garbage, unnamed } = state.payloadKeys
    const found: string[] = []
    let startAfter: string | undefined
    do {
      const list = (): ReturnType<typeof options.store.list> => options.store.list({ prefix, startAfter, signal })
      const page = await persistently({ ...options, onTrouble: trouble }, list, signal)
      for (const { key } of page.entries) if (!used.has(key) && !garbage.has(key) && !unnamed.has(key)) found.push(key)
      startAfter = page.truncated ? page.entries.at(-1)?.key : undefined
    } while (startAfter !== undefined && found.length < MAX_NOTED)
    return found
  }
}
