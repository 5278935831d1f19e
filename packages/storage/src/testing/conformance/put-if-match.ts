import { expect } from 'vitest'
import { ifMatch, overwrite } from '../../port/object-store.ts'
import { describeMissingCondition } from './missing-condition.ts'
import { bytes, foundObject, storedEtag, text } from './reading.ts'
import type { Suite } from './suite.ts'

export function describePutIfMatch(suite: Suite): void {
  suite.topic('put if-match', () => {
    if (!suite.capabilities.conditions.includes('if-match')) return describeMissingCondition(suite, ifMatch('"1"'))

    suite.test(
      'stores over the version named, whether its ETag came from a put or from a get',
      async ({ store, key }) => {
        const first = storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
        const second = storedEtag(await store.put(key('a'), bytes('2'), { condition: ifMatch(first) }))
        expect(second).not.toBe(first)
        const read = foundObject(await store.get(key('a')))
        expect([text(read.body), read.etag]).toEqual(['2', second])
        storedEtag(await store.put(key('a'), bytes('3'), { condition: ifMatch(read.etag) }))
        expect(text(foundObject(await store.get(key('a'))).body)).toBe('3')
      },
    )

    suite.test('keeps what is there when the version named is gone by', async ({ store, key }) => {
      const stale: string[] = []
      let etag = storedEtag(await store.put(key('a'), bytes('body 0'), { condition: overwrite }))
      for (let i = 1; i <= 10; i++) {
        stale.push(etag)
        etag = storedEtag(await store.put(key('a'), bytes(`body ${i}`), { condition: ifMatch(etag) }))
      }
      for (const old of stale) {
        const late = await store.put(key('a'), bytes('late'), { condition: ifMatch(old) })
        expect(late.outcome).toBe('precondition-failed')
      }
      const kept = foundObject(await store.get(key('a')))
      expect([text(kept.body), kept.etag]).toEqual(['body 10', etag])
    })

    suite.test('fails for a key that never was, and creates nothing', async ({ store, key, names }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
      expect((await store.put(key('b'), bytes('1'), { condition: ifMatch(etag) })).outcome).toBe('precondition-failed')
      expect((await store.get(key('b'))).outcome).toBe('not-found')
      expect(await names()).toEqual(['a'])
    })

    suite.test('fails for an object that was deleted, and does not bring it back', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
      await store.delete([key('a')])
      expect((await store.put(key('a'), bytes('2'), { condition: ifMatch(etag) })).outcome).toBe('precondition-failed')
      expect((await store.get(key('a'))).outcome).toBe('not-found')
    })

    suite.test('fails for the version of another object', async ({ store, key }) => {
      storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
      const other = storedEtag(await store.put(key('b'), bytes('2'), { condition: overwrite }))
      expect((await store.put(key('a'), bytes('3'), { condition: ifMatch(other) })).outcome).toBe('precondition-failed')
      expect(text(foundObject(await store.get(key('a'))).body)).toBe('1')
    })

    suite.test('fails after an overwrite by somebody else', async ({ store, key }) => {
      const etag = storedEtag(await store.put(key('a'), bytes('1'), { condition: overwrite }))
      storedEtag(await store.put(key('a'), bytes('2'), { condition: overwrite }))
      expect((await store.put(key('a'), bytes('3'), { condition: ifMatch(etag) })).outcome).toBe('precondition-failed')
      expect(text(foundObject(await store.get(key('a'))).body)).toBe('2')
    })
  })
}
