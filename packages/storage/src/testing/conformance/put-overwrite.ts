import { expect } from 'vitest'
import { ifMatch, overwrite } from '../../port/object-store.ts'
import { bytes, foundObject, storedEtag, text } from './reading.ts'
import type { Suite } from './suite.ts'

export function describePutOverwrite(suite: Suite): void {
  suite.topic('put overwrite', () => {
    suite.test('stores where there is nothing, and over what is there', async ({ store, key, names }) => {
      for (const body of ['a longer body', 'short', '', 'again']) {
        const etag = storedEtag(await store.put(key('a'), bytes(body), { condition: overwrite }))
        const found = foundObject(await store.get(key('a')))
        expect([text(found.body), found.etag]).toEqual([body, etag])
      }
      expect(await names()).toEqual(['a'])
    })

    suite.test(
      'changes the ETag with every other body, also of the same length at the same moment',
      async ({ store, key }) => {
        const etags = new Set<string>()
        for (let i = 0; i < 25; i++) {
          etags.add(storedEtag(await store.put(key('a'), bytes(`body ${i + 100}`), { condition: overwrite })))
        }
        expect(etags.size).toBe(25)
      },
    )

    suite.test('leaves a valid ETag when the body stays the same', async ({ store, key }) => {
      await store.put(key('a'), bytes('same'), { condition: overwrite })
      const etag = storedEtag(await store.put(key('a'), bytes('same'), { condition: overwrite }))
      expect((await store.get(key('a'), { ifNoneMatch: etag })).outcome).toBe('not-modified')
      if (!suite.capabilities.conditions.includes('if-match')) return
      storedEtag(await store.put(key('a'), bytes('next'), { condition: ifMatch(etag) }))
    })
  })
}
