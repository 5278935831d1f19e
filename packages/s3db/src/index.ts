export { type Adopted, adoptQueue } from './adopt-queue.ts'
export type { RecordData, S3dbClient, S3dbDatabase, S3dbRecord, S3dbResource } from './database.ts'
export { DeadLetters, type DeadLettersOptions, openDeadLetterResource } from './dead-letters.ts'
export { type EnqueuedRecord, type EnqueueRecordOptions, Enqueuer, type EnqueuerOptions } from './enqueue-record.ts'
export { describeFailure, type EntryOptions, type EntryStatus, type QueueEntry } from './entry.ts'
export type { EntryFilter, EntryPartition, ViewPage } from './entry-query.ts'
export { QueueError, type QueueErrorDetails } from './errors.ts'
export { encodeKeySegment } from './key-segment.ts'
export { classifyLibraryError, type LibraryErrorKind } from './library-error.ts'
export type { MessagePayload } from './message-payload.ts'
export { type RecordQueueStats, readStats } from './queue-stats.ts'
export {
  type EntryPage,
  type EntryPageOptions,
  type EntryPatch,
  QueueView,
  type QueueViewOptions,
} from './queue-view.ts'
export { type InsertRecord, metadataOf, ownAttributes, type ReadRecord, Records } from './records.ts'
export { type Keys, locateStore, type StoreLocation } from './store-location.ts'
