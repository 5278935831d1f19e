import { expect } from 'vitest'
import { overwrite } from '../../port/object-store.ts'
import { MAX_DELETE_KEYS } from '../../requests/assert-request.ts'
import { bytes, inParallel } from './reading.ts'
import type { Suite } from './suite.ts'

export function describeDelete(suite: Suite): void {
  suite.topic('delete', () => {
    suite.test('removes what it names and nothing else', async ({ store, key, names }) => {
      for (const name of ['a', 'a-b', 'ab', 'b/a', 'c'])
        await store.put(key(name), bytes('1'), { condition: overwrite })
      await store.delete([key('a'), key('c')])
      expect(await names()).toEqual(['a-b', 'ab', 'b/a'])
    })

    suite.test('takes no offence at missing keys, repeated keys, or no keys', async ({ store, key, names }) => {
      await store.put(key('a'), bytes('1'), { condition: overwrite })
      await store.put(key('b'), bytes('1'), { condition: overwrite })
      await store.delete([])
      await store.delete([key('never')])
      await store.delete([key('a'), key('never'), key('a')])
      await store.delete([key('a')])
      expect(await names()).toEqual(['b'])
    })

    suite.test('leaves alone what lies below the key', async ({ store, key, names }) => {
      await store.put(key('folder/file'), bytes('1'), { condition: overwrite })
      await store.delete([key('folder')])
      await store.delete([key('folder/file/below')])
      expect(await names()).toEqual(['folder/file'])
    })

    suite.test('lets keys come back below a folder that became empty', async ({ store, key, names }) => {
      await store.put(key('folder/deep/file'), bytes('1'), { condition: overwrite })
      await store.delete([key('folder/deep/file')])
      expect(await names()).toEqual([])
      await store.put(key('folder/deep/other'), bytes('1'), { condition: overwrite })
      expect(await names('folder/')).toEqual(['folder/deep/other'])
    })

    suite.test('takes 1,000 keys at once, missing ones among them', async ({ store, key, names }) => {
      const all = Array.from({ length: MAX_DELETE_KEYS }, (_, i) => key(`k${String(i).padStart(4, '0')}`))
      const present = all.filter((_, i) => i % 5 === 0)
      await inParallel([...present, key('stays')], 16, async (k) => {
        await store.put(k, bytes('1'), { condition: overwrite })
      })
      expect((await names()).length).toBe(present.length + 1)
      await store.delete(all)
      expect(await names()).toEqual(['stays'])
    })

    suite.test(
      'refuses more than 1,000 keys and unusable keys, before it removes anything',
      async ({ store, key, names }) => {
        await store.put(key('a'), bytes('1'), { condition: overwrite })
        const tooMany = Array.from({ length: MAX_DELETE_KEYS + 1 }, () => key('a'))
        await expect(store.delete(tooMany)).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
        await expect(store.delete([key('a'), 'not usable'])).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
        expect(await names()).toEqual(['a'])
      },
    )
  })
}
