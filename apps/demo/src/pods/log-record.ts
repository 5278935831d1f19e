/** What the queue's log says of each claim's end, read by a process that neither writes nor works: the record that no crash can tear a hole into. */
import type { Queue } from '@s3queue/core'
import { monotonicMs } from '../monotonic.ts'
import type { ClaimEnd } from '../notes.ts'

/** How a claim ended, as it stands in the log. */
export interface LoggedEnd {
  readonly kind: ClaimEnd
  readonly id: string
  readonly token: number
  /** The name of the worker that had the claim. */
  readonly worker: string
  /** On the clock of `monotonicMs`, to the millisecond. */
  readonly at: number
}

const ENDS = ['completed', 'retried', 'died', 'released', 'expired'] as const satisfies ClaimEnd[]
/** So often it looks while something happens, and when nothing does. */
const PACE = { pollMs: 100, maxPollMs: 500 }

export class LogRecord {
  readonly ends: LoggedEnd[] = []
  readonly #settled = new Map<string, number>()
  readonly #begun = Promise.withResolvers<void>()
  #whenDone: { readonly count: number; readonly resolve: () => void } | undefined

  /** Reads until the signal is aborted. What is in the log before the first look is not told. */
  async follow(queue: Queue<unknown>, signal: AbortSignal): Promise<void> {
    const wallToMonotonic = monotonicMs() - Date.now()
    for await (const told of queue.follow({ names: [...ENDS, 'promoted'], signal, ...PACE })) {
      if (told.name === 'gap') throw new Error('A part of the log was collected before it was read.')
      if (told.name === 'promoted') this.#begun.resolve()
      for (const kind of ENDS) {
        if (told.name !== kind) continue
        const { id, fencingToken: token, workerId } = told.event
        this.#add({ kind, id, token, worker: nameOf(workerId), at: told.at + wallToMonotonic })
      }
    }
  }

  /** Resolves when the log tells of its first writer: whatever is enqueued from then on is seen. */
  whenBegun(): Promise<void> {
    return this.#begun.promise
  }

  /** Resolves when `count` messages are completed or dead. */
  whenSettled(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#whenDone = { count, resolve }
      this.#look()
    })
  }

  /** Messages that came to their end at the worker of that name. */
  settledBy(worker: string): number {
    return this.#settled.get(worker) ?? 0
  }

  #add(end: LoggedEnd): void {
    this.ends.push(end)
    if (end.kind !== 'completed' && end.kind !== 'died') return
    this.#settled.set(end.worker, this.settledBy(end.worker) + 1)
    this.#look()
  }

  #look(): void {
    const settled = [...this.#settled.values()].reduce((sum, count) => sum + count, 0)
    if (this.#whenDone !== undefined && settled >= this.#whenDone.count) this.#whenDone.resolve()
  }
}

/** A worker's id is its name and a suffix of its own. */
function nameOf(workerId: string): string {
  return workerId.slice(0, workerId.lastIndexOf('.'))
}
