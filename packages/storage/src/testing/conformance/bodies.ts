import { expect } from 'vitest'
import { overwrite } from '../../port/object-store.ts'
import { bytes, foundObject, inParallel, storedEtag } from './reading.ts'
import type { Suite } from './suite.ts'

/** `length` bytes with no period of a power of two, so that a piece in the wrong place shows. */
function pattern(length: number, seed = 0): Uint8Array {
  const body = new Uint8Array(length)
  for (let i = 0; i < length; i++) body[i] = (i * 31 + (i >>> 8) * 7 + seed) % 251
  return body
}

export function describeBodies(suite: Suite): void {
  const { maxBodyBytes, refusesLargerBodies } = suite.capabilities
  suite.topic('bodies', () => {
    suite.test('keeps the empty body', async ({ store, key, prefix }) => {
      storedEtag(await store.put(key('a'), new Uint8Array(0), { condition: overwrite }))
      expect(foundObject(await store.get(key('a'))).body.byteLength).toBe(0)
      expect((await store.list({ prefix })).entries).toEqual([{ key: key('a'), size: 0 }])
    })

    suite.test('keeps every byte value, line ends, and what is no UTF-8', async ({ store, key }) => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const ends = bytes('\r\n\n\r\0')
      for (const body of [every, every.toReversed(), ends, Uint8Array.of(0xff, 0xfe, 0xc3, 0x28)]) {
        storedEtag(await store.put(key('a'), body, { condition: overwrite }))
        expect(plain(foundObject(await store.get(key('a'))).body)).toEqual(body)
      }
    })

    suite.test('writes just the part of a buffer that a view shows', async ({ store, key }) => {
      const whole = pattern(1_000)
      storedEtag(await store.put(key('view'), whole.subarray(100, 300), { condition: overwrite }))
      expect(plain(foundObject(await store.get(key('view'))).body)).toEqual(pattern(1_000).slice(100, 300))
      storedEtag(await store.put(key('pooled'), Buffer.from('pooled buffer'), { condition: overwrite }))
      expect(plain(foundObject(await store.get(key('pooled'))).body)).toEqual(bytes('pooled buffer'))
      expect(whole).toEqual(pattern(1_000))
    })

    suite.test('does not notice what becomes of the buffer once the answer is there', async ({ store, key }) => {
      const body = pattern(5_000)
      storedEtag(await store.put(key('a'), body, { condition: overwrite }))
      body.fill(0)
      expect(plain(foundObject(await store.get(key('a'))).body)).toEqual(pattern(5_000))
    })

    suite.test(`keeps bodies of up to ${maxBodyBytes} bytes`, async ({ store, key, prefix }) => {
      const sizes = [1, 1_000, 65_535, 65_536, 65_537].filter((size) => size < maxBodyBytes)
      for (const size of [...sizes, maxBodyBytes]) {
        const body = pattern(size)
        storedEtag(await store.put(key('a'), body, { condition: overwrite }))
        const found = foundObject(await store.get(key('a'))).body
        expect(found.byteLength).toBe(size)
        expect(Buffer.compare(found, body), `the ${size} bytes read are the ones written`).toBe(0)
        expect((await store.list({ prefix })).entries).toEqual([{ key: key('a'), size }])
      }
    })

    suite.test('keeps the bodies of many writes at once apart', async ({ store, key }) => {
      const seeds = Array.from({ length: 40 }, (_, i) => i)
      const sizeOf = (seed: number): number => Math.min(maxBodyBytes, 1 + seed * 997)
      await inParallel(seeds, 10, async (seed) => {
        storedEtag(await store.put(key(`k${seed}`), pattern(sizeOf(seed), seed), { condition: overwrite }))
      })
      await inParallel(seeds, 10, async (seed) => {
        const { body } = foundObject(await store.get(key(`k${seed}`)))
        expect(Buffer.compare(body, pattern(sizeOf(seed), seed)), `body ${seed}`).toBe(0)
      })
    })

    if (refusesLargerBodies) {
      suite.test(`refuses a body of ${maxBodyBytes + 1} bytes`, async ({ store, key }) => {
        const attempt = store.put(key('a'), pattern(maxBodyBytes + 1), { condition: overwrite })
        await expect(attempt).rejects.toMatchObject({ code: 'INVALID_REQUEST', key: key('a') })
        expect((await store.get(key('a'))).outcome).toBe('not-found')
      })
    }
  })
}

/** The same bytes as a plain `Uint8Array`, so that a `Buffer` compares equal. */
function plain(body: Uint8Array): Uint8Array {
  return Uint8Array.from(body)
}
