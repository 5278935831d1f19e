/** What happens in all shards of a queue, as one iteration. */
import type { FollowedEvent, FollowOptions } from '@s3queue/core'
import { assertSignal } from '@s3queue/core/shard'
import type { Shards } from './shards.ts'

/** See `Queue.follow`: the shards that are there from now on, those that come later from their beginning. `closed`: aborted when the queue is. */
export function followShards<T>(
  shards: Shards<T>,
  options: FollowOptions,
  closed: AbortSignal,
): AsyncGenerator<FollowedEvent, void, void> {
  const { signal } = options
  assertSignal('follow', signal)
  const end = new AbortController()
  const either = AbortSignal.any([closed, end.signal, ...(signal === undefined ? [] : [signal])])
  const first = shards.first.queue.follow({ ...options, signal: either })
  const source = merged<FollowedEvent>((add, fail) => {
    let stop = (): void => {}
    const begin = (): void => {
      if (either.aborted) return
      let isLater = false
      stop = shards.each(({ index, queue }) =>
        add(index === 0 ? first : queue.followFrom({ ...options, signal: either }, isLater)),
      )
      isLater = true
      void shards.watch(either)
    }
    shards.toRead().then(begin, (error: unknown) => {
      if (shards.signal.aborted) return
      // What is known is enough to begin with: the rest is found later.
      if (shards.known === undefined) fail(error)
      else begin()
    })
    return () => stop()
  }, either)
  return endedBy(source, end)
}

/** An iteration that aborts `end` when its reader leaves it. */
async function* endedBy<E>(source: AsyncIterable<E>, end: AbortController): AsyncGenerator<E, void, void> {
  try {
    yield* source
  } finally {
    end.abort()
  }
}

/**
 * Several iterations as one, in the order in which things come. Nobody reads ahead by more than one.
 *
 * `begin` is called once with the ways to add an iteration, also later, and to fail; it returns what ends the
 * adding. `signal` ends all of it.
 */
async function* merged<E>(
  begin: (add: (source: AsyncIterable<E>) => void, fail: (error: unknown) => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<E, void, void> {
  const waiting: { readonly event: E; readonly taken: () => void }[] = []
  let failure: { readonly error: unknown } | undefined
  let isOver = false
  let wake = (): void => {}
  const end = (): void => wake()
  const fail = (error: unknown): void => {
    failure ??= { error }
    wake()
  }
  const pump = async (source: AsyncIterable<E>): Promise<void> => {
    try {
      for await (const event of source) {
        if (isOver) return
        await new Promise<void>((taken) => {
          waiting.push({ event, taken })
          wake()
        })
      }
    } catch (error) {
      fail(error)
    }
  }
  const stop = begin((source) => void pump(source), fail)
  signal.addEventListener('abort', end, { once: true })
  try {
    while (true) {
      const next = waiting.shift()
      if (next !== undefined) {
        yield next.event
        next.taken()
      } else if (failure !== undefined) throw failure.error
      else if (signal.aborted) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    isOver = true
    stop()
    signal.removeEventListener('abort', end)
    for (const { taken } of waiting) taken()
  }
}
