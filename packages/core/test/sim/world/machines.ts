/**
 * Machines that run processes, in virtual time. A machine gives the lowest free process id to a new process, so ids are used again soon, and
 * tells its processes which of their neighbours run. It says nothing of processes of other machines.
 */
import type { Processes, ProcessIdentity, ProcessState } from '@s3queue/storage'

/** A process as its machine sees it. */
export interface MachineProcess {
  readonly identity: ProcessIdentity
  readonly processes: Processes
  end(): void
}

export class Machine {
  readonly #name: string
  /** Start times of the processes that run, by their ids. */
  readonly #running = new Map<number, string>()
  #starts = 0

  constructor(name: string) {
    this.#name = name
  }

  start(): MachineProcess {
    const pid = this.#freeId()
    const startedAt = String(++this.#starts)
    this.#running.set(pid, startedAt)
    const identity = { host: this.#name, boot: `boot of ${this.#name}`, namespace: 'only', pid, startedAt }
    return {
      identity,
      processes: { self: () => identity, state: (of) => this.#stateOf(of) },
      end: () => void this.#running.delete(pid),
    }
  }

  #freeId(): number {
    let pid = 1
    while (this.#running.has(pid)) pid++
    return pid
  }

  #stateOf({ boot, pid, startedAt }: ProcessIdentity): ProcessState {
    if (boot !== `boot of ${this.#name}`) return 'unknown'
    return this.#running.get(pid) === startedAt ? 'alive' : 'gone'
  }
}
