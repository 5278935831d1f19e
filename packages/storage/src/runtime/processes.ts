/**
 * Operating system processes as an injected port: which process this is, and whether another one still runs.
 *
 * An answer is either certain or `unknown`. A caller acts on `gone` immediately, so a living process must never be reported as gone, and a
 * process id that another process uses now must never be reported as alive.
 */

/** Identifies a process for as long as its machine runs, also after its id is used again. All parts are opaque but `host` and `pid`. */
export interface ProcessIdentity {
  /** The host name, for messages only: two containers may share one. */
  readonly host: string
  /** The boot of the machine: no other machine and no other boot has the same. */
  readonly boot: string
  /** Where the process id counts: two containers on one machine have different ones. */
  readonly namespace: string
  readonly pid: number
  /** When the process started, as the kernel counts. Differs for two processes that have the same id one after the other. */
  readonly startedAt: string
}

/** `alive` and `gone` are certain. `unknown`: the process belongs to another machine or container, or this machine does not tell. */
export type ProcessState = 'alive' | 'gone' | 'unknown'

export interface Processes {
  /** This process; undefined where the machine does not identify its processes. */
  self(): ProcessIdentity | undefined
  /** Whether that process runs. Cheap: asks the machine, never the network. */
  state(identity: ProcessIdentity): ProcessState
}

/** For machines that do not identify their processes: nothing is ever certain. */
export const unknownProcesses: Processes = { self: () => undefined, state: () => 'unknown' }

/** Whether both identify the same process. */
export function isSameProcess(one: ProcessIdentity | undefined, other: ProcessIdentity | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return (
    one.boot === other.boot &&
    one.namespace === other.namespace &&
    one.pid === other.pid &&
    one.startedAt === other.startedAt
  )
}

/** `value` as a process wrote it into an object of the store; undefined if it is not an identity. */
export function asProcessIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { host, boot, namespace, pid, startedAt } = value as Readonly<Record<string, unknown>>
  if (typeof host !== 'string' || typeof boot !== 'string' || typeof namespace !== 'string') return undefined
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1 || typeof startedAt !== 'string')
    return undefined
  return { host, boot, namespace, pid, startedAt }
}
