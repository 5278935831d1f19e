/**
 * The probe before the first write: a store whose conditional writes are not atomic would lose messages, so it is refused before it gets any.
 *
 * A probe costs some two hundred requests, so one that passed leaves a mark in the namespace, and later processes trust it.
 */
import { CorruptObject, encodeFrame, persistently, readObject } from '@s3queue/primitives'
import { overwrite, probeStore } from '@s3queue/storage'
import type { ResolvedQueueOptions } from '../options.ts'

const MAX_MARK_BYTES = 4096

/** Throws `UnsupportedStore` if the store does not keep what the log rests on. Costs one request once it has passed. */
export async function ensureProbed(
  options: ResolvedQueueOptions,
  onTrouble: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const { store, namespacePrefix, clock, random, ids } = options
  if (store.needsProbe !== true) return
  const key = `${namespacePrefix}probe/passed`
  const patience = { clock, random, onTrouble }
  const hasPassed = await readObject({ ...patience, store }, key, { maxBytes: MAX_MARK_BYTES, signal }).then(
    (mark) => mark !== undefined,
    (error: unknown) => {
      if (!(error instanceof CorruptObject)) throw error
      // Another probe replaces the mark.
      onTrouble(error)
      return false
    },
  )
  if (hasPassed) return
  const report = await persistently(
    patience,
    () => probeStore(store, { clock, random, ids, prefix: namespacePrefix, signal }),
    signal,
  )
  const passed = {
    store: report.store,
    rounds: report.rounds,
    writers: report.writers,
    at: new Date(clock.now()).toISOString(),
  }
  // Whether the mark is written does not matter: without it the next process probes again.
  const body = new TextEncoder().encode(`${JSON.stringify(passed)}\n`)
  await store.put(key, encodeFrame({ key, kind: 'mark' }, body).bytes, { condition: overwrite, signal })
}
