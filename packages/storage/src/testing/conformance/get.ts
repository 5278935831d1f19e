import { expect } from 'vitest'
import { overwrite } from '../../port/object-store.ts'
import { bytes, foundObject, storedEtag, text } from './reading.ts'
import type { Suite } from './suite.ts'

export function describeGet(suite: Suite): void {
  suite.topic('get', () => {
    suite.test('finds what was put, with the ETag that the put answered', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('hello'), { condition: overwrite }))
      const found = foundObject(await store.get(key('a')))
      expect(text(found.body)).toBe('hello')
      expect(found.etag).toBe(etag)
    })

    suite.test('answers not-found for a key that never was, with and without ifNoneMatch', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
      expect((await store.get(key('b'))).outcome).toBe('not-found')
      expect((await store.get(key('b'), { ifNoneMatch: etag })).outcome).toBe('not-found')
    })

    suite.test('answers not-found after a delete, and finds the object that comes after it', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
      await store.delete([key('a')])
      expect((await store.get(key('a'))).outcome).toBe('not-found')
      expect((await store.get(key('a'), { ifNoneMatch: etag })).outcome).toBe('not-found')
      await store.put(key('a'), bytes('2'), { condition: overwrite })
      expect(text(foundObject(await store.get(key('a'))).body)).toBe('2')
    })

    suite.test('answers not-modified, without a body, while the version is the one named', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
      const unchanged = await store.get(key('a'), { ifNoneMatch: etag })
      expect(unchanged.outcome).toBe('not-modified')
      expect(unchanged).not.toHaveProperty('body')
      const next = storedEtag(await store.put(key('a'), bytes('2'), { condition: overwrite }))
      const changed = foundObject(await store.get(key('a'), { ifNoneMatch: etag }))
      expect([text(changed.body), changed.etag]).toEqual(['2', next])
    })

    suite.test('refuses a body of more than maxBytes, and names the object and its size', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('hello'), { condition: overwrite }))
      expect(text(foundObject(await store.get(key('a'), { maxBytes: 5 })).body)).toBe('hello')
      const refused = await store.get(key('a'), { maxBytes: 4 }).catch((error: unknown) => error)
      expect(refused).toMatchObject({ code: 'OBJECT_TOO_LARGE', retriable: false, size: 5 })
      expect(String(refused)).toContain(key('a'))
      expect((await store.get(key('a'), { maxBytes: 4, ifNoneMatch: etag })).outcome).toBe('not-modified')
      expect((await store.get(key('b'), { maxBytes: 0 })).outcome).toBe('not-found')
    })

    suite.test('gives each answer a buffer of its own', async ({ store, key }) => {
      await store.put(key('a'), bytes('hello'), { condition: overwrite })
      const first = foundObject(await store.get(key('a'))).body
      first.fill(0)
      expect(text(foundObject(await store.get(key('a'))).body)).toBe('hello')
    })

    suite.test('does not take a folder for an object, nor look below an object', async ({ store, key }) => {
      await store.put(key('folder/file'), bytes('1'), { condition: overwrite })
      expect((await store.get(key('folder'))).outcome).toBe('not-found')
      expect((await store.get(key('folder/file/below'))).outcome).toBe('not-found')
    })

    const { storeTime } = suite.capabilities
    suite.test(`${storeTime ? 'carries' : 'makes up no'} time of the store`, async ({ store, key, prefix }) => {
      const put = await store.put(key('a'), bytes('1'), { condition: overwrite })
      const answers = [
        put,
        await store.put(key('a'), bytes('2'), { condition: overwrite }),
        await store.get(key('a')),
        await store.get(key('a'), { ifNoneMatch: storedEtag(put) }),
        await store.get(key('b')),
        await store.list({ prefix }),
      ]
      for (const { storeTimeMs } of answers) {
        if (storeTime) expect(storeTimeMs).toSatisfy((ms) => Number.isSafeInteger(ms) && ms > Date.UTC(2020, 0))
        else expect(storeTimeMs).toBeUndefined()
      }
    })
  })
}
