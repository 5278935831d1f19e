import { mkdir, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { expect, test, vi } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { createSettling, noSettling } from '../src/settling.ts'
import { SWEEP_AGE_MS, sweep, sweepIfDue } from '../src/sweep.ts'
import { testDirectory } from './support/directory.ts'
import { nodeFileSystem } from './support/node-file-system.ts'
import { set, textOf } from './support/stores.ts'
import { watchedFileSystem } from './support/watched.ts'

async function makeOld(path: string): Promise<void> {
  const seconds = (Date.now() - SWEEP_AGE_MS - 1_000) / 1_000
  await utimes(path, seconds, seconds)
}

const sweepNow = (root: string): Promise<void> =>
  sweep({ fs: nodeFileSystem, root, settling: noSettling, clock: systemClock })

async function pathsIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true })
  return entries.filter((path) => path !== '.tmp' && path !== '.tmp/swept').sort()
}

test('removes drafts and prepared directories that are old, and leaves young ones alone', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  await set(store, 'a', '1')
  for (const age of ['OLD', 'YOUNG']) {
    await writeFile(join(directory.path, `.tmp/${age}`), 'half a rec')
    await mkdir(join(directory.path, `.tmp/${age}~`))
    await writeFile(join(directory.path, `.tmp/${age}~/now~x`), '')
  }
  await makeOld(join(directory.path, '.tmp/OLD'))
  await makeOld(join(directory.path, '.tmp/OLD~'))
  await sweepNow(directory.path)
  expect(await pathsIn(directory.path)).toEqual(['.tmp/YOUNG', '.tmp/YOUNG~', '.tmp/YOUNG~/now~x', 'a'])
})

test('removes the versions of dead objects, and keeps those of living ones', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  for (const key of ['d/alive', 'd/dead', 'd/again']) for (const body of ['1', '2', '3']) await set(store, key, body)
  // A process that crashed after it had unlinked the birth.
  await rm(join(directory.path, 'd/dead'))
  await rm(join(directory.path, 'd/again'))
  await set(store, 'd/again', '4')
  const directories = (await readdir(join(directory.path, 'd'))).filter((name) => name.startsWith('~'))
  expect(directories.length).toBe(3)
  await sweepNow(directory.path)
  expect((await readdir(join(directory.path, 'd'))).length, 'all are young').toBe(5)
  for (const name of directories) await makeOld(join(directory.path, 'd', name))
  await sweepNow(directory.path)
  expect((await readdir(join(directory.path, 'd'))).filter((name) => name.startsWith('~')).length).toBe(1)
  expect(await textOf(store, 'd/alive')).toBe('3')
  expect(await textOf(store, 'd/again')).toBe('4')
})

test('keeps the versions of an object whose file is damaged', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  for (const body of ['1', '2']) await set(store, 'a', body)
  const [name = ''] = (await readdir(directory.path)).filter((entry) => entry.startsWith('~'))
  const birth = await readFile(join(directory.path, 'a'))
  await truncate(join(directory.path, 'a'), 10)
  await makeOld(join(directory.path, name))
  await sweepNow(directory.path)
  await writeFile(join(directory.path, 'a'), birth)
  expect(await textOf(store, 'a'), 'once it was restored').toBe('2')
})

test('removes directories without objects, and not the way to others', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  await set(store, 'x/y/full', '1')
  for (const path of ['x/empty', 'x/young', 'x/y/z']) await mkdir(join(directory.path, path), { recursive: true })
  for (const path of ['x/empty', 'x/y/z', 'x/y', 'x']) await makeOld(join(directory.path, path))
  await sweepNow(directory.path)
  expect(await pathsIn(directory.path)).toEqual(['x', 'x/y', 'x/y/full', 'x/young'])
})

test('makes a published draft durable before it removes the spare name', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  await set(store, 'd/a', '1')
  const etag = await set(store, 'd/a', '2')
  const [birth = '', , nonce = ''] = etag.split('-')
  const record = join(directory.path, `d/~${birth}/${etag.slice(birth.length + 1)}`)
  const draft = join(directory.path, '.tmp', nonce)
  await nodeFileSystem.link(record, draft)
  await makeOld(draft)
  const calls: string[] = []
  const fs = watchedFileSystem((call, [path = '']) => {
    if (call === 'sync' || call === 'unlink') calls.push(`${call} ${path}`)
  })
  await sweep({ fs, root: directory.path, settling: createSettling(fs, directory.path), clock: systemClock })
  const removed = calls.indexOf(`unlink ${draft}`)
  for (const path of [dirname(record), join(directory.path, 'd'), directory.path]) {
    expect(calls.indexOf(`sync ${path}`)).toBeGreaterThanOrEqual(0)
    expect(calls.indexOf(`sync ${path}`)).toBeLessThan(removed)
  }
})

test('sweeps once an hour, whoever opens the directory', async () => {
  await using directory = await testDirectory()
  const clock = createManualClock({ startMs: Date.now() })
  const options = { directory: directory.path, durability: 'none' } as const
  await set(createFsStore(options), 'a', '1')
  const draft = join(directory.path, '.tmp/LEFT')
  const leave = async (): Promise<void> => {
    await writeFile(draft, '')
    await makeOld(draft)
  }
  await leave()
  await createFsStore(options).delete(['a'])
  await vi.waitFor(async () => expect(await readdir(join(directory.path, '.tmp'))).toEqual(['swept']))
  await leave()
  const context = { fs: nodeFileSystem, root: directory.path, settling: noSettling, clock }
  await sweepIfDue(context)
  expect(await readdir(join(directory.path, '.tmp'))).toEqual(['LEFT', 'swept'])
  await clock.advance(SWEEP_AGE_MS + 1_000)
  await sweepIfDue(context)
  expect(await readdir(join(directory.path, '.tmp'))).toEqual(['swept'])
})

test('does not disturb who works in a directory that is swept all the time', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path, durability: 'none' })
  const clock = createManualClock({ startMs: Date.now() + 10 * SWEEP_AGE_MS })
  let working = true
  // Everything looks old to this one, so that it removes every empty directory that it finds.
  const sweeper = (async () => {
    const context = { fs: nodeFileSystem, root: directory.path, settling: noSettling, clock }
    while (working) await sweep({ ...context, fs: { ...nodeFileSystem, entries: withoutDrafts(directory.path) } })
  })()
  for (let i = 0; i < 60; i++) {
    const key = `x/${i % 3}/y/${i}`
    await set(store, key, '1')
    await set(store, key, '2')
    expect(await textOf(store, key)).toBe('2')
    await store.delete([key])
  }
  working = false
  await sweeper
  expect(await textOf(store, 'x/0/y/0')).toBe('not-found')
})

/** Drafts really must be old before they may be removed. */
function withoutDrafts(root: string): typeof nodeFileSystem.entries {
  return async (path) => (path === join(root, '.tmp') ? [] : nodeFileSystem.entries(path))
}

test('a store that was moved as a whole is the same store', async () => {
  await using directory = await testDirectory()
  await set(createFsStore({ directory: join(directory.path, 'x') }), 'd/a', '1')
  const etag = await set(createFsStore({ directory: join(directory.path, 'x') }), 'd/a', '2')
  await rename(join(directory.path, 'x'), join(directory.path, 'y'))
  expect(await createFsStore({ directory: join(directory.path, 'y') }).get('d/a')).toMatchObject({ etag })
})
