/** Starts processes with plugins and gathers what they report. */
import { type ChildProcess, fork } from 'node:child_process'
import { onTestFinished } from 'vitest'
import type { PodOrder, PodReport, PodSetup } from './pod.ts'

export class Pod {
  readonly reports: PodReport[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  readonly #waiting = new Set<() => void>()

  constructor(setup: PodSetup) {
    this.#child = fork(new URL('./pod.ts', import.meta.url), [JSON.stringify(setup)], {
      execArgv: ['--conditions=@s3queue/source', '--no-warnings'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message: PodReport) => {
      this.reports.push(message)
      for (const look of [...this.#waiting]) look()
    })
    this.#exited = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)))
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  tell(order: PodOrder): void {
    this.#child.send(order)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  exited(): Promise<number | null> {
    return this.#exited
  }

  of<K extends PodReport['kind']>(kind: K): Extract<PodReport, { kind: K }>[] {
    return this.reports.filter((report): report is Extract<PodReport, { kind: K }> => report.kind === kind)
  }

  /** Resolves with the first report of this kind that is wanted, whether it is there or comes. */
  seen<K extends PodReport['kind']>(
    kind: K,
    wanted: (report: Extract<PodReport, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<PodReport, { kind: K }>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.of(kind).find(wanted)
        if (found === undefined) return
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }
}

export async function startPods(count: number, setup: PodSetup): Promise<Pod[]> {
  const pods = Array.from({ length: count }, () => new Pod(setup))
  await Promise.all(pods.map((pod) => pod.seen('ready')))
  return pods
}
