/** How much memory work asks for, whether or not it is collected again: what keeps the garbage collector busy. */
import { GCProfiler, getHeapStatistics } from 'node:v8'

/**
 * Starts to count; the function that is returned says how many bytes of the JavaScript heap were allocated by then, and ends it. The heap grows by
 * allocation alone, so what it has grown by between one run of the garbage collector and the next adds up to that. Buffers lie outside of it.
 */
export function startCountingAllocations(): () => number {
  const profiler = new GCProfiler()
  profiler.start()
  const usedAtStart = getHeapStatistics().used_heap_size
  return () => {
    const usedAtEnd = getHeapStatistics().used_heap_size
    let allocated = 0
    let used = usedAtStart
    for (const { beforeGC, afterGC } of profiler.stop().statistics) {
      allocated += beforeGC.heapStatistics.usedHeapSize - used
      used = afterGC.heapStatistics.usedHeapSize
    }
    return allocated + usedAtEnd - used
  }
}
