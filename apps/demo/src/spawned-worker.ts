/** A worker process as its parent sees it: it is started, told what to do, killed or ended in order. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from './monotonic.ts'
import type { Patience } from './newsletter-queue.ts'
import type { StorePlace } from './open-store.ts'

/** What a worker process needs to know. It goes over the process's channel, since a store's URL may hold a secret. */
export interface WorkerSetup {
  /** How it signs its notes; on a shared queue its worker is called so as well. */
  readonly name: string
  /** Whether all processes of the queue get messages, or the one that writes alone. */
  readonly shared: boolean
  readonly place: StorePlace
  readonly prefix: string
  readonly patience: Patience
  readonly mailPort: number
  readonly concurrency: number
  readonly journal: string
}

/** What a worker process tells its parent: it can be told what to do, it writes, another one does. */
export type WorkerReport = 'ready' | 'promoted' | 'demoted'

// Beside this file, as .ts in the sources and as .js when built.
const PROGRAM = fileURLToPath(new URL(`./worker-process${import.meta.url.slice(-3)}`, import.meta.url))
const FAREWELL_MS = 5000

export class SpawnedWorker {
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown>
  #isExpected = false
  /** Rejects when the process ends although nobody wanted it to. */
  readonly endedByItself: Promise<never>
  /** By its own last word. */
  isWriter = false

  constructor() {
    this.#child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#gone = once(this.#child, 'exit')
    this.#child.on('message', (report: WorkerReport) => {
      if (report !== 'ready') this.isWriter = report === 'promoted'
    })
    this.endedByItself = new Promise((_, reject) => {
      this.#child.once('exit', (code, killer) => {
        if (this.#isExpected) return
        reject(new Error(`A worker process ended by itself (${killer ?? `exit code ${code}`}).`))
      })
    })
    this.endedByItself.catch(() => {})
  }

  begin(setup: WorkerSetup): void {
    this.#child.send(setup)
  }

  /** Resolves when it says so. Rejects with the signal's reason, or when the process ends before. */
  async next(report: WorkerReport, signal: AbortSignal): Promise<void> {
    const said = new Promise<void>((resolve) => {
      const listen = (message: unknown): void => {
        if (message !== report) return
        this.#child.off('message', listen)
        resolve()
      }
      this.#child.on('message', listen)
    })
    await Promise.race([said, this.endedByItself, rejectWhenAborted(signal)])
  }

  /** With SIGKILL, so that it cannot tidy up. Resolves when it is dead, to the moment at which it was killed. */
  async kill(): Promise<number> {
    this.#isExpected = true
    this.#child.kill('SIGKILL')
    const killedAt = monotonicMs()
    await this.#gone
    return killedAt
  }

  /** It ends when its channel does. Resolves when it is gone. */
  async endInOrder(): Promise<void> {
    this.#isExpected = true
    if (this.#child.connected) this.#child.disconnect()
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), FAREWELL_MS)
    await this.#gone
    clearTimeout(impatience)
  }
}

/** Never resolves. */
export async function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}
