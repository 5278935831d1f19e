/** Objects of the inbox: commands of a process that is not the writer, with their payloads, framed and checked like a commit. */
import { asLogMark, decodeFrame, encodeFrame, type Frame, type Header, type LogMark } from '@s3queue/primitives'
import { type Batch, decodeBatch, encodeBatch, type Payload } from '../state/batch-codec.ts'
import { findBadCommand } from '../state/command-check.ts'
import type { Command } from '../state/commands.ts'

interface InboxHeader extends Header {
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

/** When it was sent, by its sender's clock, and by which process. */
const NAME = /^[0-9A-HJKMNP-TV-Z]{26}-[^/]+$/

/** One batch has at most 64 Mi characters of payloads, a sender adds 8 Mi of others, and a character takes up to three bytes. */
export const MAX_INBOX_BYTES: number = 256 << 20

/** Whether an object below the inbox's prefix was put there by a process of this queue, by its name. */
export function isInboxName(name: string): boolean {
  return NAME.test(name)
}

/** What the sender of an inbox object says about it. */
export type InboxAuthor = Omit<InboxHeader, 'kind'>

/** The bytes of the inbox object `author.key`. */
export function encodeInbox(
  author: InboxAuthor,
  commands: readonly Command[],
  payloads: readonly Payload[],
): Uint8Array {
  const header: InboxHeader = { ...author, kind: 'inbox' }
  return encodeFrame(header, encodeBatch(commands, payloads)).bytes
}

/** Reads the inbox object `key` of a queue back, or says in words what is wrong with its bytes. */
export function decodeInbox(key: string, bytes: Uint8Array): InboxObject | string {
  const frame = decodeFrame<InboxHeader>(bytes, key)
  return typeof frame === 'string' ? frame : readCommands(key, frame)
}

/** The commands in the checked frame of the inbox object `key`, or what is wrong with them in words. */
export function readCommands(
  key: string,
  { header, body }: Pick<Frame<Partial<InboxHeader>>, 'header' | 'body'>,
): InboxObject | string {
  if (header.kind !== 'inbox') return 'it is not an inbox object'
  const log = asLogMark(header.log)
  if (log === undefined && header.log !== undefined) return 'it names no place in a log'
  const prefix = key.slice(0, key.lastIndexOf('inbox/'))
  try {
    const batch = decodeBatch<Command>(body)
    return findBadCommand(batch.entries, batch.payloads.length, prefix) ?? { batch, log }
  } catch (error) {
    return `its commands cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
}
