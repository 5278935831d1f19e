/** Objects of the inbox: commands of a process that is not the writer, with their payloads, framed and checked like a commit. */
import { decodeFrame, encodeFrame, type Frame, type Header } from '@s3queue/primitives'
import { type Batch, decodeBatch, encodeBatch, type Payload } from '../state/batch-codec.ts'
import { findBadCommand } from '../state/command-check.ts'
import type { Command } from '../state/commands.ts'

interface InboxHeader extends Header {
  readonly kind: 'inbox'
  readonly sender: string
}

/** Prefix of all inbox objects of a queue. */
export function inboxPrefix(queuePrefix: string): string {
  return `${queuePrefix}inbox/`
}

/** When it was sent, by its sender's clock, and by which process. */
const NAME = /^[0-9A-HJKMNP-TV-Z]{26}-[^/]+$/

/** One batch has at most 64 Mi characters of payloads, a sender adds 8 Mi of others, and a character takes up to three bytes. */
export const MAX_INBOX_BYTES: number = 256 << 20

/** Whether an object below the inbox's prefix was put there by a process of this queue, by its name. */
export function isInboxName(name: string): boolean {
  return NAME.test(name)
}

/** The bytes of the inbox object `key`. */
export function encodeInbox(
  key: string,
  sender: string,
  commands: readonly Command[],
  payloads: readonly Payload[],
): Uint8Array {
  const header: InboxHeader = { key, kind: 'inbox', sender }
  return encodeFrame(header, encodeBatch(commands, payloads)).bytes
}

/** Reads the inbox object `key` of a queue back, or says in words what is wrong with its bytes. */
export function decodeInbox(key: string, bytes: Uint8Array): Batch<Command> | string {
  const frame = decodeFrame<InboxHeader>(bytes, key)
  return typeof frame === 'string' ? frame : readCommands(key, frame)
}

/** The commands in the checked frame of the inbox object `key`, or what is wrong with them in words. */
export function readCommands(
  key: string,
  { header, body }: Pick<Frame<Partial<InboxHeader>>, 'header' | 'body'>,
): Batch<Command> | string {
  if (header.kind !== 'inbox') return 'it is not an inbox object'
  const prefix = key.slice(0, key.lastIndexOf('inbox/'))
  try {
    const batch = decodeBatch<Command>(body)
    return findBadCommand(batch.entries, batch.payloads.length, prefix) ?? batch
  } catch (error) {
    return `its commands cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
}
