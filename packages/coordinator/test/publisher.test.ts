import { createMemoryStore } from '@s3queue/storage-memory'
import { expect, it } from 'vitest'
import { Publisher } from '../src/registry/publisher.ts'
import { RegistryReader } from '../src/registry/read-registry.ts'

const PREFIX = 's3queue/jobs/0/'

it('a writer that was replaced and does not know it does not write over what its successor told', async () => {
  const store = createMemoryStore()
  const publish = async (publisher: Publisher, epoch: number, writer: string): Promise<void> => {
    const worker = { format: 1, id: `worker of ${writer}`, queue: 'jobs', concurrency: 1, capacity: 1 }
    const workers = [{ ...worker, silentForMs: 1000, since: 0, handled: 0, beat: 1 }]
    await publisher.publish({ format: 1, epoch, writer, workers })
  }
  const publisher = (): Publisher => {
    const signal = new AbortController().signal
    return new Publisher({ queue: { store, prefix: PREFIX }, signal, trouble: () => {} })
  }
  const [before, after] = [publisher(), publisher()]
  await publish(before, 1, 'a')
  await publish(after, 2, 'b')
  // The first finds that what it knew is gone, and looks again.
  await publish(before, 1, 'c')
  await publish(before, 1, 'd')
  expect((await new RegistryReader(store, PREFIX, { now: () => 0 }).read())?.writer).toBe('b')
  await publish(after, 2, 'e')
  expect((await new RegistryReader(store, PREFIX, { now: () => 0 }).read())?.writer).toBe('e')
})
