/** A process that works on a queue of files, for tests that kill it. Tells its parent what happens. */
import { setTimeout } from 'node:timers/promises'
import { createCoordinatedQueue } from '@s3queue/coordinator'
import { closeOnSignals, createQueue } from '@s3queue/core'
import { createFsStore } from '@s3queue/storage-fs'

export interface ChildArguments {
  readonly directory: string
  readonly name: string
  readonly isCoordinated: boolean
  /** How long it takes to close at a signal; without it a signal ends the process. */
  readonly closeMs?: number | undefined
}

/** `handling`: a handler has begun; `done`: it has ended; `log`: a line that the queue logged. */
export type ChildMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'promoted' }
  | { readonly kind: 'handling' | 'done'; readonly payload: string; readonly attempt: number }
  | { readonly kind: 'log'; readonly line: string }

const { directory, name, isCoordinated, closeMs } = JSON.parse(process.argv[2] ?? '{}') as ChildArguments
const tell = (message: ChildMessage): void => void process.send?.(message)
const log = (line: string): void => tell({ kind: 'log', line })
const options = { name: 'jobs', store: createFsStore({ directory }), logger: { warn: log, error: log } }
const queue = isCoordinated ? createCoordinatedQueue<string>(options) : createQueue<string>(options)
if (closeMs !== undefined) closeOnSignals(queue, { timeoutMs: closeMs, logger: options.logger })
queue.on('promoted', () => tell({ kind: 'promoted' }))
tell({ kind: 'ready' })
// A payload may name the process whose handler never ends, or say how long its handler takes.
queue.process(
  async ({ payload }, { attempt }) => {
    tell({ kind: 'handling', payload, attempt })
    if (payload === `hangs in ${name}`) await new Promise(() => {})
    if (payload.startsWith('sleeps ')) await setTimeout(Number(payload.slice('sleeps '.length)))
    tell({ kind: 'done', payload, attempt })
  },
  { workerId: name, concurrency: 2 },
)
