/** For those who write a transport: `@s3queue/core/transport`. Users of a queue hand one in as the option `transport`. */
export { PollInterval } from '../engine/poll-interval.ts'
export { StoreWatch, type StoreWatchOptions } from '../engine/store-watch.ts'
export type { Failure } from '../failure.ts'
export type { SettledAs } from '../settle.ts'
export type { Payload } from '../state/batch-codec.ts'
export type { Command, NoticeCommand, ProgressReport, Settlement } from '../state/commands.ts'
export type { DeadReason, FailureRecord, FailureText } from '../state/events.ts'
export type { Death, FailureHistory } from '../state/failures.ts'
export type { Batch, Claim } from '../state/model.ts'
export type {
  ClaimExtension,
  Extended,
  LeavingWorker,
  Receipt,
  RemoteWorker,
  RevokeReason,
  SettledElsewhere,
  StandbyProcess,
  Transport,
  TransportQueue,
  TravellingTicket,
  WorkerSelf,
  WorkerSide,
  WriterSide,
  WriterTerm,
} from './port.ts'
