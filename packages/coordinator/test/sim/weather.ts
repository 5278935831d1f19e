/** What worlds with many pods are like, and kinds of them that are rough in one way. */
import type { Profile } from '../../../core/test/sim/run/profile.ts'
import {
  ACTIONS,
  type ActionName,
  BLOWS,
  type Blow,
  SPOTS,
  type Spot,
  type Weights,
} from '../../../core/test/sim/run/weights.ts'

const none = <K extends string>(weights: Weights<K>): Weights<K> =>
  Object.fromEntries(Object.keys(weights).map((key) => [key, 0])) as Record<K, number>

const actions = (some: Partial<Weights<ActionName>>): Weights<ActionName> => ({
  ...{ ...none(ACTIONS), enqueue: 60, work: 60 },
  ...some,
})
const traps = (some: Partial<Weights<Spot>>): Weights<Spot> => ({ ...none(SPOTS), ...some })
const blows = (some: Partial<Weights<Blow>>): Weights<Blow> => ({ ...none(BLOWS), ...some })

/** Traps at mailboxes as well as everywhere else. */
const EVERYWHERE: Weights<Spot> = { ...SPOTS, 'put /mailboxes/': 8, 'get /mailboxes/': 4, 'put /workers/': 1 }

/** Pods, most of them with a worker, and everything that happens to processes. */
export function manyPods(pods: number): Partial<Profile> {
  return { processes: pods, spots: EVERYWHERE, actions: { ...ACTIONS, enqueue: 50 + 4 * pods, work: 20 + 2 * pods } }
}

/** Tickets that are long on their way, and writers that are replaced meanwhile. */
const LATE_TICKETS: Partial<Profile> = {
  ...{ processes: 4, visibilityTimeoutMs: 600, takeoverAfterMs: 500, maxPollMs: 300, autoExtend: 1, maxAttempts: 5 },
  actions: actions({ lieInWait: 60, pause: 4, stopWork: 2 }),
  spots: traps({ 'put /mailboxes/': 6, 'get /mailboxes/': 3, 'put /log/': 1 }),
  blows: blows({ stall: 6, pause: 2 }),
}

/** Writers that sleep while they tell a worker something, for longer than it takes to replace them. */
const LATE_WRITERS: Partial<Profile> = {
  ...{ processes: 4, visibilityTimeoutMs: 700, takeoverAfterMs: 300, maxPollMs: 200, autoExtend: 1, maxAttempts: 5 },
  actions: actions({ lieInWait: 60 }),
  spots: traps({ 'put /mailboxes/': 1 }),
  blows: blows({ pause: 3, stall: 2 }),
}

/** Workers that are cut off and go on with what they have. */
const CUT_OFF: Partial<Profile> = {
  ...{
    processes: 5,
    visibilityTimeoutMs: 1_000,
    takeoverAfterMs: 4_000,
    maxPollMs: 300,
    autoExtend: 1,
    maxAttempts: 5,
  },
  actions: actions({ loseStore: 30, pause: 10 }),
}

/** Workers that come and go. */
const COMING_AND_GOING: Partial<Profile> = {
  ...{ processes: 4, visibilityTimeoutMs: 3_000, takeoverAfterMs: 1_000, maxPollMs: 500, autoExtend: 1 },
  actions: actions({ stopWork: 40, close: 20, start: 20, handleOne: 20 }),
}

export type PodWeather = 'late-tickets' | 'late-writers' | 'cut-off' | 'coming-and-going'

export const POD_WEATHERS: Readonly<Record<PodWeather, Partial<Profile>>> = {
  'late-tickets': LATE_TICKETS,
  'late-writers': LATE_WRITERS,
  'cut-off': CUT_OFF,
  'coming-and-going': COMING_AND_GOING,
}

export const POD_WEATHER_NAMES: readonly PodWeather[] = Object.keys(POD_WEATHERS) as PodWeather[]
