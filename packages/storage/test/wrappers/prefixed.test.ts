import { describe, expect, test } from 'vitest'
import { create, overwrite, withPrefix } from '../../src/index.ts'
import { createReferenceStore } from '../../src/testing/index.ts'
import { bytes, rejection } from '../bytes.ts'

describe('withPrefix', () => {
  test('reads and writes below its prefix, in keys relative to it', async () => {
    const whole = createReferenceStore()
    const part = withPrefix(whole, 'a/b/')
    await whole.put('a/x', bytes('outside'), { condition: create })
    await part.put('x', bytes('1'), { condition: create })
    await part.put('y/z', bytes('22'), { condition: create })
    expect([...whole.objects.keys()].sort()).toEqual(['a/b/x', 'a/b/y/z', 'a/x'])
    expect((await part.list({ prefix: '' })).entries).toEqual([
      { key: 'x', size: 1 },
      { key: 'y/z', size: 2 },
    ])
    expect((await part.list({ prefix: 'y/', startAfter: 'y/z' })).entries).toEqual([])
    await part.delete(['x', 'never'])
    expect((await part.get('x')).outcome).toBe('not-found')
    expect((await part.get('y/z')).outcome).toBe('found')
  })

  test('names the full place in its description and the full key in errors', async () => {
    const part = withPrefix(createReferenceStore('s3://bucket'), 'a/b/')
    expect(part.description).toBe('s3://bucket/a/b/')
    expect(withPrefix(part, 'c/').description).toBe('s3://bucket/a/b/c/')
    expect(withPrefix(createReferenceStore('memory://'), 'a/').description).toBe('memory://a/')
    expect(await rejection(part.get('not usable'))).toMatchObject({ code: 'INVALID_REQUEST', key: 'a/b/not usable' })
  })

  test('does not let keys lead out of it', async () => {
    const part = withPrefix(createReferenceStore(), 'a/b/')
    for (const key of ['../x', '/x', '', './x']) {
      expect(await rejection(part.put(key, bytes('1'), { condition: overwrite }))).toMatchObject({
        code: 'INVALID_REQUEST',
      })
    }
  })

  test('is the store itself for the empty prefix, and refuses prefixes that are none', () => {
    const store = createReferenceStore()
    expect(withPrefix(store, '')).toBe(store)
    expect(() => withPrefix(store, 'a')).toThrow('must end in a slash')
    expect(() => withPrefix(store, '../')).toThrow('not usable')
  })
})
