/** Makes many requests to one store, then to another, and prints what failed on the way and how long the second store took. */

import { StoreError, systemClock, systemRandom, withRetries } from '@s3queue/storage'
import { createS3Store } from '../../src/index.ts'

interface Arguments {
  readonly endpoints: readonly string[]
  readonly requests: number
}

const { endpoints, requests }: Arguments = JSON.parse(process.argv[2] ?? '')
const failures: string[] = []

function open(endpoint: string): ReturnType<typeof createS3Store> {
  return createS3Store({ bucket: 'bucket', endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
}

async function get(store: ReturnType<typeof createS3Store>, key: string): Promise<void> {
  const noting = {
    ...store,
    async get(name: string) {
      try {
        return await store.get(name)
      } catch (error) {
        const cause = error instanceof StoreError ? error.cause : undefined
        failures.push(cause instanceof Error && 'code' in cause ? String(cause.code) : String(error))
        throw error
      }
    },
  }
  await withRetries(noting, { clock: systemClock, random: systemRandom, attempts: 20, maxMs: 500 }).get(key)
}

const stores = endpoints.map(open)
let tookMs = 0
for (const store of stores) {
  const startedAt = systemClock.monotonic()
  await Promise.all(Array.from({ length: requests }, (_, n) => get(store, `k${n}`)))
  tookMs = systemClock.monotonic() - startedAt
}
process.stdout.write(JSON.stringify({ failures, tookMs }))
for (const store of stores) store.destroy()
