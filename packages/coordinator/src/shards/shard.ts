/** One log of a queue, as this process has it. */
import type { ShardQueue } from '@s3queue/core/shard'
import type { RegistryReader } from '../registry/read-registry.ts'
import type { MailboxTransport } from '../transport.ts'

export interface Shard<T> {
  readonly index: number
  readonly queue: ShardQueue<T>
  readonly transport: MailboxTransport
  /** What its writer tells of all workers. */
  readonly registry: RegistryReader
}
