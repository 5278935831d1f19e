import { getEventListeners } from 'node:events'
import { expect, vi } from 'vitest'
import { StoreError } from '../../port/errors.ts'
import { type ObjectStore, overwrite } from '../../port/object-store.ts'
import type { BrokenKind } from './capabilities.ts'
import { bytes, foundObject, text } from './reading.ts'
import type { StoreScope, Suite } from './suite.ts'

export function describeErrorsAndSignals(suite: Suite): void {
  suite.topic('errors and signals', () => {
    suite.test('says in words where it is', async ({ store }) => {
      expect(store.description).toMatch(/\S/)
    })

    suite.test('refuses limits that are none', async ({ store, prefix }) => {
      for (const limit of [0, -1, 1_001, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        const attempt = store.list({ prefix, limit })
        await expect(attempt, String(limit)).rejects.toMatchObject({ code: 'INVALID_REQUEST', retriable: false })
      }
    })

    suite.test(
      'refuses with errors that are store errors, never by throwing outside the promise',
      async ({ store }) => {
        for (const attempt of everyMethod(store, 'not usable')) {
          const error = await attempt().then(
            () => expect.unreachable('the request should have been refused'),
            (reason: unknown) => reason,
          )
          expect(error).toBeInstanceOf(StoreError)
          expect(error).toMatchObject({ code: 'INVALID_REQUEST', key: expect.stringContaining('not usable') })
        }
      },
    )

    suite.test('does nothing when the signal is aborted before the call', async ({ store, key, names }) => {
      await store.put(key('a'), bytes('1'), { condition: overwrite })
      const reason = new Error('stopped before')
      const signal = AbortSignal.abort(reason)
      await expect(store.put(key('a'), bytes('2'), { condition: overwrite, signal })).rejects.toBe(reason)
      await expect(store.put(key('b'), bytes('2'), { condition: overwrite, signal })).rejects.toBe(reason)
      await expect(store.delete([key('a')], { signal })).rejects.toBe(reason)
      await expect(store.get(key('a'), { signal })).rejects.toBe(reason)
      await expect(store.list({ prefix: key('folder/'), signal })).rejects.toBe(reason)
      expect(await names()).toEqual(['a'])
      expect(text(foundObject(await store.get(key('a'))).body)).toBe('1')
    })

    suite.test('rejects with the reason when the signal is aborted under way, and works on', async ({ store, key }) => {
      for (const start of everyMethod(store, key('a'))) {
        const controller = new AbortController()
        const attempt = start(controller.signal)
        const reason = { stopped: 'under way' }
        controller.abort(reason)
        await expect(attempt).rejects.toBe(reason)
      }
      await store.put(key('z'), bytes('1'), { condition: overwrite })
      expect(text(foundObject(await store.get(key('z'))).body)).toBe('1')
    })

    suite.test('lets go of a signal that lives long', async ({ store, key }) => {
      const { signal } = new AbortController()
      for (let i = 0; i < 10; i++) for (const start of everyMethod(store, key('a'))) await start(signal)
      await vi.waitFor(() => expect(getEventListeners(signal, 'abort').length).toBeLessThan(10))
    })

    for (const kind of Object.keys(suite.capabilities.broken) as BrokenKind[]) describeBroken(suite, kind)
  })
}

type Start = (signal?: AbortSignal) => Promise<unknown>

function everyMethod(store: ObjectStore, key: string): readonly Start[] {
  return [
    (signal) => store.put(key, bytes('1'), { condition: overwrite, signal }),
    (signal) => store.get(key, { signal }),
    (signal) => store.list({ prefix: `${key}/`, signal }),
    (signal) => store.delete([key], { signal }),
  ]
}

function describeBroken(suite: Suite, kind: BrokenKind): void {
  const factory = suite.capabilities.broken[kind]
  if (factory === undefined) return
  const retriable = kind === 'STORE_UNAVAILABLE'
  const name = `a store that is broken by ${kind} says so`
  const run = async ({ store, key }: StoreScope): Promise<void> => {
    const [put, ...others] = everyMethod(store, key('a'))
    for (const attempt of others) await expect(attempt()).rejects.toMatchObject({ code: kind, retriable })
    if (retriable) {
      // Whether a write arrived before nobody answered any more cannot be known.
      expect(await put?.()).toMatchObject({ outcome: 'unknown', error: { code: 'UNKNOWN_OUTCOME', retriable } })
    } else {
      await expect(put?.()).rejects.toMatchObject({ code: kind, retriable })
    }
  }
  suite.test(name, run, factory)
}
