import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createIds, type ObjectStore, seededRandom, systemClock, systemIds } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { FileSystem } from '../src/file-system.ts'
import { createStoreOn } from '../src/fs-store.ts'
import { createFsStore } from '../src/index.ts'
import { createMemoryDisk } from './model/memory-disk.ts'
import { testDirectory } from './support/directory.ts'
import { nodeFileSystem } from './support/node-file-system.ts'
import { set, watchedStore } from './support/stores.ts'
import { failing } from './support/watched.ts'

/** Begins a watch that ends with the test; `notified` resolves with the next notification. */
async function watching(store: ObjectStore, prefix: string) {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  let next = Promise.withResolvers<void>()
  let count = 0
  const onChange = (): void => {
    count++
    next.resolve()
    next = Promise.withResolvers()
  }
  const begun = await store.watch?.({ prefix, onChange, signal: controller.signal })
  return { begun, count: () => count, notified: () => next.promise, end: () => controller.abort() }
}

/** Changes things again and again until there is a notification: the first changes may come before a new directory is watched. */
async function notifiedInTheEnd(notified: Promise<void>, change: () => Promise<unknown>): Promise<void> {
  let isNotified = false
  const noted = notified.then(() => {
    isNotified = true
  })
  while (!isNotified) await Promise.race([noted, change()])
}

describe('on a real disk', () => {
  test.each(['inbox/', 'inbox/deep/', 'inbox/deep/bell'])(
    'a directory that is removed and made again is watched again, for "%s"',
    async (prefix) => {
      await using directory = await testDirectory()
      const store = createFsStore({ directory: directory.path })
      const watch = await watching(store, prefix)
      for (let round = 0; round < 3; round++) {
        let notified = watch.notified()
        await set(store, 'inbox/deep/bell', `${round}`)
        await notified
        await set(store, 'inbox/deep/bell', `${round} again`)
        await store.delete(['inbox/deep/bell'])
        notified = watch.notified()
        await rm(join(directory.path, 'inbox'), { recursive: true })
        await notified
      }
      await mkdir(join(directory.path, 'inbox'))
      await notifiedInTheEnd(watch.notified(), () => set(store, 'inbox/deep/bell', 'last'))
    },
  )

  test('a key may become a folder and a key again', async () => {
    await using directory = await testDirectory()
    const store = createFsStore({ directory: directory.path })
    await set(store, 'a', 'key')
    const [key, folder] = [await watching(store, 'a'), await watching(store, 'a/')]
    expect([key.begun, folder.begun]).toEqual([true, true])
    let notified = [key.notified()]
    await store.delete(['a'])
    await Promise.all(notified)
    notified = [folder.notified()]
    await set(store, 'a/b', 'below')
    await Promise.all(notified)
    notified = [folder.notified()]
    await store.delete(['a/b'])
    await Promise.all(notified)
    notified = [key.notified()]
    await set(store, 'a', 'key')
    await Promise.all(notified)
  })

  test('nothing is made for a prefix that is not there', async () => {
    await using directory = await testDirectory()
    const store = createFsStore({ directory: directory.path })
    await watching(store, 'not/there/yet/')
    const names = (await nodeFileSystem.entries(directory.path)).map(({ name }) => name)
    expect(names).toEqual(['.tmp'])
  })
})

describe('a watch is refused with false, and leaves nothing open,', () => {
  test.each(['ENOSPC', 'EMFILE', 'ENOSYS'])('if the system fails with %s', async (code) => {
    await using directory = await testDirectory()
    const store = watchedStore({ directory: directory.path }, failing('watch', code))
    for (const prefix of ['a/', 'a', '']) expect((await watching(store, prefix)).begun).toBe(false)
    await set(store, 'a', 'written all the same')
  })

  test('if only one of its directories can be watched', async () => {
    const { disk, store } = storeInMemory((fs) => ({
      ...fs,
      watch: (path, listener) => {
        if (path === '/a/c') throw Object.assign(new Error('no watches left'), { code: 'ENOSPC' })
        return fs.watch(path, listener)
      },
    }))
    await set(store, 'a/b/d', '1')
    await set(store, 'a/c/d', '1')
    expect((await watching(store, 'a/b/')).begun).toBe(true)
    const before = disk.watched()
    expect((await watching(store, 'a/')).begun).toBe(false)
    expect(disk.watched()).toBe(before)
  })

  test('on a network file system', async () => {
    await using directory = await testDirectory()
    const fs: FileSystem = { ...nodeFileSystem, type: async () => 0x6969 }
    const options = { directory: directory.path, durability: 'none', clock: systemClock, ids: systemIds } as const
    expect((await watching(createStoreOn(fs, options), 'a/')).begun).toBe(false)
  })
})

/** A store on a disk in memory, with virtual time. */
function storeInMemory(change: (fs: FileSystem) => FileSystem = (fs) => fs) {
  const [disk, clock] = [createMemoryDisk(), createManualClock()]
  const ids = createIds(clock, seededRandom(1))
  const store = createStoreOn(change(disk), { directory: '/', durability: 'none', clock, ids })
  return { disk, clock, store }
}

test('many watches share the few directories that they are in, and close them with the last one', async () => {
  const { disk, clock, store } = storeInMemory()
  for (let i = 0; i < 100; i++) await set(store, `queue/mailboxes/w${i}`, 'born')
  const watches = await Promise.all([
    ...Array.from({ length: 100 }, (_, i) => watching(store, `queue/mailboxes/w${i}`)),
    ...Array.from({ length: 5 }, () => watching(store, 'queue/inbox/')),
    watching(store, 'queue/lease'),
  ])
  expect(watches.every(({ begun }) => begun)).toBe(true)
  expect(disk.watched(), 'the mailboxes and the queue').toBe(2)
  await set(store, 'queue/mailboxes/w7', 'followed')
  await clock.settle()
  expect(disk.watched(), 'and the versions of one mailbox').toBe(3)
  for (const { end } of watches) end()
  expect(disk.watched()).toBe(0)
})

test('a burst of changes is one notification, and a later change another one', async () => {
  const { clock, store } = storeInMemory()
  const watch = await watching(store, 'a/')
  for (let i = 0; i < 20; i++) await set(store, `a/k${i}`, '1')
  expect(watch.count(), 'never within a call').toBe(0)
  await clock.advance(0)
  expect(watch.count()).toBe(1)
  await set(store, 'a/k0', '2')
  await clock.runUntilIdle()
  const after = watch.count()
  expect(after).toBeGreaterThan(1)
  await clock.runUntilIdle()
  expect(watch.count()).toBe(after)
})

test('a watch of a key is not woken by its neighbours', async () => {
  const { clock, store } = storeInMemory()
  await set(store, 'a/k', '1')
  await set(store, 'a/k', '2')
  const watch = await watching(store, 'a/k')
  for (let i = 0; i < 5; i++) {
    await set(store, 'a/neighbour', `${i}`)
    await store.delete(['a/neighbour', 'a/other'])
    await clock.runUntilIdle()
  }
  expect(watch.count()).toBe(0)
  await set(store, 'a/k', '3')
  await clock.runUntilIdle()
  expect(watch.count()).toBeGreaterThan(0)
})

test('a notification that is due does not come after an abort', async () => {
  const { clock, store } = storeInMemory()
  const watch = await watching(store, 'a/')
  await set(store, 'a/k', '1')
  watch.end()
  await clock.runUntilIdle()
  expect(watch.count()).toBe(0)
})

test('an abort while the watch begins leaves nothing open', async () => {
  for (let steps = 0; steps < 40; steps++) {
    const { disk, store } = storeInMemory()
    await set(store, 'a/b/c', '1')
    await set(store, 'a/b/c', '2')
    for (const prefix of ['a/', 'a/b/c', 'not/there/']) {
      const controller = new AbortController()
      const begun = store.watch?.({ prefix, onChange: () => undefined, signal: controller.signal })
      for (let i = 0; i < steps; i++) await Promise.resolve()
      controller.abort()
      await begun
      expect(disk.watched(), `${prefix} after ${steps} steps`).toBe(0)
    }
  }
})

test('a watch that fails later falls silent, and the others are still notified', async () => {
  let isExhausted = false
  const { disk, clock, store } = storeInMemory((fs) => ({
    ...fs,
    watch: (path, listener) => {
      if (isExhausted) throw Object.assign(new Error('no watches left'), { code: 'ENOSPC' })
      return fs.watch(path, listener)
    },
  }))
  await set(store, 'a/k', '1')
  const [silent, other] = [await watching(store, 'b/c/'), await watching(store, 'a/')]
  isExhausted = true
  await set(store, 'b/c/k', '1')
  await set(store, 'a/k2', '1')
  await clock.runUntilIdle()
  expect([silent.count(), other.count()]).toEqual([0, 1])
  silent.end()
  other.end()
  expect(disk.watched()).toBe(0)
})

test('a directory that is gone before its watch is known to have begun is watched again', async () => {
  let isFirst = true
  const { clock, store } = storeInMemory((fs) => ({
    ...fs,
    async watch(path, listener) {
      const close = await fs.watch(path, listener)
      if (isFirst && path === '/a') {
        isFirst = false
        close()
        listener.onEnd()
      }
      return close
    },
  }))
  await set(store, 'a/k', '1')
  const watch = await watching(store, 'a/k')
  await clock.runUntilIdle()
  const before = watch.count()
  await store.delete(['a/k'])
  await clock.runUntilIdle()
  expect(watch.count()).toBe(before + 1)
})
