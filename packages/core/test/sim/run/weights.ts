/**
 * How likely each action is, each way in which a handler ends, and each spot for a trap; and how a run varies that.
 *
 * Runs in which everything happens are all alike. So each run leaves out some of it and does others more often (Groce et al., "Swarm
 * Testing", ISSTA 2012): what only shows when nothing else gets in its way has its chance too.
 */
import type { Random } from '@s3queue/storage'
import { chance } from '../world/draw.ts'

export const ACTIONS = {
  enqueue: 50,
  work: 20,
  stopWork: 3,
  handleOne: 3,
  crash: 3,
  pause: 4,
  loseStore: 4,
  lieInWait: 12,
  setClock: 2,
  close: 2,
  start: 2,
  stats: 10,
  look: 4,
  drain: 2,
  operate: 3,
} as const

/** Those of worlds with variety. */
export const VARIED_ACTIONS = { redriveSome: 3, forget: 3, awaitEnd: 6 } as const

export const WAYS = {
  returns: 40,
  throws: 10,
  givesUp: 3,
  snoozes: 4,
  retries: 4,
  buries: 2,
  extends: 10,
  hangs: 4,
} as const

export const SPOTS = {
  'put /log/': 2,
  'get /log/': 2,
  'delete /log/': 1,
  'put /base': 2,
  'get /base': 2,
  'put /snapshots/': 1,
  'put /writer': 2,
  'get /writer': 1,
  'put /inbox/': 1,
  'put /bell': 1,
  'get /bell': 1,
  'get /payloads/': 1,
  'list /inbox/': 1,
  'delete /inbox/': 1,
} as const

export const BLOWS = { crash: 2, pause: 4, loseStore: 4, stall: 6, close: 1 } as const

export type ActionName =
  | keyof typeof ACTIONS
  | keyof typeof VARIED_ACTIONS
  | 'restartWork'
  | 'takeBack'
  | 'stepDown'
  | 'raise'
export type Way = keyof typeof WAYS
export type Spot = keyof typeof SPOTS
/** `strand`: the process stands still while its request is long on its way. */
export type Blow = keyof typeof BLOWS | 'strand'
/** What is left out never comes. */
export type Weights<K extends string> = Readonly<Partial<Record<K, number>>>

/** Some left out, but for those that must stay, and all others made more or less likely, up to four times. */
export function swarm<K extends string>(random: Random, weights: Weights<K>, stay: readonly NoInfer<K>[]): Weights<K> {
  const entries = Object.entries(weights) as [K, number][]
  const varied = entries.map(([key, weight]): [K, number] => {
    const isOut = !(stay as readonly K[]).includes(key) && chance(random, 0.25)
    return [key, isOut ? 0 : weight * 4 ** (2 * random.next() - 1)]
  })
  return Object.fromEntries(varied) as Weights<K>
}
