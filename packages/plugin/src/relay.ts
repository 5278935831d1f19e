/** From what the queue tells to what the plugin tells: what happened to this process's attempts, and what became of those of dead workers. */
import type { AttemptEvent, Queue, QueueEvents } from '@s3queue/core'
import { describeFailure, type MessagePayload } from '@s3queue/s3db'
import type { Completion } from './completions.ts'
import type { Emit, FinalStatus } from './events.ts'

export interface RelayOptions {
  readonly queue: Queue<MessagePayload>
  readonly emit: Emit
  /** This process's worker, running or the last one. */
  readonly workerId: () => string
  /** Whether a worker of that id is, or was, of this process. */
  readonly isOwn: (workerId: string) => boolean
  readonly deadStatus: 'dead' | 'failed'
  /** An attempt of this process is recorded as completed. */
  readonly completed: (completion: Completion) => void
  /** A message of this queue has died, or this process writes now: there may be dead letters to move. */
  readonly maybeDead: () => void
  readonly trouble: (error: unknown) => void
}

/** Listens until the queue is closed. */
export function relayEvents(options: RelayOptions): void {
  const { queue, emit, workerId, completed, maybeDead, trouble } = options
  const isOwn = (event: AttemptEvent): boolean => options.isOwn(event.workerId)
  queue.on('claimed', (event) => {
    if (isOwn(event))
      emit('plg:s3-queue:message-claimed', { ...ofMessage(event), workerId: event.workerId, attempts: event.attempt })
  })
  queue.on('started', (event) => {
    if (isOwn(event)) emit('plg:s3-queue:message-processing', { ...ofMessage(event), workerId: event.workerId })
  })
  queue.on('completed', (event) => {
    const { id: queueId, attempt: attempts, fencingToken, durationMs, result } = event
    if (isOwn(event)) completed({ queueId, attempts, fencingToken, durationMs, result })
  })
  queue.on('retried', (event) => {
    if (!isOwn(event)) return
    const { error, attempt: attempts, maxAttempts, visibleAt: nextVisibleAt } = event
    const told = { error: describeFailure(error), attempts, maxAttempts, nextVisibleAt }
    emit('plg:s3-queue:message-retry', { ...ofRecord(event), ...told })
    outcome(emit, event, 'retrying')
  })
  queue.on('expired', (event) => emit('plg:s3-queue:message-recovered', ofRecord(event)))
  queue.on('died', (event) => {
    if (isOwn(event) || event.reason === 'timed-out') died(options, event)
    maybeDead()
  })
  queue.on('promoted', ({ epoch }) => {
    emit('plg:s3-queue:coordinator-promoted', { workerId: workerId(), epoch })
    maybeDead()
  })
  queue.on('demoted', () => emit('plg:s3-queue:coordinator-demoted', { workerId: workerId() }))
  queue.on('trouble', ({ error }) => trouble(error))
}

/** Tells listeners of the plugin. */
export function announceCompletion(emit: Emit, { queueId, attempts, durationMs, result }: Completion): void {
  const about = { queueId, originalId: queueId, attempts }
  emit('plg:s3-queue:message-completed', { ...about, duration: durationMs, result })
  emit('plg:s3-queue:message-outcome', { ...about, finalStatus: 'processed' })
}

function died({ emit, deadStatus }: RelayOptions, event: QueueEvents['died']): void {
  const last = event.failures.at(-1)
  const told = {
    ...ofRecord(event),
    attempts: event.attempt,
    error: last === undefined ? event.reason : describeFailure(last),
  }
  emit(deadStatus === 'failed' ? 'plg:s3-queue:message-failed' : 'plg:s3-queue:message-dead', told)
  outcome(emit, event, deadStatus === 'failed' ? 'failed' : 'dead-lettered')
}

function outcome(emit: Emit, event: AttemptEvent, finalStatus: FinalStatus): void {
  emit('plg:s3-queue:message-outcome', { ...ofRecord(event), finalStatus, attempts: event.attempt })
}

function ofMessage({ id }: AttemptEvent): { readonly queueId: string } {
  return { queueId: id }
}

function ofRecord({ id }: AttemptEvent): { readonly queueId: string; readonly originalId: string } {
  return { queueId: id, originalId: id }
}
