/**
 * Processes of a Linux machine, as `/proc` shows them.
 *
 * The kernel gives a process id to a new process at any time after the old one has ended, so an id alone proves nothing. The start time does: it
 * is counted in ticks since the boot, and no two processes with the same id share it. The file system is handed in, so that tests can play a machine.
 */
import type { Processes, ProcessIdentity, ProcessState } from './processes.ts'

/** What of a Linux machine is needed. */
export interface LinuxMachine {
  readonly pid: number
  hostname(): string
  /** The text of a file. Throws where it cannot be read. */
  read(path: string): string
  /** Where a symbolic link points. Throws where it cannot be read. */
  readLink(path: string): string
  /** Asks the kernel, which answers whatever `/proc` hides: `missing` if no process has this id. */
  probe(pid: number): 'there' | 'missing' | 'refused'
}

const BOOT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const NO_BOOT = /^[0-]+$/

export function createLinuxProcesses(machine: LinuxMachine): Processes {
  let known: { readonly self: ProcessIdentity | undefined } | undefined
  const self = (): ProcessIdentity | undefined => {
    known ??= { self: identify(machine) }
    return known.self
  }
  return {
    self,
    state(identity) {
      const own = self()
      if (own === undefined || identity.boot !== own.boot || identity.namespace !== own.namespace) return 'unknown'
      return stateOf(machine, identity)
    },
  }
}

/** Undefined where anything is missing or odd: then nothing about processes is certain on this machine. */
function identify(machine: LinuxMachine): ProcessIdentity | undefined {
  try {
    const boot = machine.read('/proc/sys/kernel/random/boot_id').trim()
    if (!BOOT_ID.test(boot) || NO_BOOT.test(boot)) return undefined
    // Where `/proc` belongs to another container, its ids are not those that the kernel uses for this process.
    if (machine.readLink('/proc/self') !== String(machine.pid)) return undefined
    const stat = readStat(machine, machine.pid)
    if (stat === undefined) return undefined
    const namespace = `${machine.readLink('/proc/self/ns/pid')} ${timeNamespace(machine)}`
    return { host: machine.hostname(), boot, namespace, pid: machine.pid, startedAt: stat.startedAt }
  } catch {
    return undefined
  }
}

/** Start times are shown relative to the time namespace of the reader. Kernels before 5.6 have none. */
function timeNamespace(machine: LinuxMachine): string {
  try {
    return machine.readLink('/proc/self/ns/time')
  } catch {
    return 'time:none'
  }
}

function stateOf(machine: LinuxMachine, { pid, startedAt }: ProcessIdentity): ProcessState {
  const stat = readStat(machine, pid)
  if (stat !== undefined) return stat.startedAt === startedAt && !stat.hasEnded ? 'alive' : 'gone'
  // Mounted with `hidepid`, `/proc` shows no processes of other users, which may well live.
  return machine.probe(pid) === 'missing' ? 'gone' : 'unknown'
}

interface Stat {
  readonly startedAt: string
  /** It has ended, and its parent has not taken note of that. */
  readonly hasEnded: boolean
}

/** From `/proc/<pid>/stat`; undefined if that cannot be read or understood. See proc_pid_stat(5). */
function readStat(machine: LinuxMachine, pid: number): Stat | undefined {
  let text: string
  try {
    text = machine.read(`/proc/${pid}/stat`)
  } catch {
    return undefined
  }
  // The second field is the name of the program in brackets, which may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, threads, startedAt] = [fields[0], fields[17], fields[19]]
  if (state === undefined || startedAt === undefined || !/^\d+$/.test(startedAt)) return undefined
  // A main thread may end before the other threads of its process.
  const hasEnded = (state === 'Z' || state === 'X') && Number(threads) <= 1
  return { startedAt, hasEnded }
}
