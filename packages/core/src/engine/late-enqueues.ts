/**
 * Enqueues that come out of the inbox so late that their payload object was deleted as one that nobody names: they are refused.
 *
 * Only such can be among them that nobody was told of: their process stood still between its last look at its clocks and the request. Taken, each
 * would be a message without a payload, and whoever enqueues it again would be told that it is there.
 */
import { persistently } from '@s3queue/primitives'
import { timeOfUlid } from '@s3queue/storage'
import { NotAcknowledged } from '../errors.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command } from '../state/commands.ts'
import type { QueueState } from '../state/model.ts'
import { wasTaken } from '../state/senders.ts'
import type { EngineContext } from './context.ts'
import type { FoldableCommands, InboxEntry } from './inbox-reader.ts'
import { NAMING_LIMIT_MS } from './naming-limit.ts'

export interface LateEnqueuesOptions {
  readonly context: EngineContext
  readonly state: QueueState
  readonly signal: AbortSignal
}

/** `commands`, which are all enqueues of an entry and perhaps more of it, without those of its enqueues whose payload object is gone. Costs a request for each that may be one; in time, none is. */
export async function withoutLate(
  { batch, commands }: InboxEntry & { readonly commands: readonly Command[] },
  options: LateEnqueuesOptions,
): Promise<FoldableCommands> {
  const { entries, payloads } = batch
  const refused = new Set<Command>()
  for (const command of commands) if (await isGone(command, options)) refused.add(command)
  if (refused.size === 0) return { commands, payloads: payloads.all() }
  const kept: Payload[] = []
  let at = 0
  for (const command of entries) {
    const count = command.type === 'enqueue' ? command.count : 0
    for (let i = 0; i < count && !refused.has(command); i++) kept.push(payloads.at(at + i))
    at += count
  }
  return { commands: commands.filter((command) => !refused.has(command)), payloads: kept }
}

async function isGone(command: Command, { context, state, signal }: LateEnqueuesOptions): Promise<boolean> {
  const payloadKey = command.type === 'enqueue' ? command.extras?.payloadKey : undefined
  if (command.type !== 'enqueue' || payloadKey === undefined) return false
  const { used, garbage, unnamed, sweptAt } = state.payloadKeys
  // None goes before it was noted, and looked at again a day later.
  const beganAt = timeOfUlid(payloadKey.slice(payloadKey.lastIndexOf('/') + 1))
  if (sweptAt - beganAt <= NAMING_LIMIT_MS || used.has(payloadKey) || unnamed.has(payloadKey)) return false
  if (wasTaken(state.senders, command.sender, command.seq)) return false
  if (!garbage.has(payloadKey) && (await isThere(payloadKey, context, signal))) return false
  context.trouble(
    new NotAcknowledged(
      `Message ${command.seq} of ${command.sender} came after its payload ${payloadKey} was deleted, and is refused. Who enqueued it was told that it is not acknowledged.`,
      new Error(`${payloadKey} was deleted, as no message named it.`),
    ),
  )
  return true
}

async function isThere(key: string, { options, trouble }: EngineContext, signal: AbortSignal): Promise<boolean> {
  const read = (): ReturnType<typeof options.store.get> => options.store.get(key, { signal })
  const answer = await persistently({ ...options, onTrouble: trouble }, read, signal)
  return answer.outcome === 'found'
}
