/** Where and when the numbers were made: they mean nothing without it. */
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'

export interface Machine {
  readonly date: string
  readonly node: string
  readonly system: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  /** Over the last 1, 5 and 15 minutes. */
  readonly load: readonly number[]
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    load: loadavg().map((value) => Math.round(value * 100) / 100),
  }
}

/** Whether other work was going on as the run began. */
export function isBusy({ cores, load: [last = 0] }: Pick<Machine, 'cores' | 'load'>): boolean {
  return last > cores / 2
}

/** Two lines for the head of the table. */
export function machineLines({ date, node, system, cpu, cores, memoryGiB, load }: Machine): string {
  const busy = isBusy({ cores, load }) ? ': other work is going on, so times are upper bounds' : ''
  return `${date}, Node.js ${node}, ${system}\n${cpu}, ${cores} cores, ${memoryGiB} GiB, load ${load.join(' ')}${busy}`
}
