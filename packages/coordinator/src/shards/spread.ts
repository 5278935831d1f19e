/**
 * Spreads the writing over the processes that work: whoever comes first writes all shards, and this is how the others get their part.
 *
 * A process that writes more than its equal part gives up one shard at a time, to the worker whose turn it is by its place among all workers, in the
 * order of their names: so nobody has to talk about it. It does so only while that worker is awake, as there is work for it: so the change
 * costs a moment and one fence. Where little happens nobody gains from it, and nothing changes.
 */
import type { Clock } from '@s3queue/storage'
import { sleep } from '@s3queue/storage'
import type { Shard } from './shard.ts'

/** What nobody took over is not given up again for so many rounds, doubled each time up to the most. */
const MOST_ROUNDS = 64

export interface SpreadOptions {
  readonly clock: Clock
  /** Wait between two rounds, in ms. */
  readonly intervalMs: number
  readonly shards: () => readonly Shard<unknown>[]
  /** What this process's worker is called. */
  readonly worker: string
  readonly tell: (error: unknown) => void
}

export class Spread {
  readonly #options: SpreadOptions
  /** The heirs that were told, by shard. */
  readonly #heirs = new Map<number, string>()
  /** Shards that were given up in vain: when they may be again, and how often that was. */
  readonly #kept = new Map<number, { readonly round: number; readonly tries: number }>()
  #round = 0

  constructor(options: SpreadOptions) {
    this.#options = options
  }

  /** Until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, tell } = this.#options
    while (!signal.aborted) {
      await sleep(clock, intervalMs, signal).catch(() => {})
      if (signal.aborted) return
      await this.#turn().catch(tell)
    }
  }

  async #turn(): Promise<void> {
    this.#round++
    const all = this.#options.shards()
    if (all.length === 1) return
    const written = all.filter(({ transport }) => transport.isCoordinator)
    const workers = this.#workers(written)
    const surplus = written.length - Math.ceil(all.length / workers.length)
    const toGive = surplus <= 0 ? [] : this.#candidates(written, workers).slice(0, surplus)
    for (const shard of written) {
      const told = toGive.find(([one]) => one === shard)?.[1]
      shard.transport.prefer(told)
      if (told === undefined) this.#heirs.delete(shard.index)
    }
    const ready = toGive.find(
      ([{ index, transport }, heir]) => this.#heirs.get(index) === heir && transport.isAwake(heir),
    )
    for (const [{ index }, heir] of toGive) this.#heirs.set(index, heir)
    if (ready === undefined) return
    const [{ index, queue }] = ready
    const tries = (this.#kept.get(index)?.tries ?? 0) + 1
    this.#kept.set(index, { round: this.#round + Math.min(MOST_ROUNDS, 2 ** tries), tries })
    await queue.stepDown()
  }

  /** All that are known, in the order that everybody sees. */
  #workers(written: readonly Shard<unknown>[]): readonly string[] {
    const others = written.flatMap(({ transport }) => transport.registry()?.workers ?? [])
    const ids = others.filter(({ mailbox }) => mailbox !== undefined).map(({ id }) => id)
    return [...new Set([...ids, this.#options.worker])].sort()
  }

  /** What may be given up, and to whom. */
  #candidates(written: readonly Shard<unknown>[], workers: readonly string[]): (readonly [Shard<unknown>, string])[] {
    return written
      .filter(({ index, transport }) => transport.isBusy && (this.#kept.get(index)?.round ?? 0) <= this.#round)
      .map((shard) => [shard, workers[shard.index % workers.length] ?? ''] as const)
      .filter(([, heir]) => heir !== this.#options.worker)
  }
}
