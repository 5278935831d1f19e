/** A store that a process can be cut off from: how a killed process looks to everybody else. */
import type { ObjectStore } from '@s3queue/storage'

export interface Severable {
  readonly store: ObjectStore
  /** From here on no request leaves and no answer arrives. Whoever waits for one waits for ever. */
  sever(): void
}

export function createSeverable(store: ObjectStore): Severable {
  let isSevered = false
  const pass = async <T>(request: () => Promise<T>): Promise<T> => {
    if (isSevered) return never()
    const settled = await Promise.allSettled([request()])
    if (isSevered) return never()
    const [answer] = settled
    if (answer.status === 'rejected') throw answer.reason
    return answer.value
  }
  return {
    sever() {
      isSevered = true
    },
    store: {
      description: store.description,
      needsProbe: store.needsProbe,
      get: (key, options) => pass(() => store.get(key, options)),
      put: (key, body, options) => pass(() => store.put(key, body, options)),
      delete: (keys, options) => pass(() => store.delete(keys, options)),
      list: (options) => pass(() => store.list(options)),
    },
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
