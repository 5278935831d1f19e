/** What is measured, at full size and smaller, and what must come of it. */
import { runChild } from './child.ts'
import type { RecoveryResult } from './recovery.ts'
import type { Source } from './seed.ts'
import { type ShapeName, shapes } from './shapes.ts'
import type { StallResult } from './stall.ts'

export interface Finding {
  readonly what: string
  readonly numbers: string
  /** What is not as it must be; empty if all is well. */
  readonly failures: readonly string[]
}

export interface RecoveryRow {
  readonly shape: ShapeName
  readonly count: number
  readonly source: Source
  /** Both what the heap may hold at the end, and what it is allowed at any moment: the process dies beyond it. */
  readonly heapLimitMiB: number
}

/** A process that does nothing else takes over within this time, of the processor: what else runs on the machine does not count. */
const RECOVERY_LIMIT_MS = 5000
const STALL_LIMIT_MS = 50
const STALL_HEAP_MIB = 2048

export async function measureRecovery({ shape, count, source, heapLimitMiB }: RecoveryRow): Promise<Finding> {
  const what = `${count.toLocaleString('en')} ${shapes[shape].about}, from ${source === 'log' ? 'the log alone' : 'a snapshot'}`
  const args = [shape, String(count), source]
  try {
    const { ms, cpuMs, heapMiB } = await runChild<RecoveryResult>('recovery.ts', args, { heapLimitMiB })
    const failures = [
      ...(cpuMs > RECOVERY_LIMIT_MS ? [`recovered in ${round(cpuMs)} ms, more than ${RECOVERY_LIMIT_MS}`] : []),
      ...(heapMiB > heapLimitMiB ? [`${round(heapMiB)} MiB of heap, more than ${heapLimitMiB}`] : []),
    ]
    const numbers = `${round(ms)} ms (processor ${round(cpuMs)} ms), heap ${round(heapMiB)} MiB of ${heapLimitMiB}`
    return { what, numbers, failures }
  } catch (error) {
    return { what, numbers: '-', failures: [`the process failed: ${lastLines(error)}`] }
  }
}

export async function measureStall(shape: ShapeName, count: number, active: number): Promise<Finding> {
  const what = `snapshot with ${count.toLocaleString('en')} ${shapes[shape].about}, ${active.toLocaleString('en')} of them active`
  const args = [shape, String(count), String(active)]
  const result = await runChild<StallResult>('stall.ts', args, { heapLimitMiB: STALL_HEAP_MIB })
  const { cpuMs, wallMs, cpuMsWithout, tookMs, commitsMeanwhile, snapshotMiB } = result
  const failures = [
    ...(cpuMs > STALL_LIMIT_MS ? [`nothing else ran for ${round(cpuMs)} ms, more than ${STALL_LIMIT_MS}`] : []),
    ...(commitsMeanwhile === 0 ? ['no commit got through while the snapshot was made'] : []),
  ]
  const numbers =
    `longest pause ${cpuMs.toFixed(1)} ms of the processor, ${wallMs.toFixed(1)} ms on the wall (without a snapshot ${cpuMsWithout.toFixed(1)}); ` +
    `took ${round(tookMs)} ms with ${commitsMeanwhile} commits meanwhile, ${snapshotMiB.toFixed(1)} MiB`
  return { what, numbers, failures }
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function lastLines(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
  return text.trim().split('\n').slice(-15).join('\n')
}
