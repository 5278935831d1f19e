import { afterEach, describe, expect, test, vi } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { testDirectory } from './support/directory.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('in a process with faked timers', () => {
  test('every request ends, and a watch notifies', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance', 'queueMicrotask'] })
    await using directory = await testDirectory()
    const store = createFsStore({ directory: directory.path })
    const body = new TextEncoder().encode('x')
    expect(await store.put('a/b', body, { condition: { kind: 'create' } })).toMatchObject({ outcome: 'stored' })
    const ended = new AbortController()
    const { promise: notified, resolve: onChange } = Promise.withResolvers<void>()
    await store.watch?.({ prefix: 'a/', onChange, signal: ended.signal })
    await store.put('a/c', body, { condition: { kind: 'create' } })
    await notified
    ended.abort()
    expect(await store.get('a/c')).toMatchObject({ outcome: 'found' })
    expect(await store.list({ prefix: 'a/' })).toMatchObject({ entries: [{ key: 'a/b' }, { key: 'a/c' }] })
    await store.delete(['a/b', 'a/c'])
  })
})
