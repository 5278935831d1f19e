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

/** Clocks that differ as much as they may, claims that last long, and a network that is fast: nothing else hides the difference. */
const DRIFTING: Partial<Profile> = {
  ...{ ...SMALL, drift: 0.005, autoExtend: 0, visibilityTimeoutMs: 20_000, takeoverAfterMs: 4_000, maxPollMs: 50 },
  ...{ rates: { latency: 0.1 }, lingerMs: 0, troubleMs: 25_000, actionEveryMs: 300 },
  actions: actions({}),
  ways: { hangs: 1 },
}

/** Operators who take back what workers have, also where its payload is still on its way. */
const TAKEN_BACK: Partial<Profile> = {
  ...{ ...SMALL, visibilityTimeoutMs: 4_000, takeoverAfterMs: 4_000, maxPollMs: 300, troubleMs: 15_000 },
  offloadAboveBytes: 8,
  actions: actions({ takeBack: 60, lieInWait: 30 }),
  spots: { 'get /payloads/': 1 },
  blows: { stall: 1 },
  ways: { returns: 1, hangs: 2 },
}

/** Handlers of very different lengths, so that what waits behind long ones is recalled for workers that are idle. */
const RECALLING: Partial<Profile> = {
  ...{ ...SMALL, processes: 3, startWorking: 1, visibilityTimeoutMs: 3_000, takeoverAfterMs: 3_000, maxPollMs: 200 },
  ...{ troubleMs: 30_000, actionEveryMs: 400, rates: { latency: 0.1 } },
  transport: { heartbeatIntervalMs: 1_000, heartbeatTtlMs: 4_000, dispatchIntervalMs: 20 },
  actions: { enqueue: 60, pause: 1, lieInWait: 4 },
  spots: { 'put /mailboxes/': 3, 'get /mailboxes/': 3, 'put /inbox/': 2 },
  blows: { stall: 3, crash: 1 },
  ways: { returns: 1 },
}

/** Operators who release messages that workers elsewhere have, while writers crash and stand still. */
const RELEASING: Partial<Profile> = {
  ...{ ...SMALL, visibilityTimeoutMs: 4_000, takeoverAfterMs: 600, maxPollMs: 300, troubleMs: 15_000, maxAttempts: 3 },
  ...{ snapshotAfterCommits: 2, actionEveryMs: 100 },
  actions: actions({ takeBack: 60, crash: 3, pause: 4, loseStore: 3, start: 4, lieInWait: 10 }),
  spots: { 'put /mailboxes/': 3, 'get /mailboxes/': 3 },
  blows: { stall: 2, pause: 2, crash: 1 },
  ways: { returns: 1, throws: 1, hangs: 3 },
}

/** Mailboxes that are written late by the writer that goes and by the one that comes. */
const LATE_MAILBOXES: Partial<Profile> = {
  ...{ ...SMALL, autoExtend: 0, visibilityTimeoutMs: 800, takeoverAfterMs: 300, maxPollMs: 50 },
  ...{ acknowledgeTimeoutMs: 2_000, actionEveryMs: 60, rates: { latency: 0.5 }, times: { latencyMs: 20 } },
  troubleMs: 15_000,
  actions: actions({ lieInWait: 120 }),
  spots: { 'put /mailboxes/': 1 },
  blows: { strand: 2, stall: 1 },
  ways: { returns: 1, hangs: 1 },
}

/** Payloads that are long on their way to a worker, while writers are replaced. */
const LATE_PAYLOADS: Partial<Profile> = {
  ...{ ...SMALL, visibilityTimeoutMs: 4_000, takeoverAfterMs: 400, maxPollMs: 200, troubleMs: 15_000 },
  offloadAboveBytes: 8,
  actions: actions({ lieInWait: 60, pause: 6, loseStore: 4 }),
  spots: { 'get /payloads/': 3, 'put /log/': 1 },
  blows: { stall: 1 },
}

/** Handlers that ask for more time, while writers are replaced. */
const MORE_TIME: Partial<Profile> = {
  ...{ ...SMALL, autoExtend: 0, visibilityTimeoutMs: 2_000, takeoverAfterMs: 400, maxPollMs: 100, troubleMs: 20_000 },
  acknowledgeTimeoutMs: 3_000,
  actions: actions({ lieInWait: 60, pause: 30 }),
  spots: { 'put /log/': 1 },
  blows: { stall: 1 },
  ways: { extends: 1 },
}

/** So many that one of them is in trouble at any time. */
const CROWD: Partial<Profile> = {
  ...{ processes: 50, startWorking: 0.8, troubleMs: 15_000, actionEveryMs: 20, drift: 0.005, maxAttempts: 5 },
  actions: actions({
    crash: 10,
    start: 20,
    pause: 10,
    loseStore: 10,
    lieInWait: 40,
    setClock: 4,
    operate: 10,
    stopWork: 4,
  }),
}

/** Writers that give up the writing while there is much to do, and while what they said is on its way. */
const STEPPING_DOWN: Partial<Profile> = {
  ...{ ...SMALL, visibilityTimeoutMs: 3_000, takeoverAfterMs: 2_000, maxPollMs: 500 },
  actions: actions({ stepDown: 40, lieInWait: 15, stopWork: 5, pause: 2, stats: 10, operate: 5 }),
  spots: { 'put /writer': 2, 'put /log/': 2, 'put /mailboxes/': 1, 'put /inbox/': 1 },
  blows: { stall: 4, pause: 1 },
}

/** A queue of several shards, of which there are to be more in the middle of it. */
const RAISED: Partial<Profile> = {
  ...{
    ...SMALL,
    shards: [2, 3, 4],
    visibilityTimeoutMs: 2_000,
    takeoverAfterMs: 1_000,
    maxPollMs: 500,
    troubleMs: 8_000,
  },
  transport: { heartbeatIntervalMs: 500, heartbeatTtlMs: 2_000, dispatchIntervalMs: 50 },
  actions: actions({ raise: 10, crash: 5, start: 10, pause: 5, lieInWait: 20, look: 20, stats: 10, operate: 10 }),
}

/** Processes of one machine, of which some are killed and others get their process ids. Everybody is patient, so who goes by the machine is seen. */
const NEIGHBOURS: Partial<Profile> = {
  ...{ machines: 'one', processes: 6, startWorking: 0.8, takeoverAfterMs: 20_000, visibilityTimeoutMs: 15_000 },
  ...{ rates: {}, maxAttempts: 5, troubleMs: 20_000, autoExtend: 1, lingerMs: 0, maxPollMs: 500 },
  transport: { heartbeatIntervalMs: 1_000, heartbeatTtlMs: 60_000, dispatchIntervalMs: 50 },
  actions: actions({ crash: 8, start: 16 }),
  ways: { returns: 20, hangs: 10 },
}

/** Writers that are killed again and again before a claim can run out in their time, and workers that live on and extend theirs. */
const SHORT_TERMS: Partial<Profile> = {
  ...{ ...SMALL, processes: 8, visibilityTimeoutMs: 4_000, takeoverAfterMs: 300, maxPollMs: 200, troubleMs: 60_000 },
  ...{ rates: {}, lingerMs: 0 },
  transport: { heartbeatIntervalMs: 500, heartbeatTtlMs: 20_000, dispatchIntervalMs: 50 },
  actions: actions({ lieInWait: 60, start: 10, enqueue: 20 }),
  spots: { 'put /writer': 1 },
  blows: { crash: 1 },
  ways: { hangs: 1 },
}

/** Idle queues whose rings are late or lost, and whose writers read the inbox rarely. */
const LOST_RINGS: Partial<Profile> = {
  ...{ ...SMALL, processes: 5, takeoverAfterMs: 30_000, visibilityTimeoutMs: 3_000, maxPollMs: 9_000 },
  ...{ actionEveryMs: 800, troubleMs: 40_000 },
  actions: { enqueue: 30, work: 10, lieInWait: 30, crash: 4, start: 6, operate: 6 },
  spots: { 'put /bell': 3, 'get /bell': 1, 'put /inbox/': 1 },
  blows: { stall: 3, crash: 1, loseStore: 1 },
}

/** Writers that stand still for some seconds and are taken for dead long before `takeoverAfterMs`, while they and others have messages in hand. */
const SUSPICIONS: Partial<Profile> = {
  ...{ ...SMALL, processes: 5, takeoverAfterMs: 30_000, visibilityTimeoutMs: 5_000, maxPollMs: 5_000 },
  ...{ actionEveryMs: 300, troubleMs: 60_000 },
  actions: actions({ pause: 20, lieInWait: 15, crash: 3, start: 6, stats: 5 }),
  spots: { 'put /writer': 2, 'put /log/': 1, 'put /mailboxes/': 1, 'put /bell': 1 },
  blows: { pause: 4, stall: 2 },
}

/** A store that is emptied, or set back to an earlier state, under writers and workers that are busy. */
const RESTORED: Partial<Profile> = {
  ...{ ...SMALL, restores: true, takeoverAfterMs: 2_000, visibilityTimeoutMs: 6_000, maxPollMs: 1_000, lingerMs: 0 },
  ...{ troubleMs: 6_000, actionEveryMs: 150, rates: { latency: 0.3 }, acknowledgeTimeoutMs: 10_000, shards: undefined },
  ways: { returns: 1 },
}

/** Writes that get no answer, and a store that refuses what comes next: each call must say "perhaps", as its write may have been carried out. */
const REFUSALS: Partial<Profile> = {
  ...{ ...SMALL, refusals: 0.5, visibilityTimeoutMs: 2_000, takeoverAfterMs: 600, maxPollMs: 400 },
  rates: { 'timeout-after-apply': 0.03, 'server-error': 0.03, 'timeout-before-apply': 0.02, latency: 0.5 },
  actions: actions({ start: 4, crash: 1, operate: 6 }),
}

/** All of them by name. */
export const WEATHERS: Readonly<Record<string, Partial<Profile>>> = {
  'stepping-down': STEPPING_DOWN,
  'late-tickets': LATE_TICKETS,
  'late-writers': LATE_WRITERS,
  'cut-off': CUT_OFF,
  'coming-and-going': COMING_AND_GOING,
  crowd: CROWD,
  drifting: DRIFTING,
  'taken-back': TAKEN_BACK,
  releasing: RELEASING,
  recalling: RECALLING,
  'late-mailboxes': LATE_MAILBOXES,
  'late-payloads': LATE_PAYLOADS,
  'more-time': MORE_TIME,
  raised: RAISED,
  neighbours: NEIGHBOURS,
  'short-terms': SHORT_TERMS,
  'lost-rings': LOST_RINGS,
  suspicions: SUSPICIONS,
  restored: RESTORED,
  refusals: REFUSALS,
}
