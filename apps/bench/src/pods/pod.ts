/** A process on a queue, as the row that started it sees it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { PodOrder, PodReport, PodSetup } from './protocol.ts'

// Beside this file as .ts in the sources, and in a separate folder when built.
const IS_SOURCE = import.meta.url.endsWith('.ts')
const CHILD = fileURLToPath(new URL(IS_SOURCE ? './pod-process.ts' : './pods/pod-process.js', import.meta.url))

type ReportOf<K extends PodReport['kind']> = Extract<PodReport, { kind: K }>

export class Pod {
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown>
  readonly #listeners = new Set<(report: PodReport) => void>()

  private constructor() {
    this.#child = fork(CHILD, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: IS_SOURCE ? ['--conditions=@s3queue/source', '--no-warnings'] : [],
    })
    this.#gone = once(this.#child, 'exit')
    this.#child.on('message', (report) => {
      for (const notify of this.#listeners) notify(report as PodReport)
    })
  }

  /** Resolves once the process is there; it makes no request before it gets an order. */
  static async start(setup: PodSetup): Promise<Pod> {
    const pod = new Pod()
    const ready = pod.next('ready')
    pod.#child.send(setup)
    await ready
    return pod
  }

  /** Calls `listener` for each report; the function that is returned ends it. */
  onReport(listener: (report: PodReport) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  order(order: PodOrder): void {
    this.#child.send(order)
  }

  /** Resolves with the next report of that kind; rejects if an order fails or the process ends before. */
  next<K extends PodReport['kind']>(kind: K): Promise<ReportOf<K>> {
    return new Promise((resolve, reject) => {
      const stop = this.onReport((report) => {
        if (report.kind === kind) resolve(report as ReportOf<K>)
        else if (report.kind === 'failed')
          reject(new Error(`A process failed before it reported "${kind}": ${report.reason}`))
        else return
        stop()
      })
      void this.#gone.then(() => reject(new Error(`A process ended before it reported "${kind}".`)))
    })
  }

  /** Gives an order, and resolves with the next report of that kind. */
  async ask<K extends PodReport['kind']>(order: PodOrder, kind: K): Promise<ReportOf<K>> {
    const answer = this.next(kind)
    this.order(order)
    return answer
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
  }
}
