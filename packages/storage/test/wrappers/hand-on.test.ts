import { expect, test } from 'vitest'
import {
  type ObjectStore,
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

test.each<[string, (store: ObjectStore) => ObjectStore]>([
  ['withFaults', (store) => withFaults(store, { clock, random, plan: scriptedFaults([]) })],
  ['withLatency', (store) => withLatency(store, { clock })],
  ['withMetering', (store) => withMetering(store, { clock })],
  ['withPrefix', (store) => withPrefix(store, 'a/')],
  ['withRetries', (store) => withRetries(store, { clock, random })],
  ['withStoreTime', (store) => withStoreTime(store, clock)],
])('%s says what the store beneath says of itself', (_, wrap) => {
  const store = createReferenceStore('s3://bucket')
  expect(wrap(store).description).toContain('s3://bucket')
  expect(wrap(store).needsProbe).toBeUndefined()
  expect(wrap({ ...store, needsProbe: true }).needsProbe).toBe(true)
})
