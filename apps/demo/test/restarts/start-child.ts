import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ChildArguments, ChildMessage } from './child.ts'

export interface Child {
  /** Everything it has told so far. */
  readonly told: readonly ChildMessage[]
  /** Resolves to the moment, by `performance.now()`, at which it first told something that `is` picks. */
  when(is: (message: ChildMessage) => boolean): Promise<number>
  send(signal: NodeJS.Signals): void
  /** How it ended: its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
  /** Ends it wherever it is, and waits until it is gone. */
  end(signal: NodeJS.Signals): Promise<void>
}

export function startChild(args: ChildArguments): Child {
  const child = fork(fileURLToPath(new URL('child.ts', import.meta.url)), [JSON.stringify(args)], {
    execArgv: ['--conditions=@s3queue/source', '--no-warnings'],
  })
  const exited = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals)
  const told: ChildMessage[] = []
  const moments: number[] = []
  const waiting = new Set<() => void>()
  child.on('message', (message: ChildMessage) => {
    told.push(message)
    moments.push(performance.now())
    for (const look of waiting) look()
  })
  return {
    told,
    when: (is) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const at = moments[told.findIndex(is)]
          if (at === undefined) return
          waiting.delete(look)
          resolve(at)
        }
        waiting.add(look)
        child.once('exit', () => reject(new Error(`${args.name} ended before it told that.`)))
        look()
      }),
    exited,
    send: (signal) => void child.kill(signal),
    async end(signal) {
      child.kill(signal)
      await exited
    },
  }
}
