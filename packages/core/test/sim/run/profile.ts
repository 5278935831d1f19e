/** What kind of world a seed makes: how many processes, how patient, over how bad a network, and what befalls them. */
import { FAULT_KINDS, type FaultKind, type FaultRates, type FaultTimes, type Random } from '@s3queue/storage'
import { between, chance, pick, spread, weighted, whole } from '../world/draw.ts'
import type { Variety } from './variety.ts'
import { ACTIONS, type ActionName, BLOWS, type Blow, SPOTS, swarm, WAYS, type Way, type Weights } from './weights.ts'

/** How often workers look for tickets and say that they are there, in ms. */
export interface TransportTimes {
  readonly heartbeatIntervalMs: number
  readonly heartbeatTtlMs: number
  readonly dispatchIntervalMs: number
}

export interface Profile {
  /** At the start. */
  readonly processes: number
  /** Share of them that have workers from the start. */
  readonly startWorking: number
  /** How long things go wrong, in ms. */
  readonly troubleMs: number
  /** Mean time between two actions, in ms. */
  readonly actionEveryMs: number
  readonly visibilityTimeoutMs: number
  readonly takeoverAfterMs: number
  readonly maxAttempts: number
  readonly backoff: { readonly baseMs: number; readonly maxMs: number }
  readonly lingerMs: number
  readonly maxPollMs: number
  readonly acknowledgeTimeoutMs: number
  readonly snapshotAfterCommits: number
  /** Larger payloads get objects of their own. */
  readonly offloadAboveBytes: number
  /** Dead letters beyond this are forgotten. */
  readonly deadCount: number
  /** How long dead letters and completed messages are remembered, in ms. Default: for longer than a run. */
  readonly ages?: { readonly deadAgeMs: number; readonly completedAgeMs: number } | undefined
  readonly rates: FaultRates
  readonly times: FaultTimes
  /** Of the writes of a process that get no answer, the share after which the store refuses that process for a while: its session has ended, say. Default 0. */
  readonly refusals?: number | undefined
  /** Clocks go wrong by up to this share. Two of them differ by twice as much: 1 % is allowed. */
  readonly drift: number
  /** Share of workers that extend their claims by themselves. */
  readonly autoExtend: number
  readonly actions: Weights<ActionName>
  /** Of handlers. */
  readonly ways: Weights<Way>
  /** Where traps are, and what they do. */
  readonly spots: Weights<string>
  readonly blows: Weights<Blow>
  readonly transport?: TransportTimes | undefined
  /** `one`: all processes are neighbours on one machine, and must notice soon when one of them is killed. Default: some here, some there. */
  readonly machines?: 'one' | undefined
  /** Whether the store notifies of changes, as on one machine; notifications are late and lost as often as other things go wrong. */
  readonly notifies?: boolean | undefined
  /** Whether the store is emptied or set back to an earlier state under running processes: a course with checks of its own. */
  readonly restores?: boolean | undefined
  /** What messages have of their own. Default: nothing. */
  readonly variety?: Variety | undefined
  /** How many logs the queue is spread over: at first, and after each raise. Default: one, and nobody speaks of it. */
  readonly shards?: readonly number[] | undefined
}

export function drawProfile(random: Random): Profile {
  const { takeoverAfterMs, visibilityTimeoutMs } = drawPatience(random)
  const notifies = chance(random, 0.3)
  return {
    processes: whole(random, 1, 5),
    startWorking: 0,
    troubleMs: spread(random, 5_000, 60_000),
    actionEveryMs: spread(random, 30, 600),
    visibilityTimeoutMs,
    takeoverAfterMs,
    maxAttempts: whole(random, 1, 5),
    backoff: drawBackoff(random),
    lingerMs: chance(random, 0.6) ? 0 : spread(random, 1, 300),
    maxPollMs: spread(random, 50, 3_000),
    acknowledgeTimeoutMs: spread(random, 2_000, 20_000),
    snapshotAfterCommits: spread(random, 1, 60),
    offloadAboveBytes: chance(random, 0.7) ? 1_000 : 8,
    deadCount: chance(random, 0.7) ? 100_000 : whole(random, 0, 10),
    notifies,
    rates: drawRates(random, notifies ? pick(random, [0.02, 0.2, 0.5]) : 0),
    times: {
      latencyMs: spread(random, 2, 300),
      timeoutMs: spread(random, 100, 3_000),
      lateMs: spread(random, 500, 30_000),
      gapMs: spread(random, 10, 5_000),
      spreadMs: spread(random, 10, 1_000),
      retryAfterMs: spread(random, 50, 2_000),
    },
    drift: chance(random, 0.5) ? 0 : 0.005,
    autoExtend: pick(random, [0, 0.5, 1, 1]),
    actions: swarm(random, ACTIONS, ['enqueue', 'work']),
    ways: swarm(random, WAYS, ['returns']),
    spots: swarm(random, SPOTS, ['put /log/']),
    blows: swarm(random, BLOWS, ['pause']),
  }
}

/** Whether a claim outlives a term of a writer or the other way round makes different things possible. */
function drawPatience(random: Random): Pick<Profile, 'takeoverAfterMs' | 'visibilityTimeoutMs'> {
  const short = spread(random, 300, 1_500)
  const long = Math.round(short * between(random, 3, 8))
  switch (weighted(random, { any: 2, longClaims: 1, shortClaims: 2 })) {
    case 'any':
      return { takeoverAfterMs: spread(random, 300, 6_000), visibilityTimeoutMs: spread(random, 150, 6_000) }
    case 'longClaims':
      return { takeoverAfterMs: short, visibilityTimeoutMs: long }
    case 'shortClaims':
      return { takeoverAfterMs: long, visibilityTimeoutMs: Math.round(short / 2) }
  }
}

/** Nearly every request takes time, so that a process can be stopped at each of its awaits; some go wrong, seldom or often. */
function drawRates(random: Random, lostNotifications: number): FaultRates {
  const each = pick(random, [0, 0.002, 0.01, 0.04])
  const kinds = FAULT_KINDS.filter((kind) => kind !== 'latency' && kind !== 'lost-notification')
  const faults = kinds.map((kind): [FaultKind, number] => [kind, each * between(random, 0, 1)])
  const sum = faults.reduce((all, [, rate]) => all + rate, lostNotifications)
  const rates = { ...Object.fromEntries(faults), 'lost-notification': lostNotifications }
  return { ...rates, latency: chance(random, 0.1) ? 0.1 : Math.min(0.7, 0.99 - sum) }
}

function drawBackoff(random: Random): Profile['backoff'] {
  const [baseMs, maxMs] = [whole(random, 0, 1_000), whole(random, 0, 3_000)]
  return { baseMs: Math.min(baseMs, maxMs), maxMs }
}
