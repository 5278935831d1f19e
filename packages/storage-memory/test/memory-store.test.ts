import { create, InvalidOption, InvalidRequest, ifMatch, overwrite, seededRandom } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { describe, expect, test } from 'vitest'
import { createMemoryStore, type MemoryStoreOptions } from '../src/index.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('createMemoryStore', () => {
  test('takes effect when called, before the answer', async () => {
    const store = createMemoryStore()
    const answer = store.put('a', bytes('1'), { condition: create })
    expect(store.size).toBe(1)
    expect((await answer).outcome).toBe('stored')
  })

  test('copies the body in at the call', async () => {
    const store = createMemoryStore()
    const body = bytes('before')
    const answer = store.put('a', body, { condition: create })
    body.fill(0)
    await answer
    expect(store.snapshot().get('a')?.body).toEqual(bytes('before'))
  })

  test('gives equal bodies equal ETags, the quoted MD5 as on S3', async () => {
    const store = createMemoryStore()
    expect(await store.put('a', bytes('hello'), { condition: create })).toEqual({
      outcome: 'stored',
      etag: '"5d41402abc4b2a76b9719d911017c592"',
    })
    await store.put('a', bytes('other'), { condition: overwrite })
    await store.put('a', bytes('hello'), { condition: overwrite })
    const stale = await store.put('a', bytes('x'), { condition: ifMatch('"5d41402abc4b2a76b9719d911017c592"') })
    expect(stale.outcome).toBe('stored')
  })

  test('refuses keys that are a path prefix of another, until that one is deleted', async () => {
    const store = createMemoryStore()
    await store.put('a/b', bytes('1'), { condition: create })
    await expect(store.put('a', bytes('2'), { condition: create })).rejects.toThrow(InvalidRequest)
    await expect(store.put('a/b/c/d', bytes('2'), { condition: overwrite })).rejects.toThrow('"a/b"')
    expect((await store.put('a-b', bytes('3'), { condition: create })).outcome).toBe('stored')
    await store.delete(['a/b'])
    expect((await store.put('a', bytes('2'), { condition: create })).outcome).toBe('stored')
  })

  test('a write that loses its condition is not refused for its path', async () => {
    const store = createMemoryStore()
    await store.put('a/b', bytes('1'), { condition: create })
    expect((await store.put('a', bytes('2'), { condition: ifMatch('"x"') })).outcome).toBe('precondition-failed')
  })

  test('reports whole seconds of its clock', async () => {
    const clock = createManualClock({ startMs: 5_999 })
    const store = createMemoryStore({ clock })
    expect((await store.put('a', bytes('1'), { condition: create })).storeTimeMs).toBe(5_000)
    await clock.advance(1)
    expect((await store.get('a')).storeTimeMs).toBe(6_000)
    expect((await store.get('b')).storeTimeMs).toBe(6_000)
    expect((await store.list({ prefix: '' })).storeTimeMs).toBe(6_000)
    expect(await createMemoryStore().get('a')).toEqual({ outcome: 'not-found' })
  })

  test('a clone and its origin go apart', async () => {
    const store = createMemoryStore({ description: 'memory://origin' })
    await store.put('a/b', bytes('1'), { condition: create })
    const clone = store.clone()
    await clone.put('a/c', bytes('2'), { condition: create })
    await store.delete(['a/b'])
    expect([...store.snapshot().keys()]).toEqual([])
    expect([...clone.snapshot().keys()]).toEqual(['a/b', 'a/c'])
    expect(clone.description).toBe('memory://origin')
    await expect(clone.put('a', bytes('3'), { condition: create })).rejects.toThrow(InvalidRequest)
  })

  test('a snapshot is a copy', async () => {
    const store = createMemoryStore()
    await store.put('a', bytes('1'), { condition: create })
    store.snapshot().get('a')?.body.fill(0)
    expect(store.snapshot().get('a')?.body).toEqual(bytes('1'))
  })

  test('notifies once of all changes in one turn, and not of what changes nothing', async () => {
    const store = createMemoryStore()
    let count = 0
    const { signal } = new AbortController()
    await store.watch?.({ prefix: 'a/', onChange: () => void count++, signal })
    const writes = [1, 2, 3].map((n) => store.put(`a/${n}`, bytes('1'), { condition: create }))
    expect(count, 'not within the call').toBe(0)
    await Promise.all(writes)
    expect(count).toBe(1)
    await store.put('a/1', bytes('2'), { condition: create })
    await store.put('a/1', bytes('2'), { condition: ifMatch('"x"') })
    await store.delete(['a/7'])
    await store.put('b/1', bytes('1'), { condition: create })
    await store.get('a/1')
    expect(count).toBe(1)
    await store.delete(['a/1', 'a/2'])
    expect(count).toBe(2)
  })

  test('a clone notifies its own watchers alone', async () => {
    const store = createMemoryStore()
    const clone = store.clone()
    const notified: string[] = []
    const { signal } = new AbortController()
    await store.watch?.({ prefix: '', onChange: () => void notified.push('origin'), signal })
    await clone.watch?.({ prefix: '', onChange: () => void notified.push('clone'), signal })
    await clone.put('a', bytes('1'), { condition: create })
    expect(notified).toEqual(['clone'])
    await store.put('a', bytes('1'), { condition: create })
    expect(notified).toEqual(['clone', 'origin'])
  })

  test('names the option that was meant', () => {
    const misspelt: object = { descripton: 'x' }
    expect(() => createMemoryStore(misspelt as MemoryStoreOptions)).toThrow(InvalidOption)
    expect(() => createMemoryStore(misspelt as MemoryStoreOptions)).toThrow('"description"')
  })

  test('lists like a plain sorted array, whatever was written and deleted before', async () => {
    const random = seededRandom(11)
    const store = createMemoryStore()
    const model = new Set<string>()
    const pick = (): string => `p${Math.floor(random.next() * 5)}/k${Math.floor(random.next() * 300)}`
    for (let round = 0; round < 300; round++) {
      for (let i = Math.floor(random.next() ** 4 * 120); i >= 0; i--) {
        const key = pick()
        if (random.next() < 0.6) {
          model.add(key)
          await store.put(key, bytes(key), { condition: overwrite })
        } else {
          model.delete(key)
          await store.delete([key])
        }
      }
      const prefix = random.next() < 0.3 ? '' : `p${Math.floor(random.next() * 6)}/`
      const startAfter = random.next() < 0.5 ? undefined : pick()
      const limit = 1 + Math.floor(random.next() * 100)
      const expected = [...model].sort().filter((key) => key.startsWith(prefix) && key > (startAfter ?? ''))
      const { entries, truncated } = await store.list({ prefix, startAfter, limit })
      expect(entries).toEqual(expected.slice(0, limit).map((key) => ({ key, size: key.length })))
      expect(truncated).toBe(expected.length > limit)
    }
  })

  test('lists among 100,000 keys cost what they return', async () => {
    const store = createMemoryStore()
    const body = bytes('x')
    for (let i = 0; i < 100_000; i++) {
      await store.put(`log/${String((i * 7919) % 100_000).padStart(6, '0')}`, body, { condition: create })
    }
    const startAfter = 'log/050000'
    await store.list({ prefix: 'log/' })
    const begin = performance.now()
    for (let i = 0; i < 1_000; i++) {
      await store.put(`log/x${i}`, body, { condition: create })
      expect((await store.list({ prefix: 'log/', startAfter, limit: 10 })).entries.length).toBe(10)
    }
    // Sorting 100,000 keys takes some 50 ms, so doing that in each of 1,000 rounds would take near a minute.
    expect(performance.now() - begin).toBeLessThan(10_000)
  })
})
