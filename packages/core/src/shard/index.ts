/** For those who put several logs behind one queue: `@s3queue/core/shard`. Users of a queue say how many it shall have: see `@s3queue/coordinator`. */

export { type CloseTimes, closeBy, resolveCloseOptions } from '../close-options.ts'
export { costOf } from '../cost.ts'
export { isThere, queueNotFound } from '../engine/existence.ts'
export { LastError, type LastErrorOptions } from '../engine/last-error.ts'
export { ensureProbed } from '../engine/probe.ts'
export { streamEvents } from '../event-stream.ts'
export { EventHub } from '../events.ts'
export { assertHandler } from '../handle.ts'
export { resolveListOptions } from '../list.ts'
export { openShard } from '../local-queue.ts'
export { QUEUE_KEYS, type ResolvedQueueOptions, resolveQueueOptions } from '../options.ts'
export {
  makeWorkerId,
  type ResolvedProcessOptions,
  resolveProcessOptions,
  resolveStopOptions,
} from '../process-options.ts'
export type { ShardQueue } from '../queue.ts'
export { assertSignal } from '../signal-option.ts'
export { SlotPool, type SlotPoolOptions } from '../worker/slots.ts'
export { shardOf } from './shard-of.ts'
