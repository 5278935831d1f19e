/**
 * The crash: a child process does the work and is killed half-way, with SIGKILL, so that it cannot tidy up. This process, which stood
 * by, notices and takes over.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from './monotonic.ts'
import type { Patience } from './newsletter-queue.ts'
import type { StorePlace } from './open-store.ts'

/** What the child needs to know. It goes over the child's channel, since a store's URL may hold a secret. */
export interface ChildSetup {
  /** How the child signs its notes. */
  readonly name: string
  readonly place: StorePlace
  readonly prefix: string
  readonly patience: Patience
  readonly mailPort: number
  readonly concurrency: number
  readonly journal: string
}

export interface Crash {
  /** How the process that was killed signed its notes. */
  readonly by: string
  readonly killedAt: number
}

export interface CrashPlan {
  readonly setup: ChildSetup
  /** Called when the child is at work: from here on this process stands by. */
  readonly standBy: () => void
  /** Resolves when it is time to kill the child. */
  readonly halfway: Promise<void>
  readonly signal: AbortSignal
}

// Beside this file, as .ts in the sources and as .js when built.
const CHILD = fileURLToPath(new URL(`./worker-process${import.meta.url.slice(-3)}`, import.meta.url))
const FAREWELL_MS = 5000

/** Resolves when the child is dead. Rejects with the signal's reason when that is aborted, after the child has ended in order. */
export async function crashHalfway({ setup, standBy, halfway, signal }: CrashPlan): Promise<Crash> {
  const child = fork(CHILD, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const gone = once(child, 'exit').then(([code, killer]) => ({ code, killer }) as { code: unknown; killer: unknown })
  const goneTooEarly = gone.then(({ code, killer }) => {
    throw new Error(`The worker process ended by itself (${killer ?? `exit code ${code}`}) before it could be killed.`)
  })
  goneTooEarly.catch(() => {})
  try {
    child.send(setup)
    await Promise.race([once(child, 'message', { signal }), goneTooEarly])
    standBy()
    await Promise.race([halfway, goneTooEarly, rejectWhenAborted(signal)])
    child.kill('SIGKILL')
    const killedAt = monotonicMs()
    await gone
    return { by: setup.name, killedAt }
  } catch (error) {
    await endInOrder(child, gone)
    throw signal.aborted ? signal.reason : error
  }
}

/** The child ends when its channel does. */
async function endInOrder(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (child.connected) child.disconnect()
  const impatience = setTimeout(() => child.kill('SIGKILL'), FAREWELL_MS)
  await gone
  clearTimeout(impatience)
}

async function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}
