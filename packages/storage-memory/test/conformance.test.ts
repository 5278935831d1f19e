import { systemClock } from '@s3queue/storage'
import { describeObjectStore } from '@s3queue/storage/testing'
import { createMemoryStore } from '../src/index.ts'

describeObjectStore('the memory store', () => createMemoryStore(), { refusesPathPrefixes: true, watch: true })

describeObjectStore('the memory store with a clock', () => createMemoryStore({ clock: systemClock }), {
  refusesPathPrefixes: true,
  storeTime: true,
  watch: true,
})
