import { expect, test } from 'vitest'
import {
  type ObjectStore,
  overwrite,
  scriptedFaults,
  seededRandom,
  withFaults,
  withLatency,
  withMetering,
  withPrefix,
  withRetries,
  withStoreTime,
} from '../../src/index.ts'
import { createManualClock, createReferenceStore } from '../../src/testing/index.ts'

const clock = createManualClock()
const random = seededRandom(1)

const wrappers: readonly (readonly [string, (store: ObjectStore) => ObjectStore])[] = [
  ['withFaults', (store) => withFaults(store, { clock, random, plan: scriptedFaults([]) })],
  ['withLatency', (store) => withLatency(store, { clock })],
  ['withMetering', (store) => withMetering(store, { clock })],
  ['withPrefix', (store) => withPrefix(store, 'a/')],
  ['withRetries', (store) => withRetries(store, { clock, random })],
  ['withStoreTime', (store) => withStoreTime(store, clock)],
]

test.each(wrappers)('%s says what the store beneath says of itself', (_, wrap) => {
  const store = createReferenceStore('s3://bucket')
  expect(wrap(store).description).toContain('s3://bucket')
  expect(wrap(store).needsProbe).toBeUndefined()
  expect(wrap({ ...store, needsProbe: true }).needsProbe).toBe(true)
})

test.each(wrappers)('%s has a watch where the store beneath has one, and only there', async (_, wrap) => {
  const store = createReferenceStore()
  const calls: number[] = []
  const { signal } = new AbortController()
  expect(await wrap(store).watch?.({ prefix: 'b/', onChange: () => void calls.push(1), signal })).toBe(true)
  for (const key of ['b/c', 'a/b/c']) await store.put(key, new Uint8Array(1), { condition: overwrite })
  await clock.settle()
  expect(calls).toEqual([1])
  expect(wrap({ ...store, watch: undefined }).watch).toBeUndefined()
  expect(await wrap({ ...store, watch: async () => false }).watch?.({ prefix: '', onChange: () => {}, signal })).toBe(
    false,
  )
})
