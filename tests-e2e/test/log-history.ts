/** A queue's whole log, read from the bucket: what really happened, whatever its processes told. */
import { applyEvent, beginCommit, decodeBatch, emptyState, messageIdOf, type QueueEvent } from '@s3queue/core/state'
import { decodeFrame } from '@s3queue/primitives'
import { openPlace, type Place } from './place.ts'

export interface History {
  /** The tokens with which each message was recorded as completed, by its id. */
  readonly completions: ReadonlyMap<string, readonly number[]>
  /** The message of each claim, by its token. */
  readonly claims: ReadonlyMap<number, string>
  /** Commits, and changes of the writer. */
  readonly commits: number
  readonly epochs: number
}

/** Reads a log from which nothing was collected. */
export async function readHistory(place: Place, queue: string): Promise<History> {
  const { store, close } = openPlace(place)
  const keys: string[] = []
  const prefix = `s3queue/${queue}/0/log/`
  for (let startAfter: string | undefined, more = true; more; ) {
    const page = await store.list({ prefix, startAfter })
    keys.push(...page.entries.map(({ key }) => key))
    startAfter = keys.at(-1)
    more = page.truncated
  }
  const completions = new Map<string, number[]>()
  const claims = new Map<number, string>()
  let commits = 0
  let epochs = 0
  const state = emptyState()
  for (const [index, key] of keys.entries()) {
    const answer = await store.get(key)
    if (answer.outcome !== 'found') throw new Error(`${key} is gone`)
    const frame = decodeFrame<{ readonly kind: string }>(answer.body)
    if (typeof frame === 'string') throw new Error(`${key}: ${frame}`)
    beginCommit(state, index + 1)
    if (frame.header.kind !== 'commit') {
      epochs++
      continue
    }
    commits++
    for (const event of decodeBatch<QueueEvent>(frame.body).entries) {
      if (event.type === 'completed') {
        for (const token of event.tokens) {
          const id = messageIdOf(state, token)
          completions.set(id, [...(completions.get(id) ?? []), token])
        }
      }
      const first = state.nextToken
      applyEvent(state, event)
      for (let token = first; token < state.nextToken; token++) claims.set(token, messageIdOf(state, token))
    }
  }
  close()
  return { completions, claims, commits, epochs }
}
