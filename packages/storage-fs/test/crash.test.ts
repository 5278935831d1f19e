/** A process that stops after any of its system calls, on a real disk. What it had been told holds, and work goes on. */
import { join } from 'node:path'
import { createIds, seededRandom, systemClock } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { expect, test } from 'vitest'
import type { FileSystem, OpenFile } from '../src/file-system.ts'
import { createStoreOn } from '../src/fs-store.ts'
import { createFsStore } from '../src/index.ts'
import { noSettling } from '../src/settling.ts'
import { sweep } from '../src/sweep.ts'
import { act, KEY, type Move } from './model/actors.ts'
import { assertLinearizable, createHistory } from './model/history.ts'
import { testDirectory } from './support/directory.ts'
import { nodeFileSystem } from './support/node-file-system.ts'

interface CrashingFileSystem {
  readonly fs: FileSystem
  /** Resolves when the process has stopped. */
  readonly stopped: Promise<void>
  /** Closes what the system would close for a process that is gone. */
  closeAll(): Promise<void>
}

/** Makes `calls` calls; after that, nothing ever comes back. */
function crashingAfter(calls: number): CrashingFileSystem {
  const stop = Promise.withResolvers<void>()
  const open = new Set<OpenFile>()
  let left = calls
  const counted = <A extends unknown[], R>(call: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) => {
    return (...args) => {
      if (left-- > 0) return call(...args)
      stop.resolve()
      return new Promise<R>(() => {})
    }
  }
  const fs: FileSystem = {
    ...nodeFileSystem,
    open: counted(async (path, mode) => {
      const file = await nodeFileSystem.open(path, mode)
      open.add(file)
      const close = async (): Promise<void> => {
        open.delete(file)
        await file.close()
      }
      return { ...file, write: counted(file.write), sync: counted(file.sync), close }
    }),
    link: counted(nodeFileSystem.link),
    rename: counted(nodeFileSystem.rename),
    unlink: counted(nodeFileSystem.unlink),
    makeDirectory: counted(nodeFileSystem.makeDirectory),
    removeDirectory: counted(nodeFileSystem.removeDirectory),
  }
  return {
    fs,
    stopped: stop.promise,
    async closeAll() {
      for (const file of open) await file.close()
    },
  }
}

const MOVES: readonly Move[] = ['create', 'if-own', 'overwrite', 'delete', 'create']

/** Runs the moves up to the crash; answers false if there was none any more. */
async function crashAndLookBack(directory: string, calls: number): Promise<boolean> {
  const { fs, stopped, closeAll } = crashingAfter(calls)
  const ids = createIds(systemClock, seededRandom(calls))
  const options = { directory, durability: 'fsync', clock: systemClock, ids } as const
  const history = createHistory()
  const worker = { name: 'A', store: createStoreOn(fs, options), history, startEtag: 'NEVER' }
  const crashed = await Promise.race([act(worker, MOVES).then(() => false), stopped.then(() => true)])

  const next = { name: 'Y', store: createFsStore({ directory, durability: 'none' }), history, startEtag: 'NEVER' }
  await act(next, ['get', 'list', 'overwrite', 'if-own', 'get', 'delete', 'get', 'list'])
  assertLinearizable(history.operations, undefined)

  const clock = createManualClock({ startMs: Date.now() + 3_600_001 })
  await sweep({ fs: nodeFileSystem, root: directory, settling: noSettling, clock })
  await sweep({ fs: nodeFileSystem, root: directory, settling: noSettling, clock })
  const left = await nodeFileSystem.entries(directory)
  expect(left.map(({ name }) => name)).toEqual(['.tmp'])
  const spare = await nodeFileSystem.entries(join(directory, '.tmp'))
  expect(spare.map(({ name }) => name).filter((name) => name !== 'swept')).toEqual([])
  await closeAll()
  return crashed
}

test(`a process that crashes after any number of calls loses nothing of ${KEY}`, { timeout: 120_000 }, async () => {
  await using directory = await testDirectory()
  let calls = 0
  while (await crashAndLookBack(join(directory.path, String(calls)), calls)) calls++
  expect(calls).toBeGreaterThan(40)
})
