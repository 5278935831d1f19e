/** Objects of the inbox: commands of a process that is not the writer, with their payloads, framed and checked like a commit. */
import { asLogMark, decodeFrame, encodeFrame, type LogMark } from '@s3queue/primitives'
import { type Batch, decodeBatch, encodeBatch, type Payload } from '../state/batch-codec.ts'
import { findBadCommand } from '../state/command-check.ts'
import type { Command } from '../state/commands.ts'

interface InboxHeader {
  readonly kind: 'inbox'
  readonly sender: string
  /** The newest place of the log that the sender knows: what it sends is about that log. Undefined if it knows none. */
  readonly log?: LogMark | undefined
}

/** What an inbox object holds. */
export interface InboxObject {
  readonly batch: Batch<Command>
  readonly log: LogMark | undefined
}

/** Prefix of all inbox objects of a queue. */
export function inboxPrefix(queuePrefix: string): string {
  return `${queuePrefix}inbox/`
}

export function encodeInbox(
  sender: string,
  commands: readonly Command[],
  payloads: readonly Payload[],
  log?: LogMark,
): Uint8Array {
  const header: InboxHeader = { kind: 'inbox', sender, log }
  return encodeFrame(header, encodeBatch(commands, payloads)).bytes
}

/** Reads an inbox object back, or says in words what is wrong with its bytes. */
export function decodeInbox(bytes: Uint8Array): InboxObject | string {
  const frame = decodeFrame<InboxHeader>(bytes)
  if (typeof frame === 'string') return frame
  if (frame.header.kind !== 'inbox') return 'it is no inbox object'
  const batch = decodeBatch<Command>(frame.body)
  return findBadCommand(batch.entries, batch.payloads.length) ?? { batch, log: asLogMark(frame.header.log) }
}
