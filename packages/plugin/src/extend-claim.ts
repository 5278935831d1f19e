/** Extending a claim from outside its handler: by the message's id, and by its token if that is given. */
import type { Emit } from './events.ts'
import type { QueueRuntime } from './queue-runtime.ts'

export interface ClaimExtension {
  readonly queueId: string
  readonly extraMs: number
  /** Only if the claim has this token. */
  readonly lockToken: string | undefined
}

/** False if no handler of this process has the message, or not under that token: a worker's time is counted where it works. */
export async function extendClaim(
  { runs, session }: QueueRuntime,
  { queueId, extraMs, lockToken }: ClaimExtension,
  emit: Emit,
): Promise<boolean> {
  const attempt = runs.find(queueId)
  if (attempt !== undefined && (lockToken === undefined || lockToken === attempt.lockToken))
    return attempt.renewLock(extraMs)
  const isHeldElsewhere = attempt === undefined && (await session.queue.get(queueId))?.status === 'active'
  const reason = isHeldElsewhere ? 'held_elsewhere' : attempt === undefined ? 'lock_released' : 'token_mismatch'
  emit('plg:s3-queue:lock-renewal-rejected', { queueId, reason })
  return false
}
