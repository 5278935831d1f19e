/** Measuring in a process of its own: what the process needs, and how it is started. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MIB = 1 << 20

/** What the heap holds once everything that can be collected is. */
export function usedHeapMiB(): number {
  if (gc === undefined) throw new Error('Start node with --expose-gc.')
  gc()
  gc()
  return process.memoryUsage().heapUsed / MIB
}

/** Time that this thread has been running: other processes of a busy machine do not count. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Tells the parent. */
export function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

export interface ChildOptions {
  /** Limit of the old generation of the heap: the process ends with an error beyond it. */
  readonly heapLimitMiB: number
}

/** Runs a file of this folder and returns what it prints. Rejects if it fails. */
export async function runChild<T>(file: string, args: readonly string[], { heapLimitMiB }: ChildOptions): Promise<T> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const flags = ['--expose-gc', `--max-old-space-size=${heapLimitMiB}`, '--conditions=@s3queue/source', '--no-warnings']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, path, ...args], { maxBuffer: MIB })
  return JSON.parse(stdout) as T
}
