/**
 * Machines that run processes, in virtual time, seen through the code for Linux. A machine gives the lowest free process id to a new process, so
 * ids are used again soon.
 */
import type { Processes, ProcessIdentity } from '@s3queue/storage'
import { createLinuxProcesses } from '../../../../storage/src/runtime/linux-processes.ts'

/** A process as its machine sees it. */
export interface MachineProcess {
  readonly identity: ProcessIdentity
  readonly processes: Processes
  end(): void
}

export class Machine {
  readonly #boot: string
  readonly #container: number
  readonly #create: typeof createLinuxProcesses
  /** Start times of the processes that run, by their ids. */
  readonly #running = new Map<number, number>()
  #starts = 0

  /** `number`: of the machine. Containers of one machine count their processes each on their own. */
  constructor(number: number, container = 0, create: typeof createLinuxProcesses = createLinuxProcesses) {
    this.#boot = `${String(number).padStart(8, '0')}-0000-4000-8000-${'b007'.repeat(3)}`
    this.#container = container
    this.#create = create
  }

  start(): MachineProcess {
    const pid = this.#freeId()
    this.#running.set(pid, ++this.#starts)
    const processes = this.#create({
      pid,
      hostname: () => 'host',
      read: (path) => this.#read(path),
      readLink: (path) => this.#readLink(path, pid),
      probe: (other) => (this.#running.has(other) ? 'there' : 'missing'),
    })
    const identity = processes.self()
    if (identity === undefined) throw new Error('A process of this machine is not identified.')
    return { identity, processes, end: () => void this.#running.delete(pid) }
  }

  #freeId(): number {
    let pid = 1
    while (this.#running.has(pid)) pid++
    return pid
  }

  #read(path: string): string {
    if (path === '/proc/sys/kernel/random/boot_id') return this.#boot
    const pid = Number(/^\/proc\/(\d+)\/stat$/.exec(path)?.[1])
    const startedAt = this.#running.get(pid)
    if (startedAt === undefined) throw new Error(`ENOENT ${path}`)
    return `${pid} (node) S ${'0 '.repeat(16)}1 0 ${startedAt} 0`
  }

  #readLink(path: string, pid: number): string {
    if (path === '/proc/self') return String(pid)
    if (path === '/proc/self/ns/pid') return `pid:[${this.#container}]`
    throw new Error(`ENOENT ${path}`)
  }
}
