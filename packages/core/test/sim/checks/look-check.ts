/** Whatever a queue tells of a message is in the log: the claim under which it is handled, and the ends that it has come to. */
import type { MessageInfo } from '../../../src/index.ts'
import type { QueueEvent } from '../../../src/state/events.ts'
import type { Model } from '../truth/model.ts'
import type { ModelMessage } from '../truth/model-message.ts'
import { must } from '../world/violation.ts'

/** How the log says that a message came to be so. */
const ENDS: Partial<Record<MessageInfo['status'], QueueEvent['type']>> = { completed: 'completed', dead: 'died' }

export function assertInLog(model: Model, process: string, { id, status, fencingToken }: MessageInfo): void {
  if (fencingToken !== undefined) {
    const claim = model.claims.get(fencingToken)
    must(
      claim?.message.id === id,
      `${process} tells that ${id} is active under token ${fencingToken}, which no commit gave out for it`,
    )
  }
  const end = ENDS[status]
  if (end === undefined) return
  assertEnded(model, process, id, end)
}

/** `listed`: the ids of all that a quiet queue says to be so. */
export function assertListed(
  messages: readonly ModelMessage[],
  process: string,
  status: ModelMessage['status'],
  listed: readonly string[],
): void {
  const truth = messages.filter((message) => message.status === status).map(({ id }) => id)
  const [told, right] = [listed.toSorted().join(' '), truth.toSorted().join(' ')]
  must(told === right, `${process} lists as ${status} ${told || 'none'}, but by the log it is ${right || 'none'}`)
}

/** `result`: what the handler of the attempt returned: nothing, or the number of the attempt. */
export function assertEnded(
  model: Model,
  process: string,
  id: string,
  end: QueueEvent['type'],
  result?: unknown,
): void {
  const ended = [...model.claims.values()].filter((claim) => claim.message.id === id && claim.end === end)
  must(ended.length > 0, `${process} tells that ${id} is ${end}, but by the log it never was`)
  must(
    result === undefined || ended.some(({ attempt }) => attempt === result),
    `${process} tells the result ${String(result)} of ${id}, which no attempt had`,
  )
}
