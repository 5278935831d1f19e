/** A contestant in a process of its own: nobody shares an event loop with it, and what it leaves running ends with it. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Counted, CountingProxy } from './counting-proxy.ts'
import type { Outcome, RunOptions } from './run.ts'

/** What the process is told first. */
export type Task = Omit<RunOptions, 'take'> & { readonly key: string }
/** What it says: it wants to know what was asked of the store since it asked last, or it is done. */
export type Said = { readonly kind: 'take' } | { readonly kind: 'done'; readonly outcome: Outcome }
export type Taken = { readonly counted: Counted }

const CHILD = fileURLToPath(new URL('./contestant-process.ts', import.meta.url))

export function runContestant(task: Task, proxy: CountingProxy): Promise<Outcome> {
  const child = fork(CHILD, {
    serialization: 'advanced',
    execArgv: ['--conditions=@s3queue/source', '--no-warnings'],
  })
  return new Promise<Outcome>((resolve, reject) => {
    child.on('message', (said: Said) => {
      if (said.kind === 'done') resolve(said.outcome)
      else child.send({ counted: proxy.take() } satisfies Taken)
    })
    child.once('exit', () => reject(new Error(`The process of ${task.key} ended before it was done.`)))
    proxy.take()
    child.send(task)
  }).finally(() => child.kill('SIGKILL'))
}
