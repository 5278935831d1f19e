/** Where scenarios begin and end: a disk with one object on it in some state, and what must be true of it when all is over. */
import { dirname } from 'node:path'
import { createManualClock } from '@s3queue/storage/testing'
import { expect } from 'vitest'
import { noSettling } from '../../src/settling.ts'
import { sweep } from '../../src/sweep.ts'
import { act, KEY, type Move, storeOn } from './actors.ts'
import { assertLinearizable, createHistory, type History, type ObjectState } from './history.ts'
import { createMemoryDisk, type MemoryDisk, START_MS } from './memory-disk.ts'

export interface Start {
  readonly state: ObjectState
  /** The ETag of the state; if there is no object, one that it never had. */
  readonly etag: string
  /** A new disk for one run. */
  disk(): MemoryDisk
}

/** The moves that lead to the state. */
export type StartName = 'absent' | 'born' | 'changed' | 'changed often' | 'reborn'

const STARTS: Readonly<Record<StartName, readonly Move[]>> = {
  absent: [],
  born: ['create'],
  changed: ['create', 'if-own'],
  /** The next write removes old versions. */
  'changed often': ['create', ...Array<Move>(15).fill('if-own')],
  reborn: ['create', 'if-own', 'delete', 'create'],
}

export const START_NAMES: readonly StartName[] = Object.keys(STARTS) as StartName[]

export async function prepareStart(name: StartName): Promise<Start> {
  const disk = createMemoryDisk()
  const history = createHistory()
  const store = storeOn(disk, 1)
  await store.delete(['opened'])
  // A second process, which leaves the mark that nobody need sweep for the next hour.
  await storeOn(disk, 2).delete(['opened'])
  await act({ name: 'S', store, history, startEtag: 'NEVER' }, [...STARTS[name], 'get'])
  await forgetVersions(disk)
  const last = history.operations.at(-1)?.answered
  const state = last?.answer === 'found' ? { body: last.body, etag: last.etag } : undefined
  return { state, etag: state?.etag ?? 'NEVER', disk: () => disk.copy() }
}

/** Leaves few of the old versions, so that removing them takes few steps. */
async function forgetVersions(disk: MemoryDisk): Promise<void> {
  for (const path of disk.paths()) {
    const number = /\/(\d{12})-[^/]*$/.exec(path)?.[1]
    if (number !== undefined && Number(number) > 1 && Number(number) < 15) await disk.unlink(path)
  }
}

/** What any scenario must leave: an explicable history, an object that can be used, and nothing that a sweep would not remove. */
export async function assertSound(disk: MemoryDisk, history: History, start: Start): Promise<void> {
  const store = storeOn(disk, 1_000)
  await act({ name: 'Y', store, history, startEtag: start.etag }, ['get', 'list', 'get-if-changed'])
  const seen = history.operations.at(-3)?.answered
  const written = createHistory()
  const etag = seen?.answer === 'found' ? seen.etag : 'NEVER'
  await act({ name: 'Z', store, history: written, startEtag: etag }, [
    seen?.answer === 'found' ? 'if-start' : 'create',
    'get',
    'list',
  ])
  assertLinearizable(history.operations, start.state)
  expect(written.operations[0]?.answered, 'the object can be written').toMatchObject({ answer: 'stored' })
  const state = seen?.answer === 'found' ? { body: seen.body, etag: seen.etag } : undefined
  assertLinearizable(written.operations, state)
  await assertSweptClean(disk)
}

/** An hour later, a sweep leaves the object and nothing else. */
async function assertSweptClean(disk: MemoryDisk): Promise<void> {
  const clock = createManualClock({ startMs: START_MS + 3_600_000 })
  await sweep({ fs: disk, root: '/', settling: noSettling, clock })
  const paths = disk.paths().filter((path) => !['/.tmp/', '/.tmp/swept', '/d/'].includes(path))
  const versions = paths.filter((path) => /^\/d\/~[0-9A-Z]{16}\/\d{12}-[0-9A-Z]{16}$/.test(path))
  const others = paths.filter((path) => !versions.includes(path))
  if (versions.length === 0) {
    expect(others).toEqual([`/${KEY}`])
    return
  }
  const current = others.find((path) => path.includes('/now~')) ?? 'none'
  expect(others.toSorted()).toEqual([`/${KEY}`, current, `${dirname(current)}/`].toSorted())
  expect(versions).toContain(current.replace('now~', ''))
}
