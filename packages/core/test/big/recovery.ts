/**
 * Run as a process of its own, with `--expose-gc` and a limit of the heap: fills a store, opens the queue, and prints how long it took
 * until the process was the writer and knew the exact numbers, and what it holds in memory then.
 *
 *     node recovery.ts <shape> <count> <log|snapshot>
 */
import { createMemoryStore } from '@s3queue/storage-memory'
import { createQueue } from '../../src/index.ts'
import { print, threadCpuMs, usedHeapMiB } from './child.ts'
import { bigQueue, type Source, seed } from './seed.ts'
import type { ShapeName } from './shapes.ts'

export interface RecoveryResult {
  readonly ms: number
  /** Time of the processor: what is left of `ms` on a machine with nothing else to do. */
  readonly cpuMs: number
  readonly heapMiB: number
}

const [shape, countText, source] = process.argv.slice(2) as [ShapeName, string, Source]
const count = Number(countText)
const store = createMemoryStore()
await seed(store, { shape, count }, source)

const before = usedHeapMiB()
const startedAt = performance.now()
const cpuAt = threadCpuMs()
const queue = createQueue({ store, ...bigQueue })
const { total } = await queue.getStats()
if (total !== count) throw new Error(`${total} of ${count} messages are there.`)
const ms = performance.now() - startedAt
const cpuMs = threadCpuMs() - cpuAt
print({ ms, cpuMs, heapMiB: usedHeapMiB() - before } satisfies RecoveryResult)
await queue.close()
