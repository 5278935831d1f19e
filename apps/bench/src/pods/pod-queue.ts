/** A queue as a process of the benchmark uses it: ours, or one to compare it with. */
import type { Recipient } from '../payloads.ts'
import type { Priority, WorkOrder } from './protocol.ts'

export interface EnqueueSettings {
  readonly priority: Priority
  readonly delayMs: number | undefined
}

export interface PodQueue {
  /** Starts the worker; resolves once it runs. `signal` is aborted when the worker stops, where the queue has that. */
  work(handler: (n: number, signal: AbortSignal) => Promise<void> | void, order: WorkOrder): Promise<void>
  /** Enqueues all with one call; resolves to their ids. */
  enqueue(payloads: readonly Recipient[], settings: EnqueueSettings): Promise<readonly string[]>
  pause(): Promise<unknown>
  resume(): Promise<unknown>
  cancel(id: string): Promise<unknown>
  /** To the store, so far. */
  requests(): number
  close(): Promise<void>
}
