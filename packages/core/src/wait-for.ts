/** Waiting for the end of one message: for its result, or for the error that says how it died. */
import { assertKnownKeys, orAborted } from '@s3queue/storage'
import type { Ending } from './engine/endings.ts'
import type { Engine } from './engine/engine.ts'
import { MessageDied, MessageNotFound } from './errors.ts'
import { type Described, describeMessage, type MessageInfo, mayBeReplaced } from './message-info.ts'
import { findInInbox, type QueueView } from './queue-view.ts'
import { shardOf } from './shard/shard-of.ts'
import { assertSignal } from './signal-option.ts'

/** How long `Queue.waitFor` waits. */
export interface WaitOptions {
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** See `Queue.waitFor`. */
export async function waitForResult(engine: Engine, queue: string, id: string, options: WaitOptions): Promise<unknown> {
  assertKnownKeys('waitFor', options, ['signal'])
  const { signal } = options
  assertSignal('waitFor', signal)
  const { endings, views } = engine
  // An id that the queue gave is never used again.
  const isUnique = shardOf(id) !== undefined
  let mayBeOld = ({ message }: Looked): boolean => mayBeReplaced(message)
  for (let waitMs = 50; ; waitMs = Math.min(2000, waitMs * 2)) {
    signal?.throwIfAborted()
    let expected = endings.expect(id)
    const look = (view: QueueView): Looked | undefined => {
      const looked = lookFor(view, id)
      if (looked === undefined || hasEnded(looked)) return looked
      // What was reported so far is the end of an earlier message with this id, or of one that was redriven.
      endings.giveUp(id, expected)
      expected = endings.expect(id)
      return looked
    }
    try {
      const looking = (): Promise<Looked | undefined> =>
        views.findUnlessKnown(look, mayBeOld, () => isUnique && endings.known(id) !== undefined)
      // A poll may take as long as the store does.
      const { found: looked, infos } = await orAborted(views.complete(looking, ended), signal)
      // What has not ended yet is the message that is meant. While it lies in the inbox, the log knows the one before it.
      if (looked?.isInLog) mayBeOld = () => false
      const now = looked === undefined ? (endings.known(id) ?? expected.ending) : endingOf(id, infos[0])
      if (looked === undefined && now === undefined) throw notFound(id, queue)
      const ending = now ?? (await views.ending(expected, waitMs, signal))
      if (ending.kind === 'completed') return ending.result
      if (ending.kind === 'died') {
        const failures = await orAborted(views.failuresOf(ending.death), signal)
        throw new MessageDied(id, ending.death.reason, failures)
      }
    } finally {
      endings.giveUp(id, expected)
    }
  }
}

interface Looked {
  readonly message: Described
  /** Whether the writer has taken it out of the inbox. */
  readonly isInLog: boolean
}

function lookFor(view: QueueView, id: string): Looked | undefined {
  const message = describeMessage(view, id)
  return message && { message, isInLog: findInInbox(view, id) === undefined }
}

/** Only what a message has at its end is worth a look into the log. */
function ended(looked: Looked | undefined): readonly Described[] {
  return looked !== undefined && hasEnded(looked) ? [looked.message] : []
}

function hasEnded({ message: { info } }: Looked): boolean {
  return info.status === 'completed' || info.status === 'dead'
}

/** How a message ended, if it has. Throws `MessageDied` if it died. */
function endingOf(id: string, info: MessageInfo | undefined): Ending | undefined {
  if (info?.status === 'completed') return { kind: 'completed', result: info.result }
  if (info?.reason === undefined) return undefined
  throw new MessageDied(id, info.reason, info.failures ?? [])
}

export function notFound(id: string, queue: string): MessageNotFound {
  return new MessageNotFound(
    `Queue "${queue}" knows no message ${JSON.stringify(id)}: it never was, was cancelled, or ended longer ago than the retention.`,
  )
}
