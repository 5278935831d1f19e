/** What many processes on one queue told, and what follows from it: which handlers ran when, what a common sink took of what they wrote, who writes. */
import type { Pod } from './pod.ts'
import type { Report } from './queue-process.ts'

/** One execution of a handler. Moments are ms on the clock that all processes of the machine share. */
export interface Execution {
  readonly id: string
  readonly token: number
  readonly pod: Pod
  readonly startedAt: number
  /** Until when its handler could believe in its claim, as it last told. */
  trustedUntil: number
  /** It came to its end, and told so. */
  ended: boolean
}

export class PodEvidence {
  readonly acknowledged: Set<string> = new Set()
  /** As far as any process told. */
  readonly completed: Set<string> = new Set()
  /** By their tokens. */
  readonly executions: Map<number, Execution> = new Map()
  /** The pod of each epoch, and when it said so, by this process's monotonic clock. */
  readonly writers: Map<number, { readonly pod: Pod; readonly at: number }> = new Map()
  /** Settlements that the queue refused, as their claims were over. */
  refused = 0
  /** Writes that the sink refused, as it had one with a higher token. */
  refusedBySink = 0
  readonly #sink = new Map<string, number>()
  readonly #requests = new Map<Pod, number>()
  readonly #waiting = new Set<() => void>()

  add(pod: Pod, report: Report): void {
    this.#note(pod, report)
    for (const look of this.#waiting) look()
  }

  #note(pod: Pod, report: Report): void {
    if (report.kind === 'acknowledged') for (const id of report.ids) this.acknowledged.add(id)
    else if (report.kind === 'completed') this.completed.add(report.id)
    else if (report.kind === 'refused') this.refused++
    else if (report.kind === 'promoted') this.writers.set(report.epoch, { pod, at: performance.now() })
    else if (report.kind === 'cost') this.#requests.set(pod, report.requests)
    else if (report.kind === 'started') this.#started(pod, report)
    else if (report.kind === 'extended') this.#extended(report)
    else if (report.kind === 'handled') this.#handled(pod, report)
  }

  /** Resolves once `condition` holds; it is looked at after each report. */
  until(what: string, condition: () => boolean, timeoutMs: number = 30_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (tell: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        tell()
      }
      const look = (): void => {
        if (condition()) end(resolve)
      }
      const timer = setTimeout(() => end(() => reject(new Error(`${what}: not within ${timeoutMs} ms`))), timeoutMs)
      this.#waiting.add(look)
      look()
    })
  }

  /** Messages of which the sink has something. */
  get written(): number {
    return this.#sink.size
  }

  /** The highest epoch of which somebody told. */
  get epoch(): number {
    return Math.max(0, ...this.writers.keys())
  }

  /** Requests of all processes, but for those that a killed one made after its last handler had ended. */
  get requests(): number {
    return [...this.#requests.values()].reduce((sum, requests) => sum + requests, 0)
  }

  /** Executions of one message while another one could believe in its claim: there must be none. */
  overlaps(): string[] {
    const byMessage = Map.groupBy(this.executions.values(), ({ id }) => id)
    return [...byMessage.values()].flatMap((runs) => {
      const spans = runs
        // A process that was paused beyond its deadlines and killed as soon as it went on did not believe until its death.
        .map((run) => ({ ...run, until: Math.min(run.trustedUntil, run.pod.diedAt ?? Number.POSITIVE_INFINITY) }))
        .filter(({ startedAt, until }) => startedAt < until)
        .sort((a, b) => a.startedAt - b.startedAt)
      return spans.flatMap(({ id, token, until }, i) => {
        const next = spans[i + 1]
        if (next === undefined || next.startedAt >= until) return []
        return [`${id}: token ${token} was trusted ${(until - next.startedAt).toFixed(1)} ms into token ${next.token}`]
      })
    })
  }

  #started(pod: Pod, { id, token, at, until }: Extract<Report, { kind: 'started' }>): void {
    if (this.executions.has(token)) throw new Error(`Token ${token} was given to two handlers.`)
    this.executions.set(token, { id, token, pod, startedAt: at, trustedUntil: until, ended: false })
  }

  #extended({ token, until }: Extract<Report, { kind: 'extended' }>): void {
    const execution = this.executions.get(token)
    if (execution !== undefined) execution.trustedUntil = until
  }

  #handled(pod: Pod, { id, token, trustedUntil, requests }: Extract<Report, { kind: 'handled' }>): void {
    this.#requests.set(pod, requests)
    const execution = this.executions.get(token)
    if (execution !== undefined) Object.assign(execution, { trustedUntil, ended: true })
    if (token < (this.#sink.get(id) ?? 0)) this.refusedBySink++
    else this.#sink.set(id, token)
  }
}
