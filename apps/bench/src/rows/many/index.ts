/** The group `many-processes`, in the order of its table. */
import type { Row } from '../../row.ts'
import { podsBusy } from './busy.ts'
import { killed } from './killed.ts'
import { makespan } from './makespan.ts'
import { operator } from './operator.ts'
import { podsRemote } from './remote.ts'
import { restart } from './restart.ts'
import { urgent } from './urgent.ts'
import { wakeUp } from './wake-up.ts'

export const MANY_PROCESSES: readonly Row[] = [
  ...makespan,
  ...urgent,
  ...wakeUp,
  ...operator,
  ...killed,
  ...restart,
  ...podsRemote,
  ...podsBusy,
]
