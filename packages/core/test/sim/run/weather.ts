/** Kinds of worlds that are rough in one way, for defects that show in nothing else before long. */
import type { Profile } from './profile.ts'
import { ACTIONS, type ActionName, BLOWS, type Blow, SPOTS, type Spot, WAYS, type Weights } from './weights.ts'

/** These actions alone, besides messages and workers. */
function actions(some: Partial<Weights<ActionName>>): Weights<ActionName> {
  return { ...none(ACTIONS), enqueue: 20, work: 40, ...some }
}

function traps(some: Partial<Weights<Spot>>): Weights<Spot> {
  return { ...none(SPOTS), ...some }
}

function blows(some: Partial<Weights<Blow>>): Weights<Blow> {
  return { ...none(BLOWS), ...some }
}

function none<K extends string>(weights: Weights<K>): Weights<K> {
  return Object.fromEntries(Object.keys(weights).map((key) => [key, 0])) as Weights<K>
}

/** Claims that outlive a writer's patience, with workers that are cut off and go on trusting theirs. */
const LONG_CLAIMS: Partial<Profile> = {
  ...{ processes: 3, takeoverAfterMs: 400, visibilityTimeoutMs: 4_000, autoExtend: 1, maxAttempts: 5 },
  actions: actions({ loseStore: 10, enqueue: 10 }),
  ways: { ...none(WAYS), returns: 10, hangs: 30 },
}

/** Writers that stall on their way to a term, for longer than others wait. */
const LATE_WRITERS: Partial<Profile> = {
  ...{ processes: 3, takeoverAfterMs: 1_500, visibilityTimeoutMs: 200, autoExtend: 1, maxAttempts: 5 },
  actions: actions({ lieInWait: 40, loseStore: 4, enqueue: 6 }),
  spots: traps({ 'put /writer': 3, 'get /base': 1, 'get /log/': 1, 'put /log/': 1 }),
  blows: blows({ pause: 1, stall: 1 }),
  ways: { ...none(WAYS), returns: 30, hangs: 10 },
}

/** Slots that are collected soon, and requests that arrive late. */
const LATE_FENCES: Partial<Profile> = {
  ...{ processes: 4, takeoverAfterMs: 400, snapshotAfterCommits: 1, actionEveryMs: 60 },
  actions: actions({ lieInWait: 60, stats: 40, loseStore: 6, pause: 6 }),
  spots: traps({ 'put /log/': 1, 'get /log/': 1 }),
  blows: blows({ stall: 1 }),
}

/** Bases whose writes get no answer, while other writers move them on. */
const LOST_BASES: Partial<Profile> = {
  ...{ processes: 4, takeoverAfterMs: 400, snapshotAfterCommits: 4, actionEveryMs: 80 },
  actions: actions({ lieInWait: 60, loseStore: 6, pause: 6, stats: 10 }),
  spots: traps({ 'put /base': 1 }),
  blows: blows({ loseStore: 1, stall: 1, pause: 1 }),
}

/** Payloads that come from the store so late that their claims are over. */
const HANGING_READS: Partial<Profile> = {
  ...{ processes: 2, visibilityTimeoutMs: 400, offloadAboveBytes: 1, troubleMs: 8_000 },
  actions: actions({ lieInWait: 60 }),
  spots: traps({ 'get /payloads/': 1 }),
  blows: blows({ stall: 1 }),
}

/** Queues that close while a request of theirs hangs. */
const HANGING_ENDS: Partial<Profile> = {
  ...{ processes: 4, takeoverAfterMs: 300, visibilityTimeoutMs: 300, acknowledgeTimeoutMs: 2_000 },
  ...{ troubleMs: 40_000, actionEveryMs: 60 },
  actions: actions({ lieInWait: 40, close: 12, start: 12, crash: 12 }),
  spots: traps({ 'put /inbox/': 1 }),
  blows: blows({ stall: 1 }),
}

/** Processes that stand still and are asked for numbers at once when they go on. */
const SLEEPERS: Partial<Profile> = {
  ...{ processes: 4, takeoverAfterMs: 400, lingerMs: 0 },
  actions: actions({ pause: 30, stats: 20, drain: 5, start: 10 }),
}

/** Few messages, and users who look at them all the time. */
const LOOKERS: Partial<Profile> = {
  ...{ processes: 2, actionEveryMs: 20, maxAttempts: 2 },
  actions: actions({ look: 80, enqueue: 8 }),
  ways: { ...none(WAYS), returns: 20, throws: 20 },
}

/** Operators who release messages that workers have, while writers crash and stand still. */
const RELEASING: Partial<Profile> = {
  ...{
    processes: 3,
    startWorking: 0.8,
    takeoverAfterMs: 800,
    visibilityTimeoutMs: 3_000,
    autoExtend: 1,
    maxAttempts: 3,
  },
  ...{ snapshotAfterCommits: 2, maxPollMs: 300, actionEveryMs: 150 },
  actions: actions({ enqueue: 30, work: 10, takeBack: 40, crash: 2, pause: 4, loseStore: 2, start: 3 }),
  ways: { ...none(WAYS), returns: 20, throws: 4, hangs: 20 },
}

/** Workers that are stopped while their handlers run on. */
const SHORT_STAYS: Partial<Profile> = {
  ...{ processes: 2, maxAttempts: 2, visibilityTimeoutMs: 400 },
  actions: actions({ stopWork: 20, close: 4, start: 8 }),
  ways: { ...none(WAYS), returns: 10, hangs: 20 },
}

/** Processes of one machine, of which some are killed and others get their process ids. Everybody is patient, so who goes by the machine is seen. */
const NEIGHBOURS: Partial<Profile> = {
  ...{ machines: 'one', processes: 4, startWorking: 0.8, takeoverAfterMs: 20_000, visibilityTimeoutMs: 15_000 },
  ...{ rates: {}, maxAttempts: 5, troubleMs: 30_000, autoExtend: 1, lingerMs: 0, maxPollMs: 500 },
  actions: actions({ crash: 8, start: 16 }),
  ways: { ...none(WAYS), returns: 20, hangs: 10 },
}

/** Rings that come late or never, of processes that end right after what they rang for, and writers that read the inbox rarely. */
const LOST_RINGS: Partial<Profile> = {
  ...{ processes: 3, takeoverAfterMs: 30_000, visibilityTimeoutMs: 2_000, maxPollMs: 9_000, notifies: false },
  ...{ actionEveryMs: 300, troubleMs: 8_000 },
  actions: actions({ lieInWait: 60, start: 10, enqueue: 40 }),
  spots: traps({ 'put /bell': 1 }),
  blows: blows({ crash: 3, stall: 1 }),
}

/** Writers that stand still for some seconds and are taken for dead long before `takeoverAfterMs`. */
const SUSPICIONS: Partial<Profile> = {
  ...{ processes: 4, takeoverAfterMs: 30_000, visibilityTimeoutMs: 4_000, maxPollMs: 5_000, autoExtend: 1 },
  ...{ actionEveryMs: 500, troubleMs: 60_000, maxAttempts: 5 },
  actions: actions({ pause: 20, lieInWait: 10, enqueue: 20, crash: 4, start: 6 }),
  spots: traps({ 'put /bell': 1, 'get /bell': 1, 'put /writer': 1 }),
  blows: blows({ pause: 3, stall: 1 }),
}

/** A store that is emptied, or set back to an earlier state, under processes that are busy. */
const RESTORED: Partial<Profile> = {
  ...{ restores: true, processes: 3, takeoverAfterMs: 2_000, visibilityTimeoutMs: 6_000, autoExtend: 1 },
  ...{ maxAttempts: 5, troubleMs: 6_000, actionEveryMs: 200, rates: { latency: 0.3 }, maxPollMs: 1_000, lingerMs: 0 },
  ...{ acknowledgeTimeoutMs: 10_000, deadCount: 100_000, variety: undefined },
  ways: { ...none(WAYS), returns: 1 },
}

/** Queues that forget what has ended within moments, with operators who redrive it while little else happens. */
const BRIEF_MEMORY: Partial<Profile> = {
  ...{ processes: 2, startWorking: 1, maxAttempts: 1, takeoverAfterMs: 3_000, actionEveryMs: 150, lingerMs: 0 },
  ...{ ages: { deadAgeMs: 300, completedAgeMs: 500 }, troubleMs: 30_000 },
  actions: actions({ enqueue: 12, work: 4, operate: 4, redriveSome: 30, forget: 4, look: 20, stats: 10, awaitEnd: 10 }),
  ways: { ...none(WAYS), returns: 10, throws: 20, buries: 10 },
}

/** Writes that get no answer, and a store that refuses what comes next: each call must say "perhaps", as its write may have been carried out. */
const REFUSALS: Partial<Profile> = {
  ...{ processes: 3, startWorking: 0.5, takeoverAfterMs: 600, visibilityTimeoutMs: 2_000, maxAttempts: 5 },
  ...{ refusals: 0.5, maxPollMs: 400, actionEveryMs: 80, autoExtend: 1 },
  rates: { 'timeout-after-apply': 0.03, 'server-error': 0.03, 'timeout-before-apply': 0.02, latency: 0.5 },
  actions: actions({ enqueue: 40, start: 4, crash: 1, takeBack: 10, pause: 2 }),
  ways: { ...none(WAYS), returns: 20, throws: 4 },
}

export type WeatherName =
  | ('long-claims' | 'late-writers' | 'late-fences' | 'lost-bases')
  | ('hanging-reads' | 'hanging-ends' | 'sleepers' | 'lookers' | 'releasing' | 'short-stays' | 'neighbours')
  | ('lost-rings' | 'suspicions' | 'restored' | 'brief-memory' | 'refusals')

/** All of them by name. */
export const WEATHERS: Readonly<Record<WeatherName, Partial<Profile>>> = {
  'long-claims': LONG_CLAIMS,
  'late-writers': LATE_WRITERS,
  'late-fences': LATE_FENCES,
  'lost-bases': LOST_BASES,
  'hanging-reads': HANGING_READS,
  'hanging-ends': HANGING_ENDS,
  sleepers: SLEEPERS,
  'lost-rings': LOST_RINGS,
  suspicions: SUSPICIONS,
  lookers: LOOKERS,
  releasing: RELEASING,
  'short-stays': SHORT_STAYS,
  neighbours: NEIGHBOURS,
  restored: RESTORED,
  'brief-memory': BRIEF_MEMORY,
  refusals: REFUSALS,
}

export const WEATHER_NAMES: readonly WeatherName[] = Object.keys(WEATHERS) as WeatherName[]
