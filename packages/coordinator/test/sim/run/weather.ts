/** Kinds of worlds with many processes that are rough in one way. */
import type { Profile } from '../../../../core/test/sim/run/profile.ts'
import type { ActionName, Weights } from '../../../../core/test/sim/run/weights.ts'

/** These actions alone, besides messages and workers. */
function actions(some: Weights<ActionName>): Weights<ActionName> {
  return { enqueue: 60, work: 60, ...some }
}

/** Patient messages, whose claims last about as long as a writer. */
const SMALL = { processes: 4, startWorking: 0.8, autoExtend: 1, maxAttempts: 5 } as const

/** Tickets that are long on their way, and writers that are replaced meanwhile. */
const LATE_TICKETS: Partial<Profile> = {
  ...{ ...SMALL, visibilityTimeoutMs: 600, takeoverAfterMs: 500, maxPollMs: 300 },
  actions: actions({ lieInWait: 60, pause: 4, stopWork: 2 }),
  spots: { 'put /mailboxes/': 6, 'get /mailboxes/': 3, 'put /log/': 1 },
  blows: { stall: 6, pause: 2 },
}

/** Writers that sleep while they tell a worker something, for longer than it takes to replace them. */
const LATE_WRITERS: Partial<Profile> = {
  ...{ ...SMALL, visibilityTimeoutMs: 700, takeoverAfterMs: 300, maxPollMs: 200 },
  actions: actions({ lieInWait: 60 }),
  spots: { 'put /mailboxes/': 1 },
  blows: { pause: 3, stall: 2 },
}

/** Workers that are cut off and go on with what they have. */
const CUT_OFF: Partial<Profile> = {
  ...{ ...SMALL, processes: 5, visibilityTimeoutMs: 1_000, takeoverAfterMs: 4_000, maxPollMs: 300 },
  actions: actions({ loseStore: 30, pause: 10 }),
}

/** Workers that come and go. */
const COMING_AND_GOING: Partial<Profile> = {
  ...{ ...SMALL, visibilityTimeoutMs: 3_000, takeoverAfterMs: 1_000, maxPollMs: 500 },
  actions: actions({ stopWork: 40, restartWork: 20, close: 20, start: 20, handleOne: 20 }),
}

/** All of them by name. */
export const WEATHERS: Readonly<Record<string, Partial<Profile>>> = {
  'late-tickets': LATE_TICKETS,
  'late-writers': LATE_WRITERS,
  'cut-off': CUT_OFF,
  'coming-and-going': COMING_AND_GOING,
}
