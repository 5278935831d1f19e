/** All rows, in the order in which they are measured. */
import type { Row } from '../row.ts'
import { backlog, backlogFarAway, backlogOfOne } from './backlog.ts'
import { bulkEnqueue } from './bulk-enqueue.ts'
import { fewRequests } from './few-requests.ts'
import { idle, idleInRealTime, idlePods } from './idle.ts'
import { MANY_PROCESSES } from './many/index.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { opening } from './opening.ts'
import { peers, peersInBulk, peersOfMany, peersOfOne } from './peers.ts'
import { pods } from './pods.ts'
import { podsTakeOver, podsTakeOverByDefault } from './pods-take-over.ts'
import { recovery, recoveryOfAMillion } from './recovery.ts'
import { startUp } from './start-up.ts'
import { stateMachine } from './state-machine.ts'
import { takeOver, takeOverByDefault } from './take-over.ts'

export const ROWS: readonly Row[] = [
  stateMachine,
  startUp,
  oneAtATime,
  fewRequests,
  backlog,
  backlogOfOne,
  backlogFarAway,
  bulkEnqueue,
  idle,
  idleInRealTime,
  idlePods,
  recovery,
  recoveryOfAMillion,
  opening,
  takeOver,
  takeOverByDefault,
  pods,
  podsTakeOver,
  podsTakeOverByDefault,
  ...MANY_PROCESSES,
  peers,
  peersOfOne,
  peersInBulk,
  peersOfMany,
]
