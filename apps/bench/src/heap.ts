/** How much memory the objects of this process take. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of the heap that are in use after everything unreachable is gone. */
export function liveHeapBytes(): number {
  const collect = collector()
  // What only a finalizer kept alive goes the second time.
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** The garbage collector, also in a process that was started without `--expose-gc`. */
function collector(): () => void {
  if (globalThis.gc !== undefined) return globalThis.gc
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('This Node.js does not let its garbage collector be called.')
  return () => void collect()
}
