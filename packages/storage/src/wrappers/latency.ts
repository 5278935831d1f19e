import { assertKnownKeys, numberOption } from '../options/check-options.ts'
import { InvalidOption } from '../options/invalid-option.ts'
import type { ObjectStore, WatchOptions } from '../port/object-store.ts'
import { type Clock, sleep } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import { createDelivery } from './delivery.ts'

export interface LatencyOptions {
  readonly clock: Clock
  /** How long a request of each kind takes, in ms. Default 0. */
  readonly getMs?: number | undefined
  readonly putMs?: number | undefined
  readonly listMs?: number | undefined
  readonly deleteMs?: number | undefined
  /** How far a request may be off, as a share of its time, up and down: 0.2 makes 60 ms 48 to 72. From 0 to 1, default 0. */
  readonly jitter?: number | undefined
  /** Draws the jitter; needed where that is not 0. */
  readonly random?: Random | undefined
}

const OWNER = 'withLatency'

/**
 * A model of a store that is far away: each request takes its time on top of that of `store`, half of it on the way there and half on
 * the way back, so that requests overtake one another as they do in a network. A write that is aborted on the way there does not
 * take place; aborted on the way back, it did. To begin a watch takes as long as a get; a notification takes half of that.
 */
export function withLatency(store: ObjectStore, options: LatencyOptions): ObjectStore {
  const { clock } = options
  assertKnownKeys(OWNER, options, ['clock', 'getMs', 'putMs', 'listMs', 'deleteMs', 'jitter', 'random'])
  const getMs = numberOption(OWNER, 'getMs', options.getMs, 0)
  const putMs = numberOption(OWNER, 'putMs', options.putMs, 0)
  const listMs = numberOption(OWNER, 'listMs', options.listMs, 0)
  const deleteMs = numberOption(OWNER, 'deleteMs', options.deleteMs, 0)
  const draw = createDraw(numberOption(OWNER, 'jitter', options.jitter, 0, { max: 1 }), options.random)

  const travel = async <T>(ms: number, signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> => {
    const halfMs = (ms * draw()) / 2
    if (halfMs === 0) return request()
    await sleep(clock, halfMs, signal)
    const answer = await request()
    await sleep(clock, halfMs, signal)
    return answer
  }
  const watch = store.watch?.bind(store)
  const watchFromAfar = async (
    begin: NonNullable<ObjectStore['watch']>,
    watchOptions: WatchOptions,
  ): Promise<boolean> => {
    const { signal } = watchOptions
    const delivery = createDelivery(clock, watchOptions)
    const onChange = (): void => delivery.deliver((getMs * draw()) / 2)
    try {
      return await travel(getMs, signal, () => begin({ ...watchOptions, onChange }))
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  }
  return {
    description: store.description,
    needsProbe: store.needsProbe,
    get: (key, getOptions) => travel(getMs, getOptions?.signal, () => store.get(key, getOptions)),
    put: (key, body, putOptions) => travel(putMs, putOptions.signal, () => store.put(key, body, putOptions)),
    delete: (keys, deleteOptions) => travel(deleteMs, deleteOptions?.signal, () => store.delete(keys, deleteOptions)),
    list: (listOptions) => travel(listMs, listOptions.signal, () => store.list(listOptions)),
    watch: watch && ((watchOptions) => watchFromAfar(watch, watchOptions)),
  }
}

/** Draws the factor for one request: 1, or 1 off by up to `jitter` either way. */
function createDraw(jitter: number, random: Random | undefined): () => number {
  if (jitter === 0) return () => 1
  if (random === undefined) throw new InvalidOption(OWNER, 'random', 'is needed where "jitter" is not 0.')
  return () => 1 + jitter * (2 * random.next() - 1)
}
