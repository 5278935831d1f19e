/** Several real processes in one directory on a real disk. */
import { join } from 'node:path'
import { overwrite } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { startWorker, type Worker } from './processes/start-worker.ts'
import type { Job } from './processes/worker.ts'
import { testDirectory } from './support/directory.ts'

/** Machines that are busy with other things need their time. */
const timeout = { timeout: 120_000 }

const NAMES = ['A', 'B', 'C', 'D']

/** Lets four processes do the job at the same time. */
async function together(directory: string, job: Job): Promise<(readonly number[])[]> {
  const workers = NAMES.map((name) => startWorker({ directory, name, job }))
  try {
    await Promise.all(workers.map(({ ready }) => ready))
    for (const worker of workers) worker.go()
    return await Promise.all(workers.map(({ done }) => done))
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()))
  }
}

async function textOf(directory: string, key: string): Promise<string> {
  const result = await createFsStore({ directory: join(directory, 'store') }).get(key)
  return result.outcome === 'found' ? new TextDecoder().decode(result.body) : result.outcome
}

test('four processes count together and lose nothing', timeout, async () => {
  await using directory = await testDirectory()
  const added = await together(directory.path, { job: 'count', times: 30 })
  expect(added).toEqual([[30], [30], [30], [30]])
  expect(await textOf(directory.path, 'counter')).toBe('120')
})

test('of four processes that create a key one wins', timeout, async () => {
  await using directory = await testDirectory()
  const keys = 100
  const won = await together(directory.path, { job: 'create', keys })
  expect(won.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: keys }, (_, i) => i))
  for (const [i, name] of NAMES.entries()) {
    for (const key of won[i] ?? []) expect(await textOf(directory.path, `race/${key}`)).toBe(name)
  }
})

test('four processes lock by creating, and one at a time holds the lock', timeout, async () => {
  await using directory = await testDirectory()
  const held = await together(directory.path, { job: 'lock', times: 15 })
  expect(held).toEqual([[15], [15], [15], [15]])
  expect(await textOf(directory.path, 'lock')).toBe('not-found')
})

test('a process is notified of what another one writes, every time', timeout, async () => {
  await using directory = await testDirectory()
  const times = 50
  const store = createFsStore({ directory: join(directory.path, 'store') })
  const worker = startWorker({ directory: directory.path, name: 'A', job: { job: 'listen', times } })
  try {
    const heard = new Map(Array.from({ length: times + 1 }, (_, n) => [n, Promise.withResolvers<void>()]))
    worker.onStored((n) => heard.get(n)?.resolve())
    await worker.ready
    worker.go()
    await heard.get(0)?.promise
    for (let n = 1; n <= times; n++) {
      await store.put('bell', new TextEncoder().encode(String(n)), { condition: overwrite })
      await heard.get(n)?.promise
    }
    expect(await worker.done).toEqual([times])
    await worker.exited
  } finally {
    await worker.kill()
  }
})

test('a process ends though it watches', timeout, async () => {
  await using directory = await testDirectory()
  const worker = startWorker({ directory: directory.path, name: 'A', job: { job: 'watch' } })
  await worker.ready
  worker.go()
  expect(await worker.done).toEqual([1])
  await worker.exited
})

/** Lets the worker store `count` more, and kills it in the middle of the next. */
async function killAfter(worker: Worker, count: number): Promise<number[]> {
  const stored: number[] = []
  const enough = new Promise<void>((resolve) => {
    worker.onStored((n) => {
      stored.push(n)
      if (stored.length === count) resolve()
    })
  })
  await worker.ready
  worker.go()
  await enough
  await worker.kill()
  return stored
}

test('what a process stored before it was killed is there, and the next one goes on', timeout, async () => {
  await using directory = await testDirectory()
  let last = 0
  for (const count of [7, 20, 1, 13, 18]) {
    const stored = await killAfter(startWorker({ directory: directory.path, name: 'A', job: { job: 'append' } }), count)
    expect(stored[0], 'it went on where the last one was killed').toBeGreaterThan(last)
    expect(stored[0]).toBeLessThanOrEqual(last + 2)
    last = stored.at(-1) ?? 0
    expect(Number(await textOf(directory.path, 'base'))).toBeGreaterThanOrEqual(last)
    for (let n = 1; n <= last; n++) expect(await textOf(directory.path, `log/${n}`)).toBe(`entry ${n}`)
  }
})
