/** Objects of the inbox: commands of a process that is not the writer, with their payloads, framed and checked like a commit. */
import { decodeFrame, encodeFrame } from '@s3queue/primitives'
import { type Batch, decodeBatch, encodeBatch, type Payload } from '../state/batch-codec.ts'
import { findBadCommand } from '../state/command-check.ts'
import type { Command } from '../state/commands.ts'

interface InboxHeader {
  readonly kind: 'inbox'
  readonly sender: string
}

/** Prefix of all inbox objects of a queue. */
export function inboxPrefix(queuePrefix: string): string {
  return `${queuePrefix}inbox/`
}

export function encodeInbox(sender: string, commands: readonly Command[], payloads: readonly Payload[]): Uint8Array {
  const header: InboxHeader = { kind: 'inbox', sender }
  return encodeFrame(header, encodeBatch(commands, payloads)).bytes
}

/** Reads an inbox object back, or says in words what is wrong with its bytes. */
export function decodeInbox(bytes: Uint8Array): Batch<Command> | string {
  const frame = decodeFrame<InboxHeader>(bytes)
  if (typeof frame === 'string') return frame
  if (frame.header.kind !== 'inbox') return 'it is no inbox object'
  const batch = decodeBatch<Command>(frame.body)
  return findBadCommand(batch.entries, batch.payloads.length) ?? batch
}
