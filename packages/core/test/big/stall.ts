/**
 * Run as a process of its own, with `--expose-gc`: how long a snapshot of a large state keeps everything else from running.
 *
 *     node stall.ts <shape> <count> <active>
 *
 * `count` messages are there, `active` of them in the hands of a worker. The process takes over and enqueues one message after the other,
 * each a commit, until a snapshot is due and beyond it. The store drops the snapshot: what is measured is the queue's own.
 */
import type { ObjectStore } from '@s3queue/storage'
import { createMemoryStore } from '@s3queue/storage-memory'
import { createQueue } from '../../src/index.ts'
import { print, threadCpuMs } from './child.ts'
import { bigQueue, seed } from './seed.ts'
import type { ShapeName } from './shapes.ts'

export interface StallResult {
  /** The longest time between two turns of the event loop while the snapshot was made, of the processor and on the wall. */
  readonly cpuMs: number
  readonly wallMs: number
  /** The same over as many commits before it. */
  readonly cpuMsWithout: number
  /** From the commit that the snapshot is of to its end. */
  readonly tookMs: number
  readonly commitsMeanwhile: number
  readonly snapshotMiB: number
}

const SNAPSHOT_AFTER = 600
const MIB = 1 << 20

/** The longest time between two turns of the event loop since `restart`. */
function watchLoop() {
  let longest = { cpuMs: 0, wallMs: 0 }
  let last = { cpu: threadCpuMs(), wall: performance.now() }
  let isWatching = true
  const turn = (): void => {
    const now = { cpu: threadCpuMs(), wall: performance.now() }
    longest = {
      cpuMs: Math.max(longest.cpuMs, now.cpu - last.cpu),
      wallMs: Math.max(longest.wallMs, now.wall - last.wall),
    }
    last = now
    if (isWatching) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    read: () => longest,
    restart: () => {
      longest = { cpuMs: 0, wallMs: 0 }
    },
    stop: () => {
      isWatching = false
    },
  }
}

/** Tells of the snapshot, which it does not keep, and of the base that names it. */
function droppingSnapshots(store: ObjectStore, seen: { snapshotBytes: number; based: boolean }): ObjectStore {
  return {
    description: store.description,
    get: (key, options) => store.get(key, options),
    delete: (keys, options) => store.delete(keys, options),
    list: (options) => store.list(options),
    async put(key, body, options) {
      if (key.endsWith('/base')) seen.based = true
      if (!key.includes('/snapshots/')) return store.put(key, body, options)
      seen.snapshotBytes = body.length
      return { outcome: 'stored', etag: '"dropped"' }
    },
  }
}

const [shape, countText, activeText] = process.argv.slice(2) as [ShapeName, string, string]
const memory = createMemoryStore()
await seed(memory, { shape, count: Number(countText), active: Number(activeText) }, 'log')

const seen = { snapshotBytes: 0, based: false }
const queue = createQueue({
  ...bigQueue,
  store: droppingSnapshots(memory, seen),
  runtime: { snapshotAfterCommits: SNAPSHOT_AFTER },
})
await queue.getStats()
gc?.()
const loop = watchLoop()
let commits = 0
let cpuMsWithout = 0
let startedAt = 0
const slots = async (): Promise<number> => {
  const { entries } = await memory.list({ prefix: `s3queue/${bigQueue.name}/0/log/` })
  return Number(entries.at(-1)?.key.slice(-12))
}
const before = await slots()
while (!seen.based) {
  // The commit after this one is the one that the snapshot is of.
  if (before + commits === SNAPSHOT_AFTER - 2) {
    cpuMsWithout = loop.read().cpuMs
    loop.restart()
    startedAt = performance.now()
  }
  await queue.enqueue('one more')
  commits++
}
const tookMs = performance.now() - startedAt
loop.stop()
const snapshotMiB = seen.snapshotBytes / MIB
const commitsMeanwhile = before + commits - SNAPSHOT_AFTER
print({ ...loop.read(), cpuMsWithout, tookMs, commitsMeanwhile, snapshotMiB } satisfies StallResult)
process.exit(0)
