/** One log of a queue, as this process has it. */
import type { ShardQueue } from '@s3queue/core/shard'
import type { MailboxTransport } from '../transport.ts'

export interface Shard<T> {
  readonly index: number
  /** Where its objects lie, ending in a slash. */
  readonly prefix: string
  readonly queue: ShardQueue<T>
  readonly transport: MailboxTransport
}
