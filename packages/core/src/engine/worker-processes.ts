/**
 * Which processes of this machine run workers, as far as the writer knows, and which of them have ended.
 *
 * A process that was killed says nothing more, but its machine knows immediately that it has ended. So its claims end then, and not after the
 * visibility timeout. Workers of other machines are not watched: nothing is certain about their processes.
 */
import { asProcessIdentity, type Clock, isSameProcess, type Processes, type ProcessIdentity } from '@s3queue/storage'

/** How long a process of this machine may have ended until the writer notices, in ms. A check takes some tens of microseconds for each process. */
const CHECK_MS = 1000
/** The lease names so many workers of earlier writers, at most. */
const MOST_EARLIER = 16

/** A worker, and the process that it runs in. */
export interface WorkerProcess {
  readonly worker: string
  readonly process: ProcessIdentity
}

/** What the lease says of its writer, as far as workers and processes are concerned. */
export interface WriterProcess {
  /** The worker in the writer's process, if it has one. */
  readonly worker?: string | undefined
  /** The writer's process, if its machine identifies processes. */
  readonly process?: ProcessIdentity | undefined
  /** Workers of earlier writers that may still hold claims. */
  readonly earlier?: readonly WorkerProcess[] | undefined
}

/** Workers that may hold claims of earlier terms, by the lease as the last writer left it: the last writer's own, and those that it knew of. */
export function earlierWorkers({ worker, process, earlier }: WriterProcess): readonly WorkerProcess[] {
  const all: WorkerProcess[] = []
  for (const one of [{ worker, process }, ...(Array.isArray(earlier) ? (earlier as readonly unknown[]) : [])]) {
    const known = asWorkerProcess(one)
    if (known !== undefined && !all.some((other) => other.worker === known.worker)) all.push(known)
  }
  return all.slice(0, MOST_EARLIER)
}

/** `value` as it was read from the store. */
function asWorkerProcess(value: unknown): WorkerProcess | undefined {
  if (typeof value !== 'object' || value === null || !('worker' in value) || !('process' in value)) return undefined
  const { worker } = value
  const process = asProcessIdentity(value.process)
  return typeof worker === 'string' && process !== undefined ? { worker, process } : undefined
}

export interface WorkerProcessesOptions {
  readonly processes: Processes
  readonly clock: Clock
  /** The process of this worker has certainly ended. Called once for each worker. */
  readonly onEnded: (worker: string) => void
  readonly signal: AbortSignal
}

export class WorkerProcesses {
  readonly #options: WorkerProcessesOptions
  readonly #watched = new Map<string, ProcessIdentity>()
  readonly #ended = new Set<string>()
  #cancelCheck: (() => void) | undefined

  constructor(options: WorkerProcessesOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.#cancelCheck?.(), { once: true })
  }

  /** This worker runs in that process. */
  watch(worker: string, process: ProcessIdentity): void {
    const { processes, signal } = this.#options
    // The worker of another queue object in this process ends together with the writer.
    if (signal.aborted || this.#ended.has(worker) || isSameProcess(process, processes.self())) return
    const state = processes.state(process)
    if (state === 'unknown') return
    this.#watched.set(worker, process)
    if (state === 'gone') this.#end(worker)
    else this.#checkLater()
  }

  /** This worker is of no interest any longer. */
  forget(worker: string): void {
    this.#watched.delete(worker)
  }

  #checkLater(): void {
    this.#cancelCheck ??= this.#options.clock.setTimer(CHECK_MS, () => this.#check())
  }

  #check(): void {
    this.#cancelCheck = undefined
    const { processes } = this.#options
    for (const [worker, process] of this.#watched) if (processes.state(process) === 'gone') this.#end(worker)
    if (this.#watched.size > 0) this.#checkLater()
  }

  #end(worker: string): void {
    this.#watched.delete(worker)
    this.#ended.add(worker)
    this.#options.onEnded(worker)
  }
}
