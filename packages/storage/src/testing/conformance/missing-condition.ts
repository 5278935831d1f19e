import { expect } from 'vitest'
import { overwrite, type PutCondition } from '../../port/object-store.ts'
import { bytes, foundObject, text } from './reading.ts'
import type { Suite } from './suite.ts'

/** What a store does that cannot keep `condition`: it says so, and writes nothing. */
export function describeMissingCondition(suite: Suite, condition: PutCondition): void {
  suite.test('is refused as unsupported, and nothing is written', async ({ store, key }) => {
    const attempt = (name: string): Promise<unknown> => store.put(key(name), bytes('new'), { condition })
    await expect(attempt('absent')).rejects.toMatchObject({ code: 'UNSUPPORTED_STORE', retriable: false })
    expect((await store.get(key('absent'))).outcome).toBe('not-found')
    await store.put(key('present'), bytes('old'), { condition: overwrite })
    await expect(attempt('present')).rejects.toMatchObject({ code: 'UNSUPPORTED_STORE', retriable: false })
    expect(text(foundObject(await store.get(key('present'))).body)).toBe('old')
  })
}
