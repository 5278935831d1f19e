/** What a real server says to wrong settings, and what the store makes of it. */
import { inspect } from 'node:util'
import { create } from '@s3queue/storage'
import { createBucket, createS3Store, parseS3Url } from '@s3queue/storage-s3'
import { expect, onTestFinished, test } from 'vitest'
import { createTestBucket } from '../harness/index.ts'
import { describeOnS3 } from '../harness/suite.ts'

const body = new Uint8Array([1, 2, 3])

describeOnS3('the S3 store with wrong settings', (server) => {
  function open(options: Parameters<typeof createS3Store>[0]): ReturnType<typeof createS3Store> {
    const store = createS3Store(options)
    onTestFinished(() => store.destroy())
    return store
  }

  test.each([
    ['a wrong secret', { accessKeyId: server.credentials.accessKeyId, secretAccessKey: 'not-the-secret' }],
    ['an unknown key', { accessKeyId: 'NOBODY', secretAccessKey: 'not-the-secret' }],
  ])('%s: access denied by every method, and the secret is not repeated', async (_name, credentials) => {
    const store = open({ ...(await createTestBucket(server, 'denied')), credentials })
    const calls = [
      () => store.get('k'),
      () => store.put('k', body, { condition: create }),
      () => store.delete(['k']),
      () => store.delete(['k', 'l']),
      () => store.list({ prefix: '' }),
    ]
    for (const call of calls) {
      const error: unknown = await call().catch((reason: unknown) => reason)
      const message = expect.stringMatching(/access key and its secret/)
      expect(error).toMatchObject({ code: 'ACCESS_DENIED', retriable: false, message })
      expect(inspect(error, { depth: null })).not.toContain('not-the-secret')
    }
  })

  test('a key that no longer exists: the credentials function is asked again, and every method gets its answer', async () => {
    let calls = 0
    const gone = { accessKeyId: 'GONE', secretAccessKey: 'not-the-secret' }
    const credentials = async (): Promise<typeof gone> => (++calls === 1 ? gone : server.credentials)
    const store = open({ ...(await createTestBucket(server, 'rotated')), credentials })
    expect(await store.put('k', body, { condition: create })).toMatchObject({ outcome: 'stored' })
    expect(await store.get('k')).toMatchObject({ outcome: 'found' })
    expect(calls).toBe(2)
  })

  test('a bucket that is not there: named by every method, with how to create it', async () => {
    const { endpoint, region, credentials } = server
    const store = open({ bucket: 'nowhere-to-be-found', endpoint, region, credentials })
    const calls = [
      () => store.get('k'),
      () => store.put('k', body, { condition: create }),
      () => store.delete(['k', 'l']),
      () => store.list({ prefix: '' }),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: 'NO_SUCH_BUCKET',
        message: expect.stringMatching(/create-bucket --bucket nowhere-to-be-found/),
      })
    }
  })

  test('createBucket may be called again', async () => {
    const options = await createTestBucket(server, 'again')
    await createBucket(options)
    const store = open(options)
    expect(await store.put('k', body, { condition: create })).toMatchObject({ outcome: 'stored' })
    await createBucket(options)
    expect(await store.get('k')).toMatchObject({ outcome: 'found' })
  })

  test('a store from a URL, below a prefix', async () => {
    const { bucket } = await createTestBucket(server, 'url')
    const { host } = new URL(server.endpoint)
    const { accessKeyId, secretAccessKey } = server.credentials
    const login = `${encodeURIComponent(accessKeyId)}:${encodeURIComponent(secretAccessKey)}`
    const inside = open(parseS3Url(`http://${login}@${host}/${bucket}/team/a`))
    const outside = open(parseS3Url(`http://${login}@${host}/${bucket}`))
    await inside.put('k', body, { condition: create })
    expect(await outside.get('team/a/k')).toMatchObject({ outcome: 'found' })
    expect((await inside.list({ prefix: '' })).entries).toEqual([{ key: 'k', size: 3 }])
  })

  test('the time of the store comes with every answer', async () => {
    const store = open(await createTestBucket(server, 'time'))
    const before = Math.floor(Date.now() / 1000) * 1000
    const answers = [
      await store.put('k', body, { condition: create }),
      await store.put('k', body, { condition: create }),
      await store.get('k'),
      await store.get('none'),
      await store.list({ prefix: '' }),
    ]
    for (const { storeTimeMs } of answers) {
      expect(storeTimeMs).toBeGreaterThanOrEqual(before)
      expect(storeTimeMs).toBeLessThanOrEqual(Date.now())
    }
  })
})
