/** A process on a queue, as the test that started it sees it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import type { Order, Report, Setup } from './queue-process.ts'

/** A child process and everything it reported. */
export class Pod {
  readonly #child: ChildProcess
  paused = false
  /** When it was found killed: ms on the clock that all processes of the machine share. */
  diedAt: number | undefined
  /** It took over, and did not tell that another did. */
  isWriter = false

  constructor(setup: Setup, onReport: (report: Report, pod: Pod) => void) {
    this.#child = fork(new URL('./queue-process.ts', import.meta.url), [JSON.stringify(setup)], {
      execArgv: ['--conditions=@s3queue/source'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message) => {
      const report = message as Report
      if (report.kind === 'promoted' || report.kind === 'demoted') this.isWriter = report.kind === 'promoted'
      onReport(report, this)
    })
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  order(order: Order): void {
    this.#child.send(order)
  }

  /** Resolves with the next report of that kind. */
  next<K extends Report['kind']>(kind: K): Promise<Extract<Report, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error(`the process ended before it reported ${kind}`))
      const onMessage = (message: unknown): void => {
        const report = message as Report
        if (report.kind !== kind) return
        this.#child.off('message', onMessage)
        this.#child.off('exit', onExit)
        resolve(report as Extract<Report, { kind: K }>)
      }
      this.#child.on('message', onMessage)
      this.#child.once('exit', onExit)
    })
  }

  pause(): void {
    this.paused = this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
    this.paused = false
  }

  /** Asks it to stop in order, as a platform does. Resolves when it has ended. */
  async terminate(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exit
  }

  async kill(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
    this.diedAt = Number(process.hrtime.bigint()) / 1e6
  }

  async close(): Promise<void> {
    const closed = this.next('closed')
    this.order({ close: true })
    await closed
  }
}
