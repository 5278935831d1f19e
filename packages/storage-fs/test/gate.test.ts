import { join } from 'node:path'
import { create } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createGate } from '../src/gate.ts'
import { testDirectory } from './support/directory.ts'
import { bytes, textOf, watchedStore } from './support/stores.ts'

test('lets so many in at once, and the others in order', async () => {
  const gate = createGate(2)
  const log: string[] = []
  const doors = ['a', 'b', 'c', 'd'].map((name) => ({ name, ...Promise.withResolvers<void>() }))
  const all = doors.map(({ name, promise }) =>
    gate.run(undefined, async () => {
      log.push(`${name} in`)
      await promise
      log.push(`${name} out`)
    }),
  )
  for (const { resolve } of doors) {
    await new Promise((turn) => setImmediate(turn))
    resolve()
  }
  await Promise.all(all)
  expect(log).toEqual(['a in', 'b in', 'a out', 'c in', 'b out', 'd in', 'c out', 'd out'])
})

test('lets go who is aborted, whether it waits or works, and keeps its place until the work has ended', async () => {
  const gate = createGate(1)
  const door = Promise.withResolvers<void>()
  const controller = new AbortController()
  let begun = 0
  const working = gate.run(controller.signal, () => {
    begun++
    return door.promise
  })
  const waiting = gate.run(controller.signal, async () => {
    begun++
  })
  const later = gate.run(undefined, async () => 'later')
  await new Promise((turn) => setImmediate(turn))
  const reason = { stop: true }
  controller.abort(reason)
  await expect(working).rejects.toBe(reason)
  await expect(waiting).rejects.toBe(reason)
  door.resolve()
  expect(await later).toBe('later')
  expect(begun).toBe(1)
})

test('an error frees the place', async () => {
  const gate = createGate(1)
  await expect(gate.run(undefined, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(await gate.run(undefined, async () => 'next')).toBe('next')
})

test('a put that is aborted while its draft is written publishes nothing', async () => {
  await using directory = await testDirectory()
  const writing = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const store = watchedStore({ directory: join(directory.path, 'x') }, async (call, [path = '']) => {
    if (call === 'write') {
      writing.resolve()
      await goOn.promise
    }
    if (call === 'unlink' && path.includes('.tmp/')) ended.resolve()
  })
  const controller = new AbortController()
  const body = bytes('the body')
  const put = store.put('a', body, { condition: create, signal: controller.signal })
  await writing.promise
  controller.abort('changed my mind')
  await expect(put).rejects.toBe('changed my mind')
  // From here on the body is the caller's again.
  body.fill(0)
  goOn.resolve()
  await ended.promise
  expect(await textOf(store, 'a')).toBe('not-found')
})
