import { expect } from 'vitest'
import { create, ifMatch } from '../../port/object-store.ts'
import { describeMissingCondition } from './missing-condition.ts'
import { bytes, foundObject, storedEtag, text } from './reading.ts'
import type { Suite } from './suite.ts'

export function describePutCreate(suite: Suite): void {
  suite.topic('put create', () => {
    if (!suite.capabilities.conditions.includes('create')) return describeMissingCondition(suite, create)

    suite.test('stores where there is nothing', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: create }))
      expect(foundObject(await store.get(key('a'))).etag).toBe(etag)
    })

    suite.test('keeps what is there, also when the body is the same', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: create }))
      for (const body of ['2', '1', '']) {
        expect((await store.put(key('a'), bytes(body), { condition: create })).outcome).toBe('precondition-failed')
        const kept = foundObject(await store.get(key('a')))
        expect([text(kept.body), kept.etag]).toEqual(['1', etag])
      }
    })

    suite.test('keeps an object that is empty', async ({ store, key }) => {
      storedEtag(await store.put(key('a'), bytes(''), { condition: create }))
      expect((await store.put(key('a'), bytes('1'), { condition: create })).outcome).toBe('precondition-failed')
      expect(foundObject(await store.get(key('a'))).body.byteLength).toBe(0)
    })

    suite.test('stores again after a delete', async ({ store, key }) => {
      for (const body of ['1', '2', '3']) {
        storedEtag(await store.put(key('a'), bytes(body), { condition: create }))
        expect(text(foundObject(await store.get(key('a'))).body)).toBe(body)
        await store.delete([key('a')])
      }
    })

    suite.test('fails also over an object that was changed since it was created', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: create }))
      storedEtag(await store.put(key('a'), bytes('2'), { condition: ifMatch(etag) }))
      expect((await store.put(key('a'), bytes('1'), { condition: create })).outcome).toBe('precondition-failed')
      expect(text(foundObject(await store.get(key('a'))).body)).toBe('2')
    })
  })
}
