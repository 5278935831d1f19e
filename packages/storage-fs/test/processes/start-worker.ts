import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { WorkerArguments, WorkerMessage } from './worker.ts'

export interface Worker {
  /** Resolves when it is ready to begin. */
  readonly ready: Promise<void>
  go(): void
  /** What it tells at its end. Rejects if it fails. */
  readonly done: Promise<readonly number[]>
  /** Calls `listener` with every n that was stored. */
  onStored(listener: (n: number) => void): void
  /** Resolves when it has ended by itself. */
  readonly exited: Promise<void>
  /** Ends it at once, wherever it is, and waits until it is gone. */
  kill(): Promise<void>
}

export function startWorker(args: WorkerArguments): Worker {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [JSON.stringify(args)], {
    execArgv: ['--conditions=@s3queue/source'],
  })
  const exited = once(child, 'exit')
  const ready = message(child, (m) => ('ready' in m ? true : undefined)).then(() => {})
  const done = message(child, (m) => ('done' in m ? m.done : undefined))
  // A worker that is killed never gets there.
  done.catch(() => {})
  return {
    ready,
    exited: exited.then(() => {}),
    go: () => child.send('go'),
    done,
    onStored(listener) {
      child.on('message', (m: WorkerMessage) => {
        if ('stored' in m) listener(m.stored)
      })
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function message<T>(child: ChildProcess, pick: (m: WorkerMessage) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    child.on('message', (m: WorkerMessage) => {
      const picked = pick(m)
      if (picked !== undefined) resolve(picked)
    })
    child.once('exit', (code, signal) => reject(new Error(`The worker ended (${code ?? signal}) before it had told.`)))
  })
}
