/** Waiting for the end of one message: for its result, or for the error that says how it died. */
import { assertKnownKeys, orAborted } from '@s3queue/storage'
import type { Ending } from './engine/endings.ts'
import type { Engine } from './engine/engine.ts'
import { MessageDied, MessageNotFound } from './errors.ts'
import { type Described, describeMessage, type MessageInfo, mayBeReplaced } from './message-info.ts'
import { findInInbox, type QueueView } from './queue-view.ts'
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
  let mayBeOld: ((looked: Looked) => boolean) | undefined = ({ message }) => mayBeReplaced(message)
  for (let waitMs = 50; ; waitMs = Math.min(2000, waitMs * 2)) {
    signal?.throwIfAborted()
    const expected = engine.endings.expect(id)
    try {
      const look = (): Promise<Looked | undefined> => engine.views.find(id, (view) => lookFor(view, id), mayBeOld)
      // A look may take as long as the store does.
      const { found, infos } = await orAborted(engine.views.complete(look, ended), signal)
      const { message, isInLog } = found ?? { message: undefined, isInLog: false }
      // What has not ended yet is the one that is meant, and so is its end. While it lies in the inbox, the log knows the one before it.
      if (isInLog) mayBeOld = undefined
      const now = message === undefined ? expected.ending : endingOf(id, infos[0])
      if (message === undefined && now === undefined) throw notFound(id, queue)
      const ending = now ?? (await engine.views.ending(expected, waitMs, signal))
      if (ending.kind === 'completed') return ending.result
      if (ending.kind === 'died') {
        const failures = await orAborted(engine.views.failuresOf(ending.death), signal)
        throw new MessageDied(id, ending.death.reason, failures)
      }
    } finally {
      engine.endings.giveUp(id, expected)
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
  return looked?.message.info.status === 'completed' || looked?.message.info.status === 'dead' ? [looked.message] : []
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
