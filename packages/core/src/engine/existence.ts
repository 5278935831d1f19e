/**
 * Whether the queue was ever created: whether any of its objects is in the store. A mistyped name must not look like an empty queue, and must not become a
 * queue by being read.
 *
 * Owns the knowledge that it exists, which is asked of the store until then. A queue that this process enqueues to, processes or pauses counts as existing
 * from that moment on, as its first request may still be under way.
 */
import { persistently } from '@s3queue/primitives'
import { QueueNotFound } from '../errors.ts'
import type { ResolvedQueueOptions } from '../options.ts'

export class Existence {
  readonly #options: ResolvedQueueOptions
  readonly #onTrouble: (error: unknown) => void
  #isKnown = false

  constructor(options: ResolvedQueueOptions, onTrouble: (error: unknown) => void) {
    this.#options = options
    this.#onTrouble = onTrouble
  }

  /** The queue exists, or this process is about to create it: no later read asks. */
  assume(): void {
    this.#isKnown = true
  }

  /**
   * Resolves to whether the queue exists. Where it does not, throws `QueueNotFound`, unless the queue's `ifMissing` allows it. Costs one request until it
   * exists, and nothing from then on.
   */
  async check(signal: AbortSignal): Promise<boolean> {
    if (this.#isKnown) return true
    if (await isThere(this.#options, this.#onTrouble, signal)) this.#isKnown = true
    // Also if a call of this process has come meanwhile.
    if (this.#isKnown) return true
    if (this.#options.ifMissing === 'reject') throw queueNotFound(this.#options)
    return false
  }
}

/** Whether anything of the queue is in the store, in any of its shards. */
export async function isThere(
  options: ResolvedQueueOptions,
  onTrouble: (error: unknown) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, clock, random } = options
  const list = () => store.list({ prefix: queuePrefix(options), limit: 1, signal })
  const { entries } = await persistently({ clock, random, onTrouble }, list, signal)
  return entries.length > 0
}

export function queueNotFound(options: ResolvedQueueOptions): QueueNotFound {
  return new QueueNotFound(options.name, options.store.description, queuePrefix(options))
}

function queuePrefix({ namespacePrefix, name }: ResolvedQueueOptions): string {
  return `${namespacePrefix}${name}/`
}
