/** The probe that a queue runs at its start: passes a server that keeps conditional writes, and turns others away. */
import { create, probeStore, systemIds, systemRandom, UnsupportedStore } from '@s3queue/storage'
import { createBucket, createS3Store, type S3Store } from '@s3queue/storage-s3'
import { startFauxqs } from 'fauxqs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTestBucket } from '../harness/index.ts'
import { describeOnS3 } from '../harness/suite.ts'
import { startRacyServer } from './racy-server.ts'

const tools = { random: systemRandom, ids: systemIds }
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

async function openAt(endpoint: string): Promise<S3Store> {
  const options = { bucket: 'probed', endpoint, credentials }
  await createBucket(options)
  const store = createS3Store(options)
  onTestFinished(() => store.destroy())
  return store
}

async function refusal(store: S3Store): Promise<string> {
  const error: unknown = await probeStore(store, tools).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof UnsupportedStore)) throw new Error('the probe did not refuse the store', { cause: error })
  return error.message
}

describeOnS3('the probe', (server) => {
  test('passes MinIO, and leaves nothing behind', async () => {
    const store = createS3Store(await createTestBucket(server, 'probe'))
    onTestFinished(() => store.destroy())
    await probeStore(store, tools)
    expect(await store.list({ prefix: '' })).toMatchObject({ entries: [], truncated: false })
  })
})

describe('the probe refuses', () => {
  test('a server that ignores conditions, by name', async () => {
    const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false })
    onTestFinished(() => server.stop())
    const store = await openAt(`http://127.0.0.1:${server.port}`)
    await store.put('k', new Uint8Array([1]), { condition: create })
    expect(await store.put('k', new Uint8Array([2]), { condition: create })).toMatchObject({ outcome: 'stored' })
    expect(await refusal(store)).toContain(store.description)
  })

  test('a server that checks first and writes then, though it gets every single request right', async () => {
    const server = await startRacyServer()
    onTestFinished(() => server.stop())
    const store = await openAt(server.endpoint)
    await store.put('k', new Uint8Array([1]), { condition: create })
    expect(await store.put('k', new Uint8Array([2]), { condition: create })).toMatchObject({
      outcome: 'precondition-failed',
    })
    expect(await refusal(store)).toMatch(/let \d+ of \d+ racing/)
  })
})
