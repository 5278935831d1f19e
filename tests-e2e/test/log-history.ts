/** A queue's whole log, read from the bucket: what really happened, whatever its processes told. */
import { applyEvent, beginCommit, decodeBatch, emptyState, messageIdOf, type QueueEvent } from '@s3queue/core/state'
import { decodeFrame } from '@s3queue/primitives'
import { createS3Store, type S3StoreOptions } from '@s3queue/storage-s3'

export interface History {
  /** How often each message was recorded as completed, by its id. */
  readonly completions: ReadonlyMap<string, number>
  /** How many claims each message had. */
  readonly claims: ReadonlyMap<string, number>
  /** Commits, and changes of the writer. */
  readonly commits: number
  readonly epochs: number
}

/** Reads a log from which nothing was collected. */
export async function readHistory(options: S3StoreOptions, queue: string): Promise<History> {
  const store = createS3Store(options)
  const keys: string[] = []
  const prefix = `s3queue/${queue}/0/log/`
  for (let startAfter: string | undefined, more = true; more; ) {
    const page = await store.list({ prefix, startAfter })
    keys.push(...page.entries.map(({ key }) => key))
    startAfter = keys.at(-1)
    more = page.truncated
  }
  const history = { completions: new Map<string, number>(), claims: new Map<string, number>(), commits: 0, epochs: 0 }
  const state = emptyState()
  for (const [index, key] of keys.entries()) {
    const answer = await store.get(key)
    if (answer.outcome !== 'found') throw new Error(`${key} is gone`)
    const frame = decodeFrame<{ readonly kind: string }>(answer.body)
    if (typeof frame === 'string') throw new Error(`${key}: ${frame}`)
    beginCommit(state, index + 1)
    if (frame.header.kind !== 'commit') {
      history.epochs++
      continue
    }
    history.commits++
    for (const event of decodeBatch<QueueEvent>(frame.body).entries) {
      if (event.type === 'completed')
        count(
          history.completions,
          event.tokens.map((token) => messageIdOf(state, token)),
        )
      const before = state.nextToken
      applyEvent(state, event)
      if (event.type !== 'claimed') continue
      const made = Array.from({ length: state.nextToken - before }, (_, i) => messageIdOf(state, before + i))
      count(history.claims, made)
    }
  }
  store.destroy()
  return history
}

function count(counts: Map<string, number>, ids: readonly string[]): void {
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
}
