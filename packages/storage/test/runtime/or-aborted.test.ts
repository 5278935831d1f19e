import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { orAborted } from '../../src/index.ts'
import { rejection } from '../bytes.ts'

test('what comes before the signal is aborted is the answer, and the signal is let go', async () => {
  const { signal } = new AbortController()
  expect(await orAborted(Promise.resolve('answer'), signal)).toBe('answer')
  expect(await rejection(orAborted(Promise.reject(new Error('no')), signal))).toEqual(new Error('no'))
  await Promise.resolve()
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('rejects with the reason of the signal, before or meanwhile; what comes afterwards is not heard', async () => {
  expect(await rejection(orAborted(new Promise(() => {}), AbortSignal.abort('before')))).toBe('before')
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<void>()
  const waiting = rejection(orAborted(promise, controller.signal))
  controller.abort('meanwhile')
  expect(await waiting).toBe('meanwhile')
  reject(new Error('too late'))
})
