/**
 * The crash: a child process does the work and is killed half-way, with SIGKILL, so that it cannot tidy up. This process, which stood
 * by, notices and takes over.
 */
import { rejectWhenAborted, SpawnedWorker, type WorkerSetup } from './spawned-worker.ts'

export interface Crash {
  /** How the process that was killed signed its notes. */
  readonly by: string
  readonly killedAt: number
}

export interface CrashPlan {
  readonly setup: WorkerSetup
  /** Called when the child is at work: from here on this process stands by. */
  readonly standBy: () => void
  /** Resolves when it is time to kill the child. */
  readonly halfway: Promise<void>
  readonly signal: AbortSignal
}

/** Resolves when the child is dead. Rejects with the signal's reason when that is aborted, after the child has ended in order. */
export async function crashHalfway({ setup, standBy, halfway, signal }: CrashPlan): Promise<Crash> {
  const child = new SpawnedWorker()
  try {
    await child.next('ready', signal)
    child.begin(setup)
    await child.next('promoted', signal)
    standBy()
    await Promise.race([halfway, child.endedByItself, rejectWhenAborted(signal)])
    return { by: setup.name, killedAt: await child.kill() }
  } catch (error) {
    await child.endInOrder()
    throw signal.aborted ? signal.reason : error
  }
}
