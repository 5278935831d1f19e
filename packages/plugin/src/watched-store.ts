/** Watches what a store answers: when it last did, and when it asked for fewer requests. */
import { type Clock, type ObjectStore, Throttled } from '@s3queue/storage'

export interface Throttling {
  readonly operation: 'get' | 'put' | 'delete' | 'list'
  /** How long the store asks to wait, in ms; undefined if it does not say. */
  readonly retryAfter: number | undefined
}

export interface WatchedStore extends ObjectStore {
  /** When the store last answered as it should, ms since 1970. */
  readonly lastAnswerAt: number | undefined
  /** How often it asked for fewer requests. */
  readonly throttledCount: number
}

export function withWatch(store: ObjectStore, clock: Clock, throttled: (throttling: Throttling) => void): WatchedStore {
  let lastAnswerAt: number | undefined
  let throttledCount = 0
  const notice = (operation: Throttling['operation'], error: unknown): void => {
    if (!(error instanceof Throttled)) return
    throttledCount++
    throttled({ operation, retryAfter: error.retryAfterMs })
  }
  const watch = async <T>(operation: Throttling['operation'], request: Promise<T>): Promise<T> => {
    try {
      const answer = await request
      lastAnswerAt = clock.now()
      return answer
    } catch (error) {
      notice(operation, error)
      throw error
    }
  }
  return {
    description: store.description,
    needsProbe: store.needsProbe,
    get lastAnswerAt() {
      return lastAnswerAt
    },
    get throttledCount() {
      return throttledCount
    },
    get: (key, options) => watch('get', store.get(key, options)),
    list: (options) => watch('list', store.list(options)),
    delete: (keys, options) => watch('delete', store.delete(keys, options)),
    async put(key, body, options) {
      const result = await store.put(key, body, options)
      if (result.outcome === 'unknown') notice('put', result.error.cause)
      else lastAnswerAt = clock.now()
      return result
    },
  }
}
